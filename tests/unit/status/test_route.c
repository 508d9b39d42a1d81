/* test_route.c -- from a request to its answer, as far as no database is asked: paths, who may come
 * in, and what every answer carries. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "net/http.h"
#include "status/site.h"
#include "base/banned.h"

static struct site site;
static struct httpd *server;
static struct http *client;
static struct http_reply reply;
static const char *password; /* to be sent along; NULL: none */
static const struct fault away = { .rc = RC_RETRY, .message = "it is away" };
static const struct fault broken = { .rc = RC_BUG, .message = "it is broken" };

/* /away and /broken below anything answer with what was wrong with a question. */
static bool
handle(void *arg, struct httpd_request *rq)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new(1 << 20);
	struct visit v = { .site = arg, .rq = rq, .arena = arena };
	const char *path = httpd_path(rq);
	struct httpd_response *rs = NULL;
	if (!visit_split(&v, path))
		rs = httpd_error(400, "bad_path", "");
	else if (v.count > 1 && strcmp(v.segments[v.count - 1], "away") == 0)
		rs = reply_fault(&v, "database", &away);
	else if (v.count > 1 && strcmp(v.segments[v.count - 1], "broken") == 0)
		rs = reply_fault(&v, "database", &broken);
	else
		rs = visit_answer(&v);
	httpd_reply(rq, rs);
	return true;
}

static void
setup(void)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0", .threads = 1, .max_body = 1000 };
	struct fault f = { 0 };
	site.loopback = true;
	server = httpd_start(&conf, handle, &site, &f);
	client = http_open(&f);
	ck_assert_msg(server && client, "%s", f.message);
}

static void
teardown(void)
{
	http_reply_free(&reply);
	http_close(client);
	httpd_stop(server);
}

/* One more header, or none; the status. */
static int
ask(const char *method, const char *path, const char *name, const char *value)
{
	struct str url CLEANUP(str_free) = STR_INIT(1000);
	struct http_header headers[2] = { { name, value } };
	size_t n = name ? 1 : 0;
	struct fault f = { 0 };
	if (password)
		headers[n++] = (struct http_header){ "Authorization", password };
	str_addf(&url, "http://127.0.0.1:%u%s", httpd_port(server), path);
	const struct http_call c = { .method = method,
		                     .url = str_text(&url),
		                     .headers = headers,
		                     .header_count = n,
		                     .body_fd = -1,
		                     .sink_fd = -1,
		                     .max_reply = 1 << 20 };
	http_reply_free(&reply);
	ck_assert_msg(http_request(client, &c, &reply, &f) == RC_OK, "%s", f.message);
	return reply.status;
}

static int
get(const char *path)
{
	return ask("GET", path, NULL, NULL);
}

static void
header_is(const char *name, const char *value)
{
	struct str buf CLEANUP(str_free) = STR_INIT(1000);
	const char *is = http_reply_header(&reply, name, &buf);
	ck_assert_msg(is && strcmp(is, value) == 0, "%s: %s", name, is ? is : "missing");
}

static const struct {
	const char *path;
	int count; /* -1: refused */
	const char *last;
} paths[] = {
	{ "/", 0, NULL },
	{ "/a", 1, "a" },
	{ "/a/", 1, "a" },
	{ "/a/b%2Fc", 2, "b/c" },
	{ "/a%20%25", 1, "a %" },
	{ "/%C3%BC", 1, "\u00fc" },
	{ "/1/2/3/4/5/6/7/8", 8, "8" },
	{ "/1/2/3/4/5/6/7/8/9", -1, NULL },
	{ "", -1, NULL },
	{ "a", -1, NULL },
	{ "//", -1, NULL },
	{ "/a//b", -1, NULL },
	{ "/%", -1, NULL },
	{ "/%4", -1, NULL },
	{ "/%4/1", -1, NULL },
	{ "/%4g", -1, NULL },
	{ "/a%00", -1, NULL },
	{ "/%FF", -1, NULL },
	{ "/%C3", -1, NULL },
};

START_TEST(paths_are_taken_apart)
{
	struct visit v = { .arena = arena_new(1 << 20) };
	bool ok = visit_split(&v, paths[_i].path);
	ck_assert_msg(ok == (paths[_i].count >= 0), "%s", paths[_i].path);
	if (ok)
		ck_assert_int_eq((int)v.count, paths[_i].count);
	if (ok && v.count > 0)
		ck_assert_str_eq(v.segments[v.count - 1], paths[_i].last);
	arena_free(v.arena);
}
END_TEST

static const struct {
	const char *host;
	int loopback, named, beyond; /* the status: here; with a public URL; on another address */
} hosts[] = {
	{ "localhost", 404, 404, 404 },
	{ "LocalHost:8471", 404, 404, 404 },
	{ "127.0.0.1:1", 404, 404, 404 },
	{ "[::1]:1", 404, 404, 404 },
	{ "localhost.evil.example", 403, 403, 404 },
	{ "127.0.0.1.evil.example", 403, 403, 404 },
	{ "mill.example", 403, 404, 404 },
	{ "Mill.example:8443", 403, 404, 404 },
	{ "mill.example.evil", 403, 403, 404 },
	{ "mill", 403, 403, 404 },
	{ "evil.example", 403, 403, 404 },
};

START_TEST(only_our_own_names_are_answered)
{
	const char *host = hosts[_i].host;
	ck_assert_int_eq(ask("GET", "/none", "Host", host), hosts[_i].loopback);
	site.conf.public_url = "https://mill.example:8443/at";
	ck_assert_int_eq(ask("GET", "/none", "Host", host), hosts[_i].named);
	site.loopback = false;
	ck_assert_int_eq(ask("GET", "/none", "Host", host), hosts[_i].beyond);
}
END_TEST

START_TEST(probes_are_open_and_nothing_else)
{
	static const char *const shut[] = { "/",
		                            "/t/x",
		                            "/t/x/s/1/f",
		                            "/search",
		                            "/queues",
		                            "/dead",
		                            "/workers",
		                            "/api/v1/traces/x",
		                            "/api/v1/queues",
		                            "/api/v1/dead",
		                            "/api/v1/workers",
		                            "/metrics",
		                            "/assets/style.css" };
	ck_assert_int_eq(ask("GET", "/livez", "Host", "evil.example"), 200);
	ck_assert_int_eq(ask("GET", "/readyz", "Host", "evil.example"), 503);
	atomic_store(&site.ready, true);
	ck_assert_int_eq(ask("GET", "/readyz", "Host", "evil.example"), 200);
	for (size_t i = 0; i < ARRAY_LEN(shut); i++)
		ck_assert_msg(ask("GET", shut[i], "Host", "evil.example") == 403, "%s", shut[i]);
	site.conf.password = "secret";
	ck_assert_int_eq(get("/livez"), 200);
	for (size_t i = 0; i < ARRAY_LEN(shut); i++)
		ck_assert_msg(get(shut[i]) == 401, "%s", shut[i]);
}
END_TEST

static const struct {
	const char *authorization;
	int status;
} passwords[] = {
	{ "Basic YW55OnNlOmNyZXQ=", 404 }, /* any:se:cret */
	{ "basic   YW55OnNlOmNyZXQ=", 404 },
	{ "Basic YW55OnNlOmNyZXQ", 404 },
	{ "Basic OnNlOmNyZXQ=", 404 },     /* :se:cret */
	{ "Basic c2U6Y3JldA==", 401 },     /* se:cret */
	{ "Basic YW55OnNl", 401 },         /* any:se */
	{ "Basic YW55OnNlOmNyZXR4", 401 }, /* any:se:cretx */
	{ "Basic bm9jb2xvbg==", 401 },     /* nocolon */
	{ "Basic ", 401 },
	{ "Bearer YW55OnNlOmNyZXQ=", 401 },
};

START_TEST(the_password_is_all_behind_the_first_colon)
{
	site.conf.password = "se:cret";
	ck_assert_int_eq(ask("GET", "/none", "Authorization", passwords[_i].authorization),
	                 passwords[_i].status);
	if (passwords[_i].status == 401)
		header_is("WWW-Authenticate", "Basic realm=\"Millrace\", charset=\"UTF-8\"");
}
END_TEST

/* Who knows the password may call it by any name. */
START_TEST(a_password_is_enough)
{
	site.conf.password = "se:cret";
	ck_assert_int_eq(ask("GET", "/none", "Host", "evil.example"), 401);
	password = "Basic YW55OnNlOmNyZXQ=";
	ck_assert_int_eq(ask("GET", "/none", "Host", "evil.example"), 404);
}
END_TEST

START_TEST(it_only_reads)
{
	ck_assert_int_eq(ask("HEAD", "/livez", NULL, NULL), 200);
	ck_assert_int_eq(ask("POST", "/livez", NULL, NULL), 405);
	header_is("Allow", "GET, HEAD");
	ck_assert_int_eq(ask("DELETE", "/assets/style.css", NULL, NULL), 405);
}
END_TEST

START_TEST(a_file_is_sent_once)
{
	struct str buf CLEANUP(str_free) = STR_INIT(1000);
	ck_assert_int_eq(get("/assets/style.css"), 200);
	ck_assert_uint_gt(reply.body.len, 1000);
	header_is("Content-Security-Policy", "default-src 'none'");
	const char *etag = http_reply_header(&reply, "ETag", &buf);
	ck_assert_ptr_nonnull(etag);
	ck_assert_int_eq(ask("GET", "/assets/style.css", "If-None-Match", etag), 304);
	ck_assert_int_eq(ask("GET", "/assets/style.css", "If-None-Match", "\"other\""), 200);
	ck_assert_int_eq(get("/assets/none.css"), 404);
}
END_TEST

static void
is_safe(void)
{
	header_is("X-Content-Type-Options", "nosniff");
	header_is("Referrer-Policy", "no-referrer");
	header_is("Cross-Origin-Resource-Policy", "same-origin");
	header_is("Cache-Control", "no-store");
	header_is("Content-Security-Policy",
	          "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
	          "connect-src 'self'; form-action 'self'; base-uri 'none'; "
	          "frame-ancestors 'none'");
}

START_TEST(every_answer_says_what_may_be_done_with_it)
{
	ck_assert_int_eq(get("/livez"), 200);
	is_safe();
	ck_assert_int_eq(get("/none"), 404);
	is_safe();
	ck_assert_int_eq(get("/t/away"), 503);
	is_safe();
}
END_TEST

START_TEST(who_asks_for_json_hears_json)
{
	ck_assert_int_eq(get("/api/none"), 404);
	header_is("Content-Type", "application/json");
	ck_assert_int_eq(get("/api/away"), 503);
	header_is("Retry-After", "2");
	ck_assert_str_eq(reply.body.data, "{\"error\": {\"code\": \"database_away\", "
	                                  "\"message\": \"it is away\"}}\n");
	ck_assert_int_eq(get("/api/broken"), 500);
	ck_assert_str_eq(reply.body.data, "{\"error\": {\"code\": \"failed\", "
	                                  "\"message\": \"it is broken\"}}\n");
	ck_assert_int_eq(get("/t/away"), 503);
	header_is("Retry-After", "2");
	ck_assert_ptr_nonnull(strstr(reply.body.data, "The database does not answer"));
	ck_assert_int_eq(get("/t/broken"), 500);
	ck_assert_ptr_nonnull(strstr(reply.body.data, "This did not work"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("route");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, paths_are_taken_apart, 0, (int)ARRAY_LEN(paths));
	tcase_add_loop_test(t, only_our_own_names_are_answered, 0, (int)ARRAY_LEN(hosts));
	tcase_add_test(t, probes_are_open_and_nothing_else);
	tcase_add_loop_test(t, the_password_is_all_behind_the_first_colon, 0,
	                    (int)ARRAY_LEN(passwords));
	tcase_add_test(t, a_password_is_enough);
	tcase_add_test(t, it_only_reads);
	tcase_add_test(t, a_file_is_sent_once);
	tcase_add_test(t, every_answer_says_what_may_be_done_with_it);
	tcase_add_test(t, who_asks_for_json_hears_json);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
