/* test_httpd.c -- the HTTP server over real sockets: limits, deadlines, deferred replies. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/httpd.h"

#include "base/banned.h"

#define LONG_MS 10000

/* What the handler does is said by the path. Deferred requests wait here for test or helper. */
static struct {
	pthread_mutex_t lock;
	struct httpd_request *deferred[256];
	size_t count;
} desk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
defer(struct httpd_request *rq)
{
	pthread_mutex_lock(&desk.lock);
	desk.deferred[desk.count++] = rq;
	pthread_mutex_unlock(&desk.lock);
}

static size_t
deferred_count(void)
{
	size_t n;

	pthread_mutex_lock(&desk.lock);
	n = desk.count;
	pthread_mutex_unlock(&desk.lock);
	return n;
}

static struct httpd_response *
text_of(const struct httpd_request *rq)
{
	struct httpd_response *rs = httpd_response_new(200, "text/plain");
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	const char *q = httpd_query(rq, "q"), *header = httpd_header(rq, "X-Test");
	size_t n;

	httpd_body(rq, &n);
	str_addf(&out, "%s %s q=%s h=%s peer=%s body=%zu:%.40s", httpd_method(rq), httpd_path(rq),
	         q == NULL ? "none" : q, header == NULL ? "none" : header, httpd_peer(rq), n,
	         httpd_body(rq, &n));
	httpd_response_header(rs, "X-Good", "yes");
	httpd_response_header(rs, "X-Bad", "a\r\nX-Injected: b");
	httpd_response_body(rs, &out);
	return rs;
}

static bool
handler(void *arg, struct httpd_request *rq)
{
	struct httpd_response *rs;
	int fd;

	(void)arg;
	if (strcmp(httpd_path(rq), "/later") == 0) {
		defer(rq);
		return false;
	}
	if (strcmp(httpd_path(rq), "/none") == 0) {
		httpd_reply(rq, NULL);
		return true;
	}
	if (strcmp(httpd_path(rq), "/file") == 0) {
		fd = memfd_create("file", 0);
		ck_assert_int_eq(write(fd, "0123456789", 10), 10);
		rs = httpd_response_new(200, "text/plain");
		httpd_response_fd(rs, fd, 10);
		httpd_reply(rq, rs);
		return true;
	}
	httpd_reply(rq, text_of(rq));
	return true;
}

static struct httpd *
start(const struct httpd_conf *conf)
{
	struct fault f = { .rc = RC_OK };
	struct httpd *h = httpd_start(conf, handler, NULL, &f);

	ck_assert_msg(h != NULL, "%s", f.message);
	return h;
}

static struct httpd *
start_plain(void)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0", .threads = 2, .max_body = 1000 };

	return start(&conf);
}

static int
dial(const struct httpd *h)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)httpd_port(h)),
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All until the far side closes, or until `enough` is in it. */
static void
hear(int fd, struct str *out, const char *enough)
{
	char part[4096];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = clock_mono_ms() + LONG_MS;
	ssize_t n;

	while (enough == NULL || strstr(str_text(out), enough) == NULL) {
		ck_assert_msg(poll(&p, 1, (int)(end - clock_mono_ms())) == 1,
		              "nothing more came after: %s", str_text(out));
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			return;
		str_addn(out, part, (size_t)n);
	}
}

static void
ask(const struct httpd *h, const char *request, struct str *out)
{
	int fd = dial(h);

	say(fd, request);
	str_reset(out);
	hear(fd, out, NULL);
	close(fd);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

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
	httpd_stop(h);
}
END_TEST

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
	return httpd_error(401, "unauthorized", "no");
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
	hear(fd, &out, "unauthorized");
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
	int first = dial(h), second = dial(h), third = dial(h);

	say(first, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n");
	for (int i = 0; i < 8; i++)
		say(first, "0123456789");
	/* Its one thread has read all that by the time it answers another twice. */
	for (int i = 0; i < 2; i++) {
		str_reset(&out);
		say(third, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
		hear(third, &out, "body=1:x");
	}
	str_reset(&out);
	say(second, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n");
	for (int i = 0; i < 5; i++)
		say(second, "0123456789");
	hear(second, &out, "try again");
	ck_assert_ptr_nonnull(strstr(out.data, "HTTP/1.1 503"));
	ck_assert_ptr_nonnull(strstr(out.data, "Retry-After: 2"));
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
	close(second);
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
		                         .body_deadline_ms = 200 };
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

START_TEST(a_stop_waits_for_deferred_replies)
{
	struct httpd *h = start_plain();
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	struct httpd_request *rq;
	pthread_t stopper;
	int fd = dial(h), idle = dial(h), e = 0;

	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for_deferred(1);
	ck_assert_int_eq(pthread_create(&stopper, NULL, stop_it, h), 0);
	for (int i = 0; i < 20 && e == 0; i++) {
		e = pthread_tryjoin_np(stopper, NULL) == 0;
		poll(NULL, 0, 5);
	}
	ck_assert_msg(e == 0, "the stop did not wait");
	rq = desk.deferred[0];
	httpd_reply(rq, text_of(rq));
	hear(fd, &out, NULL);
	ck_assert_ptr_nonnull(strstr(out.data, "GET /later"));
	ck_assert_ptr_nonnull(strstr(out.data, "Connection: close"));
	pthread_join(stopper, NULL);
	close(fd);
	close(idle);
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
	int a = dial(h), b = dial(h);

	/* Served once the two silent ones are cut off. */
	ask(h, "GET / HTTP/1.1\r\n" CLOSE "\r\n", &out);
	ck_assert_ptr_nonnull(strstr(str_text(&out), "HTTP/1.1 200"));
	close(a);
	close(b);
	httpd_stop(h);
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
	tcase_add_test(t, a_body_that_is_announced_too_long_is_refused_unread);
	tcase_add_test(t, a_chunked_body_is_refused_once_it_is_too_long);
	tcase_add_loop_test(t, a_body_without_one_certain_end_is_refused, 0,
	                    (int)ARRAY_LEN(ambiguous));
	tcase_add_test(t, who_is_turned_away_at_the_gate_hears_so_after_the_body);
	tcase_add_test(t, bodies_past_what_the_server_keeps_are_told_to_come_again);
	tcase_add_test(t, a_slow_head_is_cut_off);
	tcase_add_test(t, a_slow_body_is_cut_off);
	tcase_add_test(t, an_idle_connection_is_closed);
	tcase_add_test(t, deferred_replies_come_from_another_thread);
	tcase_add_test(t, waiting_for_a_reply_has_no_deadline);
	tcase_add_test(t, a_stop_waits_for_deferred_replies);
	tcase_add_test(t, more_connections_than_allowed_wait);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
