/* test_http_wire.c -- the HTTP client against a server that says what it is told to, byte by byte.
 */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http.h"

#include "base/banned.h"

/* Far more than any limit that is set here, far less than the client's own. */
#define SOON_MS 10000
#define STEPS_MAX 4

enum then { CLOSE, KEEP, HOLD };

/* One request: what is answered, and what becomes of the connection. */
static struct step {
	const char *reply; /* NULL: nothing */
	enum then then;
} steps[STEPS_MAX];
static size_t step_count;
static struct str heard[STEPS_MAX];
static int listener;
static unsigned port;
static pthread_t server;
static struct http *client;

static bool
is_whole(const struct str *s)
{
	const char *text = str_text(s), *body = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "Content-Length: ");

	return body != NULL &&
	       (length == NULL || length > body ||
	        s->len - (size_t)(body + 4 - text) >= strtoul(length + 16, NULL, 10));
}

static void
hear(int fd, struct str *ret)
{
	char part[8192];
	ssize_t n = 1;

	while (!is_whole(ret) && (n = recv(fd, part, sizeof(part), 0)) > 0)
		str_addn(ret, part, (size_t)n);
}

static void *
serve(void *arg)
{
	int fd = -1;

	for (size_t i = 0; i < step_count; i++) {
		if (fd < 0)
			fd = accept(listener, NULL, NULL);
		if (fd < 0)
			break;
		hear(fd, &heard[i]);
		if (steps[i].reply != NULL)
			send(fd, steps[i].reply, strlen(steps[i].reply), MSG_NOSIGNAL);
		if (steps[i].then == HOLD)
			recv(fd, &(char){ 0 }, 1, 0);
		if (steps[i].then != KEEP) {
			close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
	return arg;
}

static void
setup(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	struct fault f = { .rc = RC_OK };

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, n), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	port = ntohs(at.sin_port);
	for (size_t i = 0; i < STEPS_MAX; i++)
		str_init(&heard[i], 4 << 20);
	client = http_open(&f);
	ck_assert_ptr_nonnull(client);
}

static void
answer(const char *reply, enum then then)
{
	steps[step_count++] = (struct step){ reply, then };
}

static void
start(void)
{
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

/* After it the test may read what was heard. */
static void
end(void)
{
	http_close(client);
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listener);
}

static struct http_call
call(const char *method)
{
	return (struct http_call){
		.method = method, .body_fd = -1, .sink_fd = -1, .max_reply = 11
	};
}

static enum rc
request(struct http_call c, struct http_reply *ret, struct fault *f)
{
	struct str url CLEANUP(str_free) = STR_INIT(100);

	str_addf(&url, "http://127.0.0.1:%u/x", port);
	c.url = url.data;
	return http_request(client, &c, ret, f);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

START_TEST(a_length_that_nobody_announced_is_limited)
{
	struct http_reply r;
	struct fault f;

	answer(CHUNKED "6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n", CLOSE);
	answer(CHUNKED "6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n", CLOSE);
	start();
	ck_assert_int_eq(request(call("GET"), &r, &f), RC_OK);
	ck_assert_str_eq(r.body.data, "abcdefghijk");
	http_reply_free(&r);
	ck_assert_int_eq(request(call("GET"), &r, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "TooLarge");
	end();
}
END_TEST

START_TEST(what_is_announced_too_long_is_not_begun)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.sink_fd = memfd_create("sink", 0);
	answer("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nabcdef", HOLD);
	start();
	ck_assert_int_eq(request(c, &r, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "TooLarge");
	ck_assert_int_eq(lseek(c.sink_fd, 0, SEEK_END), 0);
	close(c.sink_fd);
	end();
}
END_TEST

START_TEST(a_body_that_ends_early_is_no_reply)
{
	struct http_reply r;
	struct fault f;

	answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", CLOSE);
	start();
	ck_assert_int_eq(request(call("GET"), &r, &f), RC_RETRY);
	ck_assert_str_eq(f.code, "Transport");
	end();
}
END_TEST

START_TEST(headers_are_those_of_the_last_answer)
{
	struct str buf CLEANUP(str_free) = STR_INIT(100);
	struct http_reply r;
	struct fault f;

	answer("HTTP/1.1 103 Early Hints\r\nX-Some: early\r\n\r\n"
	       "HTTP/1.1 200 OK\r\nX-Some: late\r\nContent-Length: 0\r\n\r\n",
	       CLOSE);
	start();
	ck_assert_int_eq(request(call("GET"), &r, &f), RC_OK);
	ck_assert_str_eq(http_reply_header(&r, "X-Some", &buf), "late");
	http_reply_free(&r);
	end();
}
END_TEST

START_TEST(a_redirect_is_the_answer)
{
	struct http_reply r;
	struct fault f;

	answer("HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", KEEP);
	answer(EMPTY, CLOSE);
	start();
	ck_assert_int_eq(request(call("GET"), &r, &f), RC_OK);
	ck_assert_int_eq(r.status, 302);
	http_reply_free(&r);
	end();
}
END_TEST

/* Says a little and then nothing more. */
static void
ends_soon(struct http_call c)
{
	struct http_reply r;
	struct fault f;
	int64_t began = clock_mono_ms();

	answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", HOLD);
	start();
	ck_assert_int_eq(request(c, &r, &f), RC_RETRY);
	ck_assert_int_lt(clock_mono_ms() - began, SOON_MS);
	end();
}

START_TEST(silence_ends_it)
{
	struct http_call c = call("GET");

	c.stall_ms = 1001;
	ends_soon(c);
}
END_TEST

START_TEST(time_is_limited_in_all)
{
	struct http_call c = call("GET");

	c.total_ms = 200;
	ends_soon(c);
}
END_TEST

/* The listener keeps one connection that nobody accepts; the next one is not answered at all. */
START_TEST(so_is_the_time_to_connect)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_port = htons((uint16_t)port),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;
	int64_t began;
	int fds[2];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&at, sizeof(at));
	}
	began = clock_mono_ms();
	c.connect_ms = 200;
	c.total_ms = 2 * SOON_MS;
	ck_assert_int_eq(request(c, &r, &f), RC_RETRY);
	ck_assert_int_lt(clock_mono_ms() - began, SOON_MS);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	start();
	end();
}
END_TEST

START_TEST(no_body_is_a_body_of_no_bytes)
{
	static const char *const methods[] = { "PUT", "POST", "PATCH", "DELETE" };
	struct http_reply r;
	struct fault f;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		answer(EMPTY, CLOSE);
	start();
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		ck_assert_int_eq(request(call(methods[i]), &r, &f), RC_OK);
		http_reply_free(&r);
	}
	end();
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		ck_assert_msg((strstr(str_text(&heard[i]), "Content-Length: 0\r\n") != NULL) ==
		                      (i < 3),
		              "%s", str_text(&heard[i]));
}
END_TEST

/* libcurl would ask first whether the server wants it, and wait a second for the answer. */
START_TEST(a_large_body_is_sent_unasked)
{
	static char body[2 << 20];
	struct http_call c = call("PUT");
	struct http_reply r;
	struct fault f;

	memset(body, 'b', sizeof(body));
	c.body = body;
	c.body_size = sizeof(body);
	answer(EMPTY, CLOSE);
	start();
	ck_assert_int_eq(request(c, &r, &f), RC_OK);
	http_reply_free(&r);
	end();
	ck_assert_ptr_null(strstr(str_text(&heard[0]), "Expect"));
	ck_assert_uint_gt(heard[0].len, sizeof(body));
}
END_TEST

/* The server may close a connection that was kept open just as it is used again. */
START_TEST(a_body_is_sent_again_from_its_start)
{
	struct http_call c = call("PUT");
	struct http_reply r;
	struct fault f;

	c.body = "the body";
	c.body_size = 8;
	answer(EMPTY, KEEP);
	answer(NULL, CLOSE);
	answer(EMPTY, CLOSE);
	start();
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(request(c, &r, &f) == RC_OK, "%s", f.message);
		http_reply_free(&r);
	}
	end();
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(strstr(str_text(&heard[i]), "\r\n\r\nthe body") != NULL, "%zu: %s", i,
		              str_text(&heard[i]));
}
END_TEST

START_TEST(a_sink_that_is_full_is_named)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.sink_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", CLOSE);
	start();
	ck_assert_int_eq(request(c, &r, &f), RC_RETRY);
	ck_assert_str_eq(f.message, "keeping the reply: No space left on device");
	close(c.sink_fd);
	end();
}
END_TEST

static void
header_is_refused(const char *name, const char *value, const char *says)
{
	const struct http_header h = { name, value };
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.headers = &h;
	c.header_count = 1;
	ck_assert_int_eq(request(c, &r, &f), RC_PERMANENT);
	ck_assert_msg(strstr(f.message, says) != NULL, "%s", f.message);
}

START_TEST(headers_that_would_be_others_are_refused)
{
	const size_t n = (size_t)300 * 1024;
	char *many = malloc(n);

	ck_assert_ptr_nonnull(many);
	memset(many, 'v', n);
	many[n - 1] = '\0';
	header_is_refused("X-A\nX-B", "v", "line break");
	header_is_refused("X-A: b\rX-B", "v", "line break");
	header_is_refused("X-A:b", "v", "line break");
	header_is_refused("X-A", "v\nX-B: w", "line break");
	header_is_refused("X-A", many, "too long");
	free(many);
	start();
	end();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_length_that_nobody_announced_is_limited,
		what_is_announced_too_long_is_not_begun,
		a_body_that_ends_early_is_no_reply,
		headers_are_those_of_the_last_answer,
		a_redirect_is_the_answer,
		silence_ends_it,
		time_is_limited_in_all,
		so_is_the_time_to_connect,
		no_body_is_a_body_of_no_bytes,
		a_large_body_is_sent_unasked,
		a_body_is_sent_again_from_its_start,
		a_sink_that_is_full_is_named,
		headers_that_would_be_others_are_refused,
	};
	Suite *s = suite_create("http_wire");
	TCase *t = tcase_create("http_wire");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 40);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, NULL);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
