/* test_prepare.c -- statements that are sent again and again get a name, and lose it without harm.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "tests/db/database.h"
#include "base/banned.h"

#define OFTEN 5

static struct db *db;
static struct fault f;

static void
setup(void)
{
	without_schema();
	db = database();
}

static void
teardown(void)
{
	db_close(db);
	drop_database();
}

static void
add_one(int64_t n)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)n);
	const char *const args[] = { text };
	struct db_rows *rows = db_call(db, "select $1::bigint + 1", 1, args, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_int_eq(db_int(rows, 0, 0, 0), n + 1);
	db_rows_free(rows);
}

static int64_t
names(void)
{
	return sql_int(db, "select count(*) from pg_prepared_statements where statement not like "
	                   "'%pg_prepared%'");
}

START_TEST(often)
{
	add_one(1);
	add_one(2);
	ck_assert_int_eq(names(), 0);
	for (int64_t i = 3; i < 3 + OFTEN; i++)
		add_one(i);
	ck_assert_int_eq(names(), 1);
}
END_TEST

START_TEST(two_in_one_trip)
{
	for (int i = 0; i < OFTEN; i++) {
		enum rc second = RC_BUG;
		struct db_rows *rows =
			db_call_then(db, "select 7", 0, NULL, "select 8", 0, NULL, &second, &f);
		ck_assert_msg(rows != NULL, "%s", f.message);
		ck_assert_int_eq(db_int(rows, 0, 0, 0), 7);
		ck_assert_int_eq(second, RC_OK);
		db_rows_free(rows);
	}
	ck_assert_int_eq(names(), 2);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	char sql[32];
	for (int i = 0; i < 100 * OFTEN; i++) {
		snprintf(sql, sizeof(sql), "select %d", i / OFTEN);
		ck_assert_int_eq(sql_int(db, sql), i / OFTEN);
	}
	ck_assert_int_gt(names(), 0);
	ck_assert_int_lt(names(), 100);
}
END_TEST

START_TEST(what_is_wrong_stays_wrong)
{
	for (int i = 0; i < OFTEN; i++) {
		ck_assert_ptr_null(db_call(db, "select no_such_function()", 0, NULL, &f));
		ck_assert_int_eq(f.rc, RC_PERMANENT);
		ck_assert_str_eq(f.sqlstate, "42883");
		ck_assert(!db_broken(db));
	}
	add_one(1);
}
END_TEST

/* Whoever says that a name is unknown is no server of ours alone: this process uses no more names.
 */
START_TEST(forgotten)
{
	for (int i = 0; i < OFTEN; i++)
		add_one(i);
	db_rows_free(db_call(db, "deallocate all", 0, NULL, &f));
	const char *const args[] = { "1" };
	ck_assert_ptr_null(db_call(db, "select $1::bigint + 1", 1, args, &f));
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(db_broken(db));
	db_close(db);
	db = database();
	for (int i = 0; i < OFTEN; i++)
		add_one(i);
	ck_assert_int_eq(names(), 0);
}
END_TEST

START_TEST(another_answer)
{
	sql_int(db, "create table t (a int)");
	sql_int(db, "insert into t values (1)");
	for (int i = 0; i < OFTEN; i++)
		ck_assert_int_eq(sql_int(db, "select * from t"), 1);
	sql_int(db, "alter table t add b int");
	ck_assert_ptr_null(db_call(db, "select * from t", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(db_broken(db));
	db_close(db);
	db = database();
	for (int i = 0; i < OFTEN; i++)
		ck_assert_int_eq(sql_int(db, "select * from t"), 1);
	ck_assert_int_eq(names(), 1);
}
END_TEST

/* The same class of error, raised by a statement that has no name, is what it was. */
START_TEST(not_supported)
{
	sql_int(db, "create function refuse() returns int language plpgsql as $$begin raise "
	            "feature_not_supported; end$$");
	ck_assert_ptr_null(db_call(db, "select refuse()", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_PERMANENT);
	ck_assert(!db_broken(db));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("prepare");
	TCase *tc = tcase_create("prepare");
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, often);
	tcase_add_test(tc, two_in_one_trip);
	tcase_add_test(tc, more_than_there_is_room_for);
	tcase_add_test(tc, what_is_wrong_stays_wrong);
	tcase_add_test(tc, forgotten);
	tcase_add_test(tc, another_answer);
	tcase_add_test(tc, not_supported);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
