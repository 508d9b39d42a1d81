/* test_session.c -- leases: claims, finishes, the fence, reconnects and drains against the real
 * functions. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/job.h"
#include "queue/keep.h"
#include "queue/upload.h"
#include "tests/db/database.h"
#include "base/banned.h"

#define MAX 20

static struct db *db;
static struct session *worker;
static struct arena *arena;
static struct fault f;

static void
setup(void)
{
	with_schema();
	db = database();
	worker = open_worker(db, "w1");
	arena = arena_new(1 << 20);
}

static void
teardown(void)
{
	session_free(worker);
	arena_free(arena);
	db_close(db);
	drop_database();
}

static size_t
claim(struct session *s, size_t limit, struct job **ret)
{
	size_t n = 0;
	CHECK_OK(job_claim(s, db, 0, limit, true, arena, ret, &n, &f), f);
	return n;
}

static struct job_result
result(const struct job *j, enum job_outcome outcome)
{
	return (struct job_result){ .ticket = j->ticket,
		                    .outcome = outcome,
		                    .ran_ms = 5,
		                    .delay_ms = -1,
		                    .cpu_ms = -1,
		                    .rss_kb = -1,
		                    .bytes_in = -1,
		                    .bytes_out = -1 };
}

START_TEST(round_trip)
{
	struct job *jobs = NULL;
	enum job_verdict verdict;
	const struct job_output output = { .name = "o.txt",
		                           .uri = "s3://r/o",
		                           .content_type = "text/plain",
		                           .sha256 = "ab",
		                           .size = 3 };
	queue_jobs(db, 1);
	ck_assert_uint_eq(claim(worker, 5, &jobs), 1);
	ck_assert_str_eq(jobs->step, "only");
	ck_assert_str_eq(jobs->kind, "work");
	ck_assert_str_eq(jobs->params, "{\"x\": 1}");
	ck_assert_str_eq(jobs->bucket, "b");
	ck_assert_str_eq(jobs->etag, "e");
	ck_assert_ptr_null(jobs->version_id);
	ck_assert_int_eq(jobs->timeout_ms, 7000);
	ck_assert_int_eq(jobs->size, 5);
	ck_assert_int_eq(jobs->ticket.attempt, 1);
	ck_assert_int_eq(strncmp(jobs->trace_id, "trace_", 6), 0);
	struct job_result r = result(jobs, JOB_DONE);
	r.outputs = &output;
	r.output_count = 1;
	r.result = "{\"pages\":2}";
	CHECK_OK(job_finish(worker, db, &r, 1, &verdict, &f), f);
	ck_assert_int_eq(verdict, VERDICT_ACCEPTED);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.upload where state = 'ready'"),
	                 1);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.output where size = 3"), 1);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.ticket"), 0);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.lease_grant"), 0);
	ck_assert_uint_eq(claim(worker, 5, &jobs), 0);
}
END_TEST

START_TEST(every_outcome)
{
	static const struct {
		enum job_outcome outcome;
		enum job_verdict verdict;
	} cases[] = {
		{ JOB_DONE, VERDICT_ACCEPTED },       { JOB_ERROR, VERDICT_RETRY },
		{ JOB_PERMANENT, VERDICT_DEAD },      { JOB_TIMEOUT, VERDICT_RETRY },
		{ JOB_CRASH, VERDICT_RETRY },         { JOB_SNOOZED, VERDICT_RETRY },
		{ JOB_INTERRUPTED, VERDICT_RETRY },   { JOB_SOURCE_GONE, VERDICT_ACCEPTED },
		{ JOB_SUPERSEDED, VERDICT_ACCEPTED },
	};
	struct job *jobs = NULL;
	struct job_result results[ARRAY_LEN(cases)];
	enum job_verdict verdicts[ARRAY_LEN(cases)];
	queue_jobs(db, ARRAY_LEN(cases));
	ck_assert_uint_eq(claim(worker, MAX, &jobs), ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		results[i] = result(&jobs[i], cases[i].outcome);
		results[i].error = "what \xff \x01 happened";
		results[i].tail = "bytes \x80";
		results[i].error_class = "exit";
	}
	CHECK_OK(job_finish(worker, db, results, ARRAY_LEN(cases), verdicts, &f), f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(verdicts[i] == cases[i].verdict, "outcome %zu: verdict %d", i,
		              (int)verdicts[i]);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.dead_job"), 1);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.delayed"), 4);
}
END_TEST

START_TEST(retry_is_promoted_when_due)
{
	struct job *jobs = NULL;
	enum job_verdict verdict;
	int64_t done = 0, next_ms = 0;
	queue_jobs(db, 1);
	ck_assert_uint_eq(claim(worker, 1, &jobs), 1);
	struct job_result r = result(jobs, JOB_ERROR);
	r.delay_ms = 0;
	CHECK_OK(job_finish(worker, db, &r, 1, &verdict, &f), f);
	ck_assert_int_eq(verdict, VERDICT_RETRY);
	CHECK_OK(keep_promote(db, &done, &next_ms, &f), f);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(next_ms, 1000);
	ck_assert_uint_eq(claim(worker, 1, &jobs), 1);
	ck_assert_int_eq(jobs->ticket.attempt, 2);
	r = result(jobs, JOB_ERROR);
	CHECK_OK(job_finish(worker, db, &r, 1, &verdict, &f), f);
	ck_assert_int_eq(verdict, VERDICT_DEAD);
}
END_TEST

START_TEST(stale_row_by_row)
{
	struct job *jobs = NULL;
	struct job_result results[3];
	enum job_verdict verdicts[3];
	queue_jobs(db, 3);
	ck_assert_uint_eq(claim(worker, 3, &jobs), 3);
	for (size_t i = 0; i < 3; i++)
		results[i] = result(&jobs[i], JOB_DONE);
	/* As if the keeper had moved the second one. */
	sql_int(db, "update millrace.ticket set session = 77, position = position + 1000 where"
	            " position = (select max(position) - 1 from millrace.ticket)");
	CHECK_OK(job_finish(worker, db, results, 3, verdicts, &f), f);
	ck_assert_int_eq(verdicts[0], VERDICT_ACCEPTED);
	ck_assert_int_eq(verdicts[1], VERDICT_STALE);
	ck_assert_int_eq(verdicts[2], VERDICT_ACCEPTED);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.attempt"), 2);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.job where state = 'done'"), 2);
}
END_TEST

static void
rescue_all(int64_t wanted)
{
	int64_t rescued = 0;
	sql_int(db, "update millrace.worker set seen_at = seen_at - interval '1 day'");
	/* One that has just connected rescues nobody. */
	sql_await(db,
	          "select (extract(epoch from clock_timestamp() - backend_start) > 0.1)::int"
	          " from pg_stat_activity where pid = pg_backend_pid()",
	          1);
	CHECK_OK(keep_rescue(db, 100, &rescued, &f), f);
	ck_assert_int_eq(rescued, wanted);
}

START_TEST(rescued_is_stale_and_lost)
{
	struct job *jobs = NULL, *again = NULL;
	enum job_verdict verdict;
	queue_jobs(db, 1);
	ck_assert_uint_eq(claim(worker, 1, &jobs), 1);
	rescue_all(1);
	ck_assert_int_eq(session_heartbeat(worker, db, &f), RC_LOST);
	struct job_result r = result(jobs, JOB_DONE);
	CHECK_OK(job_finish(worker, db, &r, 1, &verdict, &f), f);
	ck_assert_int_eq(verdict, VERDICT_STALE);
	size_t n = 0;
	ck_assert_int_eq(job_claim(worker, db, 0, 1, true, arena, &again, &n, &f), RC_LOST);
	struct session *other = open_worker(db, "w2");
	ck_assert_uint_eq(claim(other, 1, &again), 1);
	ck_assert_int_eq(again->ticket.attempt, 2);
	session_free(other);
}
END_TEST

/* What a worker held that died runs alone: who holds one claims nothing. */
START_TEST(suspects_run_alone)
{
	struct job *jobs = NULL, *busy_with = NULL;
	enum job_verdict verdict;
	queue_jobs(db, 4);
	ck_assert_uint_eq(claim(worker, 3, &jobs), 3);
	rescue_all(3);
	struct session *other = open_worker(db, "w2");
	ck_assert_uint_eq(claim(other, 5, &jobs), 1);
	ck_assert_uint_eq(claim(other, 5, &busy_with), 0);
	struct ticket kept_one = jobs->ticket;
	bool kept = false;
	CHECK_OK(session_reopen(other, db, &kept_one, 1, &kept, &f), f);
	ck_assert(kept);
	ck_assert_uint_eq(claim(other, 5, &busy_with), 0);
	for (int left = 2; left >= 0; left--) {
		struct job_result r = result(jobs, JOB_DONE);
		r.ticket = left == 2 ? kept_one : jobs->ticket;
		CHECK_OK(job_finish(other, db, &r, 1, &verdict, &f), f);
		ck_assert_int_eq(verdict, VERDICT_ACCEPTED);
		ck_assert_uint_eq(claim(other, 5, &jobs), 1);
		if (left > 0)
			ck_assert_uint_eq(claim(other, 5, &busy_with), 0);
	}
	/* The last one was none of them: more may be claimed beside it. */
	queue_jobs(db, 1);
	ck_assert_uint_eq(claim(other, 5, &busy_with), 1);
	session_free(other);
}
END_TEST

static struct session *
open_router(const char *name)
{
	static const char *const kinds[] = { "route" };
	const struct session_conf conf = { name, "host", "1", kinds, 1, 10 };
	struct session *s = session_open(db, &conf, &f);
	ck_assert_msg(s != NULL, "%s", f.message);
	return s;
}

static size_t
claim_routes(struct session *router)
{
	struct route_item *items = NULL;
	size_t n = 0;
	CHECK_OK(upload_claim_routes(router, db, 1, true, arena, &items, &n, &f), f);
	return n;
}

/* The same for what a router held that died. */
START_TEST(a_suspect_is_routed_alone)
{
	sql_int(db, "select count(*) from millrace.accept_uploads('{s}', '{x}', (select jsonb_agg("
	            "jsonb_build_object('body', 0, 'what', 'created', 'id', gen_random_uuid(), "
	            "'key', n::text,"
	            " 'store', 's3', 'bucket', 'b', 'request_id', n::text)) from "
	            "generate_series(1, 3) n))");
	struct session *router = open_router("r1"), *other = NULL;
	ck_assert_uint_eq(claim_routes(router), 1);
	rescue_all(1);
	session_free(router);
	router = open_router("r2");
	ck_assert_uint_eq(claim_routes(router), 1);
	ck_assert_uint_eq(claim_routes(router), 0);
	other = open_router("r3");
	ck_assert_uint_eq(claim_routes(other), 1);
	ck_assert_uint_eq(claim_routes(other), 1);
	session_free(router);
	session_free(other);
}
END_TEST

/* With nobody idle, one that is busy empties itself for them. */
START_TEST(a_busy_worker_gets_no_suspect)
{
	struct job *lost = NULL, *jobs = NULL, *none = NULL;
	enum job_verdict verdict;
	queue_jobs(db, 2);
	ck_assert_uint_eq(claim(worker, 2, &lost), 2);
	rescue_all(2);
	queue_jobs(db, 3);
	struct session *busy = open_worker(db, "w2");
	sql_int(db, "update millrace.ticket set session = 1 where class >= 16");
	ck_assert_uint_eq(claim(busy, 1, &jobs), 1);
	sql_int(db, "update millrace.ticket set session = 0 where class >= 16");
	ck_assert_uint_eq(claim(busy, 5, &none), 0);
	struct job_result r = result(jobs, JOB_DONE);
	CHECK_OK(job_finish(busy, db, &r, 1, &verdict, &f), f);
	ck_assert_uint_eq(claim(busy, 5, &jobs), 1);
	ck_assert_int_eq(jobs->ticket.attempt, 2);
	session_free(busy);
}
END_TEST

START_TEST(reopen_keeps_what_is_known)
{
	struct job *jobs = NULL, *rest = NULL;
	struct ticket held[2];
	bool kept[2] = { false, false };
	enum job_verdict verdicts[2];
	queue_jobs(db, 3);
	ck_assert_uint_eq(claim(worker, 3, &jobs), 3);
	int64_t before = session_number(worker);
	held[0] = jobs[0].ticket;
	held[1] = jobs[2].ticket;
	db_close(db);
	db = database();
	CHECK_OK(session_reopen(worker, db, held, 2, kept, &f), f);
	ck_assert(kept[0] && kept[1]);
	ck_assert_int_ne(session_number(worker), before);
	ck_assert_int_ne(held[0].grant, jobs[0].ticket.grant);
	/* The one that it did not name is free again, its attempt not burnt. */
	ck_assert_uint_eq(claim(worker, 3, &rest), 1);
	ck_assert_int_eq(memcmp(&rest->ticket.upload, &jobs[1].ticket.upload, 16), 0);
	ck_assert_int_eq(rest->ticket.attempt, 1);
	struct job_result results[2] = { result(&jobs[0], JOB_DONE), result(&jobs[2], JOB_DONE) };
	results[0].ticket = held[0];
	results[1].ticket = held[1];
	CHECK_OK(job_finish(worker, db, results, 2, verdicts, &f), f);
	ck_assert_int_eq(verdicts[0], VERDICT_ACCEPTED);
	ck_assert_int_eq(verdicts[1], VERDICT_ACCEPTED);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.lease_grant"), 1);
	CHECK_OK(session_heartbeat(worker, db, &f), f);
}
END_TEST

START_TEST(reopen_says_what_was_finished)
{
	struct job *jobs = NULL;
	struct ticket held[2];
	bool kept[2] = { true, false };
	enum job_verdict verdict;
	queue_jobs(db, 2);
	ck_assert_uint_eq(claim(worker, 2, &jobs), 2);
	held[0] = jobs[0].ticket;
	held[1] = jobs[1].ticket;
	struct job_result r = result(&jobs[0], JOB_DONE);
	CHECK_OK(job_finish(worker, db, &r, 1, &verdict, &f), f);
	CHECK_OK(session_reopen(worker, db, held, 2, kept, &f), f);
	ck_assert(!kept[0] && kept[1]);
}
END_TEST

START_TEST(close_hands_back_unburnt)
{
	struct job *jobs = NULL;
	queue_jobs(db, 2);
	ck_assert_uint_eq(claim(worker, 2, &jobs), 2);
	CHECK_OK(session_close(worker, db, &f), f);
	struct session *other = open_worker(db, "w2");
	ck_assert_uint_eq(claim(other, 2, &jobs), 2);
	ck_assert_int_eq(jobs[0].ticket.attempt, 1);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.attempt"), 0);
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.worker"), 1);
	session_free(other);
}
END_TEST

/* The backend dies; what was finished stays finished, the rest is kept over the reconnect. */
START_TEST(killed_connection)
{
	struct job *jobs = NULL;
	struct ticket held;
	bool kept = false;
	enum job_verdict verdict;
	queue_jobs(db, 1);
	ck_assert_uint_eq(claim(worker, 1, &jobs), 1);
	struct db *other = database();
	sql_int(other, "select count(pg_terminate_backend(pid)) from pg_stat_activity"
	               " where datname = current_database() and pid <> pg_backend_pid()");
	struct job_result r = result(jobs, JOB_DONE);
	ck_assert_int_eq(job_finish(worker, db, &r, 1, &verdict, &f), RC_RETRY);
	ck_assert(db_broken(db));
	db_close(db);
	db = other;
	held = jobs->ticket;
	CHECK_OK(session_reopen(worker, db, &held, 1, &kept, &f), f);
	ck_assert(kept);
	r.ticket = held;
	CHECK_OK(job_finish(worker, db, &r, 1, &verdict, &f), f);
	ck_assert_int_eq(verdict, VERDICT_ACCEPTED);
}
END_TEST

START_TEST(heartbeats_store_marks)
{
	struct job *jobs = NULL;
	queue_jobs(db, 3);
	ck_assert_uint_eq(claim(worker, 3, &jobs), 3);
	int64_t until_ms = clock_mono_ms() + 5000, stored = 0;
	while (stored == 0) {
		ck_assert(clock_mono_ms() < until_ms);
		CHECK_OK(session_heartbeat(worker, db, &f), f);
		stored = sql_int(db, "select count(*) from millrace.mark where position ="
		                     " (select max(position) from millrace.ticket)");
	}
}
END_TEST

/* A ticket that commits late, below the frontier: the fresh claim sees it, the other one need not.
 */
START_TEST(fresh_claims_see_late_commits)
{
	struct job *jobs = NULL;
	size_t n = 9;
	queue_jobs(db, 2);
	sql_int(db, "update millrace.ticket set session = -1 where position ="
	            " (select min(position) from millrace.ticket)");
	ck_assert_uint_eq(claim(worker, 1, &jobs), 1);
	sql_int(db, "update millrace.ticket set session = 0 where session = -1");
	CHECK_OK(job_claim(worker, db, 0, 1, false, arena, &jobs, &n, &f), f);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(claim(worker, 1, &jobs), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("session");
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, every_outcome);
	tcase_add_test(tc, retry_is_promoted_when_due);
	tcase_add_test(tc, stale_row_by_row);
	tcase_add_test(tc, rescued_is_stale_and_lost);
	tcase_add_test(tc, suspects_run_alone);
	tcase_add_test(tc, a_suspect_is_routed_alone);
	tcase_add_test(tc, a_busy_worker_gets_no_suspect);
	tcase_add_test(tc, reopen_keeps_what_is_known);
	tcase_add_test(tc, reopen_says_what_was_finished);
	tcase_add_test(tc, close_hands_back_unburnt);
	tcase_add_test(tc, killed_connection);
	tcase_add_test(tc, heartbeats_store_marks);
	tcase_add_test(tc, fresh_claims_see_late_commits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
