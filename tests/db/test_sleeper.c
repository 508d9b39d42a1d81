/* test_sleeper.c -- waking: at once, only who sleeps on the kind, and again after a loss. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "tests/db/database.h"
#include "base/banned.h"

#define ROUNDS 20

static struct db *db;
static struct session *router;
static struct sleeper *sleeper;
static struct arena *arena;
static struct fault f;

static void
setup(void)
{
	static const char *const kinds[] = { "route" };
	const struct session_conf conf = { "router", "host", "1", kinds, 1, 100 };
	with_schema();
	db = database();
	router = session_open(db, &conf, &f);
	ck_assert_msg(router != NULL, "%s", f.message);
	sleeper = sleeper_new(database_url(), "sleeper", router);
	ck_assert_ptr_nonnull(sleeper);
	arena = arena_new(1 << 20);
}

static void
teardown(void)
{
	sleeper_free(sleeper);
	session_free(router);
	arena_free(arena);
	db_close(db);
	drop_database();
}

static size_t
claim(bool fresh)
{
	struct route_item *items = NULL;
	size_t n = 0;
	CHECK_OK(upload_claim_routes(router, db, 10, fresh, arena, &items, &n, &f), f);
	return n;
}

/* In a process of its own: the one that sleeps can only be woken by the database. */
static pid_t
accept_elsewhere(const char *key)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct db *own = database();
		accept_key(own, key);
		_exit(0);
	}
	return pid;
}

START_TEST(woken_at_once)
{
	int64_t worst_ms = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct str key = STR_INIT(20);
		str_addf(&key, "key %d", i);
		CHECK_OK(sleeper_ready(sleeper, &f), f);
		ck_assert_uint_eq(claim(true), 0);
		int64_t began_ms = clock_mono_ms();
		pid_t pid = accept_elsewhere(str_text(&key));
		ck_assert(sleeper_wait(sleeper, -1, 10000));
		int64_t took_ms = clock_mono_ms() - began_ms;
		worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
		sleeper_awake(sleeper);
		ck_assert_uint_eq(claim(true), 1);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		str_free(&key);
	}
	printf("worst of %d wake-ups, another process's start and connection included: %d ms\n",
	       ROUNDS, (int)worst_ms);
	ck_assert_int_lt(worst_ms, 1000);
}
END_TEST

/* A second one, beside the fixture's. */
static struct sleeper *
another(void)
{
	struct sleeper *other = sleeper_new(database_url(), "other", router);
	ck_assert_ptr_nonnull(other);
	CHECK_OK(sleeper_ready(other, &f), f);
	return other;
}

#define WAKE "select millrace.wake('{1}')"

static bool
is_called(struct sleeper *sl)
{
	return sleeper_wait(sl, -1, 10000);
}

static bool
is_left_alone(struct sleeper *sl)
{
	return !sleeper_wait(sl, -1, 200);
}

START_TEST(one_of_many_is_called)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	struct sleeper *other = another();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sql_int(db, WAKE), 1);
		ck_assert(is_called(sleeper));
		ck_assert(is_left_alone(other));
	}
	/* It has enough to do: the other is told, and on call from now on. */
	sleeper_awake(sleeper);
	ck_assert(is_called(other));
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	ck_assert_int_eq(sql_int(db, WAKE), 1);
	ck_assert(is_called(other));
	ck_assert(is_left_alone(sleeper));
	sleeper_free(other);
}
END_TEST

START_TEST(who_is_not_on_call_may_come_all_the_same)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	struct sleeper *other = another();
	sleeper_distrust(other, 60000);
	ck_assert_int_eq(sql_int(db, WAKE), 1);
	ck_assert(is_called(sleeper));
	ck_assert(is_called(other));
	sleeper_distrust(other, 0);
	ck_assert_int_eq(sql_int(db, WAKE), 1);
	ck_assert(is_called(sleeper));
	ck_assert(is_left_alone(other));
	sleeper_free(other);
}
END_TEST

START_TEST(somebody_else_when_who_was_on_call_is_lost)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	struct sleeper *other = another();
	sql_int(db, "select count(pg_terminate_backend(pid)) from pg_stat_activity where "
	            "application_name = 'sleeper'");
	sql_await(db,
	          "select (not exists (select from pg_stat_activity where application_name = "
	          "'sleeper'))::int",
	          1);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sql_int(db, WAKE), 1);
		ck_assert(is_called(other));
	}
	sleeper_free(other);
}
END_TEST

START_TEST(each_kind_has_its_own)
{
	static const char *const kinds[] = { "ka", "kb", "kc" };
	const struct session_conf all = { "all", "host", "1", kinds, 3, 1 };
	const struct session_conf one = { "one", "host", "1", kinds + 1, 1, 1 };
	struct session *s = session_open(db, &all, &f), *t = session_open(db, &one, &f);
	struct sleeper *first = sleeper_new(database_url(), "first", t);
	struct sleeper *second = sleeper_new(database_url(), "second", s);
	CHECK_OK(sleeper_ready(first, &f), f);
	CHECK_OK(sleeper_ready(second, &f), f);
	static const char wake[] =
		"select millrace.wake(array(select kind_no from millrace.kind where name = '%s'))";
	char sql[sizeof(wake)];
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		snprintf(sql, sizeof(sql), wake, kinds[i]);
		ck_assert_int_eq(sql_int(db, sql), 1);
		ck_assert(is_called(i == 1 ? first : second));
		ck_assert(is_left_alone(i == 1 ? second : first));
	}
	sleeper_free(first);
	sleeper_free(second);
	session_free(s);
	session_free(t);
}
END_TEST

/* While one looks by itself, nobody is called; when it stops, the others are. */
START_TEST(one_watches)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	struct sleeper *other = another();
	ck_assert(!sleeper_watch(other));
	ck_assert(sleeper_watch(sleeper));
	ck_assert(sleeper_watch(sleeper));
	ck_assert_int_eq(sql_int(db, WAKE), 0);
	ck_assert(is_left_alone(other));
	sleeper_awake(sleeper);
	ck_assert(is_called(other));
	ck_assert_int_eq(sql_int(db, WAKE), 1);
	ck_assert(sleeper_watch(other));
	sleeper_free(other);
}
END_TEST

START_TEST(who_goes_to_sleep_watches_no_more)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	struct sleeper *other = another();
	ck_assert(sleeper_watch(sleeper));
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	ck_assert_int_eq(sql_int(db, WAKE), 1);
	ck_assert(is_called(sleeper));
	ck_assert(is_left_alone(other));
	sleeper_free(other);
}
END_TEST

START_TEST(only_sleepers_are_notified)
{
	ck_assert_int_eq(sql_int(db, "select millrace.wake('{1}')"), 0);
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	ck_assert_int_eq(sql_int(db, "select millrace.wake('{1}')"), 1);
	ck_assert_int_eq(sql_int(db, "select millrace.wake('{2,3}')"), 0);
	sleeper_awake(sleeper);
	ck_assert_int_eq(sql_int(db, "select millrace.wake('{1}')"), 0);
}
END_TEST

START_TEST(other_kinds_do_not_wake)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	sql_int(db, "select count(*) from (select pg_notify('millrace', '2')) x");
	int64_t began_ms = clock_mono_ms();
	ck_assert(!sleeper_wait(sleeper, -1, 200));
	ck_assert_int_ge(clock_mono_ms() - began_ms, 200);
}
END_TEST

/* What was notified before sleeper_ready is found by the claim that follows it. */
START_TEST(old_news_does_not_wake)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	sql_int(db, "select millrace.wake('{1}')");
	sleeper_awake(sleeper);
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	int64_t began_ms = clock_mono_ms();
	ck_assert(!sleeper_wait(sleeper, -1, 100));
	ck_assert_int_ge(clock_mono_ms() - began_ms, 100);
}
END_TEST

START_TEST(other_things_wake)
{
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	int64_t began_ms = clock_mono_ms();
	ck_assert(sleeper_wait(sleeper, fds[0], 5000));
	stop_request();
	ck_assert(sleeper_wait(sleeper, -1, 5000));
	ck_assert_int_lt(clock_mono_ms() - began_ms, 2000);
}
END_TEST

static void
kill_sleeper(void)
{
	sql_int(db, "select count(pg_terminate_backend(pid)) from pg_stat_activity"
	            " where application_name = 'sleeper' and datname = current_database()");
}

START_TEST(comes_back_after_a_loss)
{
	CHECK_OK(sleeper_ready(sleeper, &f), f);
	kill_sleeper();
	int64_t began_ms = clock_mono_ms();
	ck_assert(sleeper_wait(sleeper, -1, 5000));
	ck_assert_int_lt(clock_mono_ms() - began_ms, 2000);
	while (sleeper_ready(sleeper, &f) != RC_OK) {
		ck_assert_int_lt(clock_mono_ms() - began_ms, 5000);
		sleeper_wait(sleeper, -1, 10);
	}
	ck_assert_int_eq(sql_int(db, "select millrace.wake('{1}')"), 1);
	ck_assert(sleeper_wait(sleeper, -1, 5000));
	ck_assert_int_lt(clock_mono_ms() - began_ms, 5000);
}
END_TEST

START_TEST(without_a_connection_it_still_waits)
{
	struct sleeper *lost = sleeper_new("host=/nowhere", "sleeper", router);
	ck_assert_int_eq(sleeper_ready(lost, &f), RC_RETRY);
	int64_t began_ms = clock_mono_ms();
	ck_assert(!sleeper_wait(lost, -1, 100));
	ck_assert_int_ge(clock_mono_ms() - began_ms, 100);
	sleeper_awake(lost);
	sleeper_free(lost);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sleeper");
	TCase *tc = tcase_create("sleeper");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, woken_at_once);
	tcase_add_test(tc, only_sleepers_are_notified);
	tcase_add_test(tc, one_of_many_is_called);
	tcase_add_test(tc, who_is_not_on_call_may_come_all_the_same);
	tcase_add_test(tc, somebody_else_when_who_was_on_call_is_lost);
	tcase_add_test(tc, each_kind_has_its_own);
	tcase_add_test(tc, one_watches);
	tcase_add_test(tc, who_goes_to_sleep_watches_no_more);
	tcase_add_test(tc, other_kinds_do_not_wake);
	tcase_add_test(tc, old_news_does_not_wake);
	tcase_add_test(tc, other_things_wake);
	tcase_add_test(tc, comes_back_after_a_loss);
	tcase_add_test(tc, without_a_connection_it_still_waits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
