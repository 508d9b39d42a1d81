/* test_httpd_limits.c -- what the HTTP server refuses, cuts off or makes wait. */
#include "httpd_fixture.h"

#include "base/banned.h"

START_TEST(a_body_that_is_announced_too_long_is_refused_unread)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int64_t from = clock_mono_ms();

	ask(h, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n", &out);
	ck_assert_msg(strstr(out.data, "HTTP/1.1 413") != NULL, "%s", out.data);
	ck_assert_int_lt(clock_mono_ms() - from, 1000);
	ask(h, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 413"));
	ask(h, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", &out);
	ck_assert_ptr_null(strstr(out.data, "HTTP/1.1 200"));
	/* The library takes it, we count with a sign. */
	ask(h, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 400"));
	httpd_stop(h);
}
END_TEST

START_TEST(a_body_of_just_what_is_allowed_is_taken)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct str body CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial(h);

	for (int i = 0; i < 1000; i++)
		str_addc(&body, 'x');
	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
	say(fd, body.data);
	hear(fd, &out, "body=1000:");
	str_reset(&out);
	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
	say(fd, body.data);
	say(fd, "\r\n0\r\n\r\n");
	hear(fd, &out, "body=1000:");
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(a_chunked_body_is_refused_once_it_is_too_long)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct str chunk CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial(h);

	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	str_add(&chunk, "1f4\r\n");
	for (int i = 0; i < 500; i++)
		str_addc(&chunk, 'x');
	str_add(&chunk, "\r\n");
	for (int i = 0; i < 3; i++)
		say(fd, chunk.data);
	hear(fd, &out, NULL);
	ck_assert_msg(strstr(str_text(&out), "HTTP/1.1 413") != NULL, "%s", str_text(&out));
	ck_assert_ptr_nonnull(strstr(out.data, "TooLarge"));
	close(fd);
	httpd_stop(h);
}
END_TEST

/* Each could be read in two ways, of which a proxy takes the other one. */
static const char *const ambiguous[] = {
	"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
	"Content-Length: 6\r\nContent-Length: 5\r\n\r\nabcdef",
	"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
};

START_TEST(a_body_without_one_certain_end_is_refused)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct str request CLEANUP(str_free) = STR_INIT(4096);

	str_addf(&request, "POST / HTTP/1.1\r\nHost: x\r\n%s", ambiguous[_i]);
	ask(h, str_text(&request), &out);
	ck_assert_msg(strstr(out.data, "HTTP/1.1 400") != NULL, "%s", out.data);
	ck_assert_ptr_nonnull(strstr(out.data, "Connection: close"));
	httpd_stop(h);
}
END_TEST

static struct httpd_response *
gate(void *arg, const struct httpd_request *rq)
{
	(void)arg;
	if (httpd_header(rq, "X-Test") != NULL)
		return NULL;
	return httpd_error(401, "unauthorized", "no \"way\"");
}

START_TEST(who_is_turned_away_at_the_gate_hears_so_after_the_body)
{
	const struct httpd_conf conf = {
		.listen = "127.0.0.1:0", .threads = 1, .max_body = 1000, .gate = gate
	};
	struct httpd *h = start(&conf);
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial(h);

	say(fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello");
	say(fd, "hello");
	hear(fd, &out, "unauthorized\", \"message\": \"no \\\"way\\\"\"}}");
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 401"));
	ck_assert_uint_eq(deferred_count(), 0);
	close(fd);
	fd = dial(h);
	str_reset(&out);
	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nX-Test: 1\r\nContent-Length: 2\r\n\r\nhi");
	hear(fd, &out, "body=2:hi");
	ck_assert_ptr_nonnull(strstr(out.data, "body=2:hi"));
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 200"));
	str_reset(&out);
	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 126; i++)
		say(fd, "8\r\nabcdefgh\r\n");
	hear(fd, &out, "TooLarge");
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 413"));
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(bodies_past_what_the_server_keeps_are_told_to_come_again)
{
	const struct httpd_conf conf = {
		.listen = "127.0.0.1:0", .threads = 1, .max_body = 100, .max_kept = 120
	};
	struct httpd *h = start(&conf);
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int first = dial(h), second, third = dial(h);

	say(first, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n");
	for (int i = 0; i < 8; i++)
		say(first, "0123456789");
	/* Its one thread has read all that by the time it answers another twice. */
	for (int i = 0; i < 2; i++) {
		str_reset(&out);
		say(third, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
		hear(third, &out, "body=1:x");
	}
	for (int i = 0; i < 3; i++) {
		str_reset(&out);
		second = dial(h);
		say(second, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n");
		say(second, "012345678901234567890123456789");
		for (int k = 0; k < 2; k++) {
			str_reset(&out);
			say(third, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
			hear(third, &out, "body=1:x");
		}
		str_reset(&out);
		say(second, "01234567890123456789");
		hear(second, &out, "try again");
		ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 503"));
		ck_assert_ptr_nonnull(strstr(out.data, "Retry-After: 2"));
		close(second);
	}
	/* What did not fit takes no room from the next one, nor does it end the first. */
	str_reset(&out);
	say(third, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n");
	for (int i = 0; i < 3; i++)
		say(third, "0123456789");
	hear(third, &out, "body=30:");
	str_reset(&out);
	say(first, "0123456789");
	hear(first, &out, "body=90:");
	/* And all room is there again. */
	str_reset(&out);
	say(third, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
	for (int i = 0; i < 10; i++)
		say(third, "0123456789");
	hear(third, &out, "body=100:");
	close(first);
	close(third);
	httpd_stop(h);
}
END_TEST

/* One byte now and then, well within any time-out that starts anew with each byte. */
static int64_t
drip_until_closed(int fd, const char *text)
{
	int64_t from = clock_mono_ms();
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (size_t i = 0; clock_mono_ms() - from < LONG_MS; i++) {
		if (send(fd, &text[i % strlen(text)], 1, MSG_NOSIGNAL) < 0)
			break;
		if (poll(&p, 1, 20) == 1)
			break;
	}
	return clock_mono_ms() - from;
}

START_TEST(a_slow_head_is_cut_off)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1000,
		                         .head_deadline_ms = 300,
		                         .body_deadline_ms = 60000 };
	struct httpd *h = start(&conf);
	int fd = dial(h);
	int64_t took;

	say(fd, "GET / HTTP/1.1\r\nX-Long: ");
	took = drip_until_closed(fd, "x");
	ck_assert_int_ge(took, 250);
	ck_assert_int_lt(took, 3000);
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(a_slow_body_is_cut_off)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 100000,
		                         .head_deadline_ms = 5000,
		                         .body_deadline_ms = 300 };
	struct httpd *h = start(&conf);
	int fd = dial(h);
	int64_t took;

	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
	took = drip_until_closed(fd, "x");
	ck_assert_int_ge(took, 250);
	ck_assert_int_lt(took, 3000);
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1000,
		                         .head_deadline_ms = 200,
		                         .body_deadline_ms = 60000 };
	struct httpd *h = start(&conf);
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial(h);

	say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	hear(fd, &out, NULL);
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 200"));
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(a_bodys_time_begins_anew_with_each_request)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1000,
		                         .head_deadline_ms = 5000,
		                         .body_deadline_ms = 1000 };
	struct httpd *h = start(&conf);
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct pollfd p = { .fd = dial(h), .events = POLLIN };

	say(p.fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	hear(p.fd, &out, "body=0:");
	ck_assert_int_eq(poll(&p, 1, 600), 0);
	str_reset(&out);
	say(p.fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	hear(p.fd, &out, "body=0:");
	ck_assert_int_eq(poll(&p, 1, 500), 0);
	say(p.fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nh");
	ck_assert_int_eq(poll(&p, 1, 250), 0);
	say(p.fd, "i");
	str_reset(&out);
	hear(p.fd, &out, "body=2:hi");
	close(p.fd);
	httpd_stop(h);
}
END_TEST

static struct httpd *
start_for_one_reader(void)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1000,
		                         .max_connections = 1,
		                         .head_deadline_ms = 200,
		                         .body_deadline_ms = 200 };

	return start(&conf);
}

START_TEST(a_slow_reader_gets_its_whole_reply)
{
	struct httpd *h = start_for_one_reader();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct pollfd p = { .fd = dial_narrow(h), .events = 0 };

	say(p.fd, "GET /big HTTP/1.1\r\n" CLOSE "\r\n");
	ck_assert_int_eq(poll(&p, 1, 1000), 0);
	hear(p.fd, &out, NULL);
	ck_assert_uint_gt(out.len, BIG);
	close(p.fd);
	httpd_stop(h);
}
END_TEST

START_TEST(who_does_not_read_at_all_makes_room)
{
	struct httpd *h = start_for_one_reader();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial_narrow(h);

	say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	ask(h, "GET / HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_ptr_nonnull(strstr(str_text(&out), "HTTP/1.1 200"));
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(more_connections_than_allowed_wait)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1000,
		                         .max_connections = 2,
		                         .head_deadline_ms = 300,
		                         .body_deadline_ms = 300 };
	struct httpd *h = start(&conf);
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int64_t from = clock_mono_ms();
	int a = dial(h), b = dial(h);

	/* Served once the two silent ones are cut off. */
	ask(h, "GET / HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_int_ge(clock_mono_ms() - from, 250);
	ck_assert_ptr_nonnull(strstr(str_text(&out), "HTTP/1.1 200"));
	close(a);
	close(b);
	httpd_stop(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("httpd_limits");
	TCase *t = tcase_create("httpd_limits");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	tcase_add_test(t, a_body_that_is_announced_too_long_is_refused_unread);
	tcase_add_test(t, a_body_of_just_what_is_allowed_is_taken);
	tcase_add_test(t, a_chunked_body_is_refused_once_it_is_too_long);
	tcase_add_loop_test(t, a_body_without_one_certain_end_is_refused, 0,
	                    (int)ARRAY_LEN(ambiguous));
	tcase_add_test(t, who_is_turned_away_at_the_gate_hears_so_after_the_body);
	tcase_add_test(t, bodies_past_what_the_server_keeps_are_told_to_come_again);
	tcase_add_test(t, a_slow_head_is_cut_off);
	tcase_add_test(t, a_slow_body_is_cut_off);
	tcase_add_test(t, an_idle_connection_is_closed);
	tcase_add_test(t, a_bodys_time_begins_anew_with_each_request);
	tcase_add_test(t, a_slow_reader_gets_its_whole_reply);
	tcase_add_test(t, who_does_not_read_at_all_makes_room);
	tcase_add_test(t, more_connections_than_allowed_wait);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
