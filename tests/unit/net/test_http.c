/* test_http.c -- the HTTP client against our own server. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/stop.h"
#include "net/http.h"
#include "net/httpd.h"

#include "base/banned.h"

static struct httpd *server;
static struct http *client;

static bool
echo(void *arg, struct httpd_request *rq)
{
	struct httpd_response *rs;
	struct str out = STR_INIT(1 << 20);
	const char *status = httpd_query(rq, "status"), *host = httpd_header(rq, "X-Empty");
	const char *body;
	size_t n;

	(void)arg;
	body = httpd_body(rq, &n);
	if (strcmp(httpd_path(rq), "/long") == 0) {
		for (int i = 0; i < 100000; i++)
			str_addc(&out, 'x');
	} else {
		str_addf(&out, "%s %s %s ", httpd_method(rq), httpd_path(rq),
		         host == NULL ? "none" : host);
		str_addn(&out, body, n);
	}
	rs = httpd_response_new(status != NULL ? 404 : 200, "text/plain");
	httpd_response_header(rs, "X-Some", "value");
	httpd_response_body(rs, &out);
	httpd_reply(rq, rs);
	return true;
}

static void
setup(void)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0",
		                         .threads = 1,
		                         .max_body = 1 << 20 };
	struct fault f = { .rc = RC_OK };

	ck_assert_int_eq(stop_setup(&f), RC_OK);
	server = httpd_start(&conf, echo, NULL, &f);
	client = http_open(&f);
	ck_assert(server != NULL && client != NULL);
}

static void
teardown(void)
{
	http_close(client);
	httpd_stop(server);
}

static enum rc
request(struct http_call c, const char *path, struct http_reply *ret, struct fault *f)
{
	struct str url CLEANUP(str_free) = STR_INIT(1000);

	str_addf(&url, "http://127.0.0.1:%u%s", httpd_port(server), path);
	c.url = url.data;
	return http_request(client, &c, ret, f);
}

static struct http_call
call(const char *method)
{
	return (struct http_call){
		.method = method, .body_fd = -1, .sink_fd = -1, .max_reply = 100000
	};
}

START_TEST(the_path_goes_as_it_is)
{
	struct http_reply r;
	struct fault f;

	ck_assert_int_eq(request(call("GET"), "/a/../b//%2e?x=1", &r, &f), RC_OK);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(r.body.data, "GET /a/../b//%2e none ");
	ck_assert_int_eq(r.received, (int64_t)r.body.len);
	http_reply_free(&r);
}
END_TEST

START_TEST(a_body_goes_from_memory_and_from_a_file)
{
	struct http_call c = call("PUT");
	struct http_reply r;
	struct fault f;
	int fd = memfd_create("body", 0);

	c.body = "from memory";
	c.body_size = 11;
	ck_assert_int_eq(request(c, "/m", &r, &f), RC_OK);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(r.body.data, "PUT /m none from memory");
	http_reply_free(&r);
	ck_assert_int_eq(write(fd, "from a file", 11), 11);
	c.body = NULL;
	c.body_fd = fd;
	ck_assert_int_eq(request(c, "/f", &r, &f), RC_OK);
	ck_assert_str_eq(r.body.data, "PUT /f none from a file");
	http_reply_free(&r);
	c.body_size = 12;
	ck_assert_int_eq(request(c, "/f", &r, &f), RC_RETRY);
	ck_assert_ptr_nonnull(strstr(f.message, "shorter"));
	close(fd);
}
END_TEST

START_TEST(a_reply_goes_to_a_file)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.sink_fd = memfd_create("sink", 0);
	ck_assert_int_eq(request(c, "/long", &r, &f), RC_OK);
	ck_assert_int_eq(r.received, 100000);
	ck_assert_uint_eq(r.body.len, 0);
	ck_assert_int_eq(lseek(c.sink_fd, 0, SEEK_END), 100000);
	http_reply_free(&r);
	close(c.sink_fd);
}
END_TEST

START_TEST(a_reply_that_is_too_large_ends_it)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.max_reply = 99999;
	ck_assert_int_eq(request(c, "/long", &r, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "TooLarge");
}
END_TEST

/* An error's body tells why: it is kept apart from the file, and cut. */
START_TEST(an_errors_body_is_cut)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.max_reply = 1;
	c.sink_fd = memfd_create("sink", 0);
	ck_assert_int_eq(request(c, "/long?status=404", &r, &f), RC_OK);
	ck_assert_int_eq(r.status, 404);
	ck_assert_uint_eq(r.body.len, 65536);
	ck_assert_int_eq(lseek(c.sink_fd, 0, SEEK_END), 0);
	http_reply_free(&r);
	close(c.sink_fd);
}
END_TEST

START_TEST(headers_are_sent_and_found)
{
	const struct http_header empty = { "X-Empty", "" }, bad = { "X-Bad", "a\r\nX-More: b" };
	struct str buf CLEANUP(str_free) = STR_INIT(100);
	struct http_call c = call("HEAD");
	struct http_reply r;
	struct fault f;

	c.headers = &empty;
	c.header_count = 1;
	ck_assert_int_eq(request(c, "/h", &r, &f), RC_OK);
	ck_assert_str_eq(http_reply_header(&r, "x-some", &buf), "value");
	ck_assert_str_eq(http_reply_header(&r, "Content-Length", &buf), "9");
	ck_assert_ptr_null(http_reply_header(&r, "X-Som", &buf));
	ck_assert_uint_eq(r.body.len, 0);
	http_reply_free(&r);
	c.headers = &bad;
	ck_assert_int_eq(request(c, "/h", &r, &f), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "X-Bad"));
}
END_TEST

START_TEST(only_http_is_spoken)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;

	c.url = "file:///etc/passwd";
	ck_assert_int_eq(http_request(client, &c, &r, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "BadURL");
	c.url = "no url";
	ck_assert_int_eq(http_request(client, &c, &r, &f), RC_PERMANENT);
}
END_TEST

START_TEST(a_stop_ends_it_if_asked)
{
	struct http_call c = call("GET");
	struct http_reply r;
	struct fault f;
	int end = stop_fd();

	c.end_fd = &end;
	ck_assert_int_eq(request(c, "/", &r, &f), RC_OK);
	http_reply_free(&r);
	stop_request();
	ck_assert_int_eq(request(c, "/", &r, &f), RC_STOP);
}
END_TEST

START_TEST(dates_are_read)
{
	int64_t ms = 0;

	ck_assert(http_date_ms("Fri, 02 Jan 2026 03:04:05 GMT", &ms));
	ck_assert_int_eq(ms, INT64_C(1767323045000));
	ck_assert(!http_date_ms("yesterday, or so", &ms));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_path_goes_as_it_is);
	tcase_add_test(t, a_body_goes_from_memory_and_from_a_file);
	tcase_add_test(t, a_reply_goes_to_a_file);
	tcase_add_test(t, a_reply_that_is_too_large_ends_it);
	tcase_add_test(t, an_errors_body_is_cut);
	tcase_add_test(t, headers_are_sent_and_found);
	tcase_add_test(t, only_http_is_spoken);
	tcase_add_test(t, a_stop_ends_it_if_asked);
	tcase_add_test(t, dates_are_read);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
