/* database.c -- a database of its own for each test. */
#include "tests/db/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "base/banned.h"

#define JOBS_MAX 100

static char template_name[64], test_name[64], url[80];
static int migrated;

/* A statement on the server's own database, where databases are made and dropped. */
static void
on_server(const char *format, const char *a, const char *b)
{
	struct fault f = { 0 };
	struct str sql = STR_INIT(1000);
	struct db *db = db_open("dbname=postgres", "test", &f);
	if (!db) {
		fprintf(stderr, "no server: %s; run under tests/lib/with-postgres\n", f.message);
		exit(EXIT_FAILURE);
	}
	str_add(&sql, format);
	str_addf(&sql, " \"%s\"", a);
	if (b)
		str_addf(&sql, " template \"%s\"", b);
	struct db_rows *rows = db_call(db, str_text(&sql), 0, NULL, &f);
	if (!rows) {
		fprintf(stderr, "%s: %s\n", str_text(&sql), f.message);
		exit(EXIT_FAILURE);
	}
	db_rows_free(rows);
	str_free(&sql);
	db_close(db);
}

static void
make_template(void)
{
	struct fault f = { 0 };
	snprintf(template_name, sizeof(template_name), "template_%d", (int)getpid());
	on_server("create database", template_name, NULL);
	snprintf(url, sizeof(url), "dbname=%s", template_name);
	struct db *db = db_open(url, "test", &f);
	if (!db || migrate_run(db, sql_files, sql_files_count, NULL, NULL, &f) != RC_OK) {
		fprintf(stderr, "the template: %s\n", f.message);
		exit(EXIT_FAILURE);
	}
	db_close(db);
	migrated = 1;
}

int
run_suite(Suite *suite)
{
	make_template();
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	on_server("drop database", template_name, NULL);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A stop is this process's own from here on: set up before the fork, all tests would share it. */
static void
make(const char *template)
{
	struct fault f = { 0 };
	CHECK_OK(stop_setup(&f), f);
	snprintf(test_name, sizeof(test_name), "test_%d", (int)getpid());
	snprintf(url, sizeof(url), "dbname=%s", test_name);
	on_server("create database", test_name, template);
}

void
with_schema(void)
{
	ck_assert(migrated);
	make(template_name);
}

void
without_schema(void)
{
	make(NULL);
}

void
drop_database(void)
{
	struct fault f = { 0 };
	struct db *db = db_open("dbname=postgres", "test", &f);
	struct str sql = STR_INIT(1000);
	str_addf(&sql, "drop database \"%s\" with (force)", test_name);
	db_rows_free(db_call(db, str_text(&sql), 0, NULL, &f));
	str_free(&sql);
	db_close(db);
}

const char *
database_url(void)
{
	return url;
}

struct db *
database(void)
{
	struct fault f = { 0 };
	struct db *db = db_open(url, "test", &f);
	ck_assert_msg(db != NULL, "%s", f.message);
	return db;
}

int64_t
sql_int(struct db *db, const char *sql)
{
	struct fault f = { 0 };
	struct db_rows *rows = db_call(db, sql, 0, NULL, &f);
	ck_assert_msg(rows != NULL, "%s: %s", sql, f.message);
	int64_t v = db_count(rows) > 0 && db_columns(rows) > 0 && db_text(rows, 0, 0)[0]
	                    ? db_int(rows, 0, 0, 0)
	                    : 0;
	db_rows_free(rows);
	return v;
}

void
sql_await(struct db *db, const char *sql, int64_t wanted)
{
	int64_t until_ms = clock_mono_ms() + 10000;
	while (sql_int(db, sql) < wanted) {
		ck_assert_msg(clock_mono_ms() < until_ms, "never came true: %s", sql);
		stop_wait_ms(5);
	}
}

int
simple_pipeline(struct db *db)
{
	struct fault f = { 0 };
	int number = 0;
	CHECK_OK(upload_register_pipeline(
			 db, "00",
			 "{\"version\": 1, \"kinds\": {\"work\": {\"attempts\": 2, \"timeout_s\": "
			 "7}},"
			 " \"rules\": [{\"name\": \"all\", \"jobs\": [{\"step\": \"only\","
			 " \"kind\": \"work\", \"params\": {\"x\": 1}}]}]}",
			 &number, &f),
	         f);
	return number;
}

struct ulid
accept_key(struct db *db, const char *key)
{
	struct fault f = { 0 };
	const struct upload_body body = { .source = "test", .bytes = "{}", .n = 2 };
	const struct upload_event event = { .what = EVENT_CREATED,
		                            .name = "s3:ObjectCreated:Put",
		                            .store = "s3",
		                            .bucket = "b",
		                            .key = key,
		                            .etag = "e",
		                            .request_id = key,
		                            .size = 5 };
	struct upload_verdict verdict;
	CHECK_OK(upload_accept(db, &body, 1, &event, 1, &verdict, &f), f);
	ck_assert_int_eq(verdict.outcome, UPLOAD_ACCEPTED);
	return verdict.id;
}

static void
expand_all(struct db *db, struct session *router, int pipeline, size_t n)
{
	struct fault f = { 0 };
	struct arena *arena = arena_new(1 << 20);
	struct route_item *items = NULL;
	struct route_result results[JOBS_MAX];
	bool accepted[JOBS_MAX];
	size_t got = 0;
	CHECK_OK(upload_claim_routes(router, db, n, false, arena, &items, &got, &f), f);
	ck_assert_uint_eq(got, n);
	for (size_t i = 0; i < n; i++)
		results[i] = (struct route_result){ .ticket = items[i].ticket,
			                            .outcome = ROUTE_EXPAND,
			                            .rule_no = 0,
			                            .size = -1,
			                            .delay_ms = -1 };
	CHECK_OK(upload_expand(router, db, pipeline, results, n, accepted, &f), f);
	for (size_t i = 0; i < n; i++)
		ck_assert(accepted[i]);
	arena_free(arena);
}

void
queue_jobs(struct db *db, size_t n)
{
	static const char *const kinds[] = { "route" };
	const struct session_conf conf = { "router", "host", "1", kinds, 1, JOBS_MAX };
	struct fault f = { 0 };
	ck_assert(n <= JOBS_MAX);
	int pipeline = simple_pipeline(db);
	for (size_t i = 0; i < n; i++) {
		struct str key = STR_INIT(50);
		str_addf(&key, "key %zu %lld", i, (long long)clock_mono_us());
		accept_key(db, str_text(&key));
		str_free(&key);
	}
	struct session *router = session_open(db, &conf, &f);
	ck_assert_msg(router != NULL, "%s", f.message);
	expand_all(db, router, pipeline, n);
	CHECK_OK(session_close(router, db, &f), f);
	session_free(router);
}

struct session *
open_worker(struct db *db, const char *name)
{
	static const char *const kinds[] = { "work", "other" };
	const struct session_conf conf = { name, "host", "1", kinds, 2, 10 };
	struct fault f = { 0 };
	struct session *s = session_open(db, &conf, &f);
	ck_assert_msg(s != NULL, "%s", f.message);
	return s;
}
