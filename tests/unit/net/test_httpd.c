/* test_httpd.c -- the HTTP server over raw sockets: requests, replies, and replies that come later.
 */
#include "httpd_fixture.h"

#include "base/banned.h"

START_TEST(a_request_reaches_the_handler_as_sent)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);

	ask(h,
	    "POST /a%20b/../c?q=x%2By+z HTTP/1.1\r\n" CLOSE
	    "X-Test: 1\r\nContent-Length: 5\r\n\r\nhello",
	    &out);
	ck_assert_msg(strstr(out.data, "HTTP/1.1 200") != NULL, "%s", out.data);
	ck_assert_msg(strstr(out.data, "POST /a%20b/../c q=x+y z h=1 peer=127.0.0.1 body=5:hello"),
	              "%s", out.data);
	ck_assert_ptr_nonnull(strstr(out.data, "X-Good: yes"));
	ck_assert_ptr_null(strstr(out.data, "X-Injected"));
	ask(h, "GET /? HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_msg(strstr(out.data, "GET / q=none h=none"), "%s", out.data);
	ask(h, "GET /?q HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_msg(strstr(out.data, "GET / q= h=none"), "%s", out.data);
	httpd_stop(h);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);

	ask(h, "HEAD /file HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "Content-Length: 10\r\n"));
	ck_assert_ptr_null(strstr(out.data, "0123456789"));
	ask(h, "GET /file HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "\r\n\r\n0123456789"));
	httpd_stop(h);
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial(h);

	for (int i = 0; i < 50; i++) {
		str_reset(&out);
		say(fd, "POST /k HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
		hear(fd, &out, "body=2:hi");
	}
	close(fd);
	httpd_stop(h);
}
END_TEST

START_TEST(an_error_closes_and_is_json)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);

	ask(h, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 500"));
	ck_assert_ptr_nonnull(strstr(out.data, "Connection: close"));
	ck_assert_ptr_nonnull(strstr(out.data, "{\"error\": {\"code\": \"InternalError\""));
	ask(h, "GET /spoilt HTTP/1.1\r\nHost: x\r\n\r\n", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 500"));
	ck_assert_ptr_null(strstr(out.data, "X-Good"));
	httpd_stop(h);
}
END_TEST

static void
wait_for_deferred(size_t n)
{
	int64_t end = clock_mono_ms() + LONG_MS;

	while (deferred_count() < n) {
		ck_assert_int_lt(clock_mono_ms(), end);
		poll(NULL, 0, 1);
	}
}

static void *
reply_to_all(void *n)
{
	size_t want = *(size_t *)n;
	struct httpd_request *rq;

	for (size_t i = 0; i < want; i++) {
		wait_for_deferred(i + 1);
		pthread_mutex_lock(&desk.lock);
		rq = desk.deferred[i];
		pthread_mutex_unlock(&desk.lock);
		httpd_reply(rq, text_of(rq));
	}
	return NULL;
}

START_TEST(deferred_replies_come_from_another_thread)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	size_t n = 200;
	pthread_t helper;
	int fds[20];

	ck_assert_int_eq(pthread_create(&helper, NULL, reply_to_all, &n), 0);
	for (int i = 0; i < 20; i++)
		fds[i] = dial(h);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 20; i++)
			say(fds[i], "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: "
			            "3\r\n\r\nabc");
		for (int i = 0; i < 20; i++) {
			str_reset(&out);
			hear(fds[i], &out, "body=3:abc");
		}
	}
	pthread_join(helper, NULL);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	httpd_stop(h);
}
END_TEST

/* The body's deadline must not cut off who waits for a deferred reply. */
START_TEST(waiting_for_a_reply_has_no_deadline)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1000,
		                         .head_deadline_ms = 50,
		                         .body_deadline_ms = 50 };
	struct httpd *h = start(&conf);
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct pollfd p = { .events = POLLIN };
	struct httpd_request *rq;

	p.fd = dial(h);
	say(p.fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for_deferred(1);
	ck_assert_int_eq(poll(&p, 1, 400), 0);
	rq = desk.deferred[0];
	httpd_reply(rq, text_of(rq));
	hear(p.fd, &out, "GET /later");
	close(p.fd);
	httpd_stop(h);
}
END_TEST

static void *
stop_it(void *h)
{
	httpd_stop(h);
	return NULL;
}

/* A connection that the server has taken, not one that still waits to be: a stop takes no more. */
static int
dial_and_be_served(const struct httpd *h)
{
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int fd = dial(h);
	say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	hear(fd, &out, "body=");
	return fd;
}

/* On a connection that was there before; until the stop has begun, it is served. */
static void
wait_until_refused(int fd)
{
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	int64_t end = clock_mono_ms() + LONG_MS;

	while (strstr(str_text(&out), "Stopping") == NULL) {
		ck_assert_int_lt(clock_mono_ms(), end);
		str_reset(&out);
		say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		hear(fd, &out, "\r\n\r\n");
		hear(fd, &out, strstr(out.data, "HTTP/1.1 503") != NULL ? "Stopping" : "body=");
	}
}

START_TEST(a_stop_waits_for_deferred_replies)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct httpd_request *rq;
	pthread_t stopper;
	int64_t from;
	int fd = dial(h), idle = dial_and_be_served(h), e = 0;

	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for_deferred(1);
	ck_assert_int_eq(pthread_create(&stopper, NULL, stop_it, h), 0);
	for (int i = 0; i < 20 && e == 0; i++) {
		e = pthread_tryjoin_np(stopper, NULL) == 0;
		poll(NULL, 0, 5);
	}
	ck_assert_msg(e == 0, "the stop did not wait");
	wait_until_refused(idle);
	from = clock_mono_ms();
	rq = desk.deferred[0];
	httpd_reply(rq, text_of(rq));
	hear(fd, &out, NULL);
	ck_assert_ptr_nonnull(strstr(out.data, "GET /later"));
	ck_assert_ptr_nonnull(strstr(out.data, "Connection: close"));
	pthread_join(stopper, NULL);
	ck_assert_int_lt(clock_mono_ms() - from, 3000);
	close(fd);
	close(idle);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_who_does_not_read)
{
	struct httpd *h = start_plain();
	int64_t from = clock_mono_ms();
	int fd = dial_narrow(h), idle = dial_and_be_served(h);
	pthread_t stopper;

	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for_deferred(1);
	ck_assert_int_eq(pthread_create(&stopper, NULL, stop_it, h), 0);
	wait_until_refused(idle);
	httpd_reply(desk.deferred[0], big());
	pthread_join(stopper, NULL);
	ck_assert_int_lt(clock_mono_ms() - from, LONG_MS);
	close(fd);
	close(idle);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("httpd");
	TCase *t = tcase_create("httpd");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	tcase_add_test(t, a_request_reaches_the_handler_as_sent);
	tcase_add_test(t, head_has_the_length_and_no_body);
	tcase_add_test(t, a_connection_serves_many_requests);
	tcase_add_test(t, an_error_closes_and_is_json);
	tcase_add_test(t, deferred_replies_come_from_another_thread);
	tcase_add_test(t, waiting_for_a_reply_has_no_deadline);
	tcase_add_test(t, a_stop_waits_for_deferred_replies);
	tcase_add_test(t, a_stop_does_not_wait_for_who_does_not_read);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
