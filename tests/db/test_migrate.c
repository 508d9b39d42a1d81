/* test_migrate.c -- migrations: once, in order, together, and never over something unknown. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/db/database.h"
#include "base/banned.h"

static struct db *db;
static struct fault f;
static struct str told = STR_INIT(1 << 20);

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
tell(const char *name, void *arg)
{
	ck_assert_ptr_eq(arg, &told);
	str_addf(&told, "%s ", name);
}

static enum rc
run(const struct sql_file *files, size_t n)
{
	str_reset(&told);
	f = (struct fault){ 0 };
	return migrate_run(db, files, n, tell, &told, &f);
}

static const struct sql_file files[] = {
	{ SQL_MIGRATION, "0001_a.sql", "-- breaking: no\ncreate table millrace.a (x int);", "aa" },
	{ SQL_MIGRATION, "0002_b.sql", "-- breaking: yes\ncreate table millrace.b (x int);", "bb" },
	{ SQL_MIGRATION, "0003_c.sql", "-- breaking: no\ncreate table millrace.c (x int);", "cc" },
	{ SQL_FUNCTION, "schema_version.sql",
	  "create or replace function millrace.schema_version()"
	  " returns table (id int, name text, sha256 text, breaking boolean) language sql as"
	  " 'select id, name, sha256, breaking from millrace.migration'",
	  "dd" },
};

START_TEST(the_real_one_twice)
{
	ck_assert_int_eq(migrate_check(db, sql_files, sql_files_count, &f), RC_RETRY);
	ck_assert_ptr_nonnull(strstr(f.message, "run millrace migrate"));
	CHECK_OK(run(sql_files, sql_files_count), f);
	ck_assert_ptr_nonnull(strstr(str_text(&told), "0001_first.sql "));
	ck_assert_ptr_nonnull(strstr(str_text(&told), "grants.sql "));
	CHECK_OK(migrate_check(db, sql_files, sql_files_count, &f), f);
	CHECK_OK(run(sql_files, sql_files_count), f);
	ck_assert_ptr_null(strstr(str_text(&told), "0001_first.sql "));
	ck_assert_ptr_nonnull(strstr(str_text(&told), "claim_jobs.sql "));
	CHECK_OK(migrate_check(db, sql_files, sql_files_count, &f), f);
}
END_TEST

START_TEST(together)
{
	pid_t pids[4];
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] != 0)
			continue;
		struct db *own = db_open(database_url(), "test", &f);
		_exit(own && migrate_run(own, sql_files, sql_files_count, NULL, NULL, &f) == RC_OK
		              ? 0
		              : 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		int status = 0;
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	CHECK_OK(migrate_check(db, sql_files, sql_files_count, &f), f);
}
END_TEST

START_TEST(in_steps)
{
	CHECK_OK(run(files, 1), f);
	ck_assert_str_eq(str_text(&told), "0001_a.sql ");
	CHECK_OK(run(files, 4), f);
	ck_assert_str_eq(str_text(&told), "0002_b.sql 0003_c.sql schema_version.sql ");
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.migration where id in (1, 2, 3)"
	                             " and breaking = (id = 2)"),
	                 3);
}
END_TEST

START_TEST(older_programs)
{
	CHECK_OK(run(files, 4), f);
	const struct sql_file old[] = { files[0], files[1], files[3] };
	CHECK_OK(run(old, 3), f);
	ck_assert_str_eq(str_text(&told), "");
	CHECK_OK(migrate_check(db, old, 3, &f), f);
	const struct sql_file older[] = { files[0], files[3] };
	ck_assert_int_eq(run(older, 2), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "0002_b.sql"));
	ck_assert_int_eq(migrate_check(db, older, 2, &f), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "0002_b.sql"));
}
END_TEST

START_TEST(newer_programs)
{
	const struct sql_file old[] = { files[0], files[3] };
	CHECK_OK(run(old, 2), f);
	ck_assert_int_eq(migrate_check(db, files, 4, &f), RC_RETRY);
	ck_assert_ptr_nonnull(strstr(f.message, "0002_b.sql"));
}
END_TEST

START_TEST(a_changed_file)
{
	CHECK_OK(run(files, 4), f);
	struct sql_file changed[] = { files[0], files[1], files[2], files[3] };
	changed[1].sha256 = "b2";
	ck_assert_int_eq(run(changed, 4), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "0002_b.sql"));
	ck_assert_int_eq(migrate_check(db, changed, 4, &f), RC_PERMANENT);
}
END_TEST

START_TEST(gaps_and_first_lines)
{
	const struct sql_file gap[] = { files[0], files[2] };
	ck_assert_int_eq(run(gap, 2), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "0003_c.sql"));
	struct sql_file unmarked = files[0];
	unmarked.text = "create table millrace.a (x int)";
	ck_assert_int_eq(run(&unmarked, 1), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "first line"));
	CHECK_OK(run(files, 4), f);
	sql_int(db, "delete from millrace.migration where id = 2");
	ck_assert_int_eq(run(files, 4), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "0002"));
}
END_TEST

START_TEST(a_failure_leaves_nothing_half)
{
	struct sql_file broken[] = { files[0], files[1] };
	broken[1].text = "-- breaking: no\ncreate table millrace.b (x int); select 1/0;";
	ck_assert_int_eq(run(broken, 2), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(f.message, "0002_b.sql: division by zero"));
	ck_assert_int_eq(sql_int(db, "select count(*) from millrace.migration"), 1);
	ck_assert_int_eq(sql_int(db, "select (to_regclass('millrace.b') is null)::int"), 1);
	CHECK_OK(run(files, 4), f);
}
END_TEST

START_TEST(waits_for_a_table_in_use)
{
	struct sql_file alter[] = { files[0], files[1] };
	alter[1].text = "-- breaking: no\nalter table millrace.a add y int;";
	CHECK_OK(run(files, 1), f);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct db *own = db_open(database_url(), "holder", &f);
		db_rows_free(db_call(own,
		                     "with a as materialized (select from millrace.a)"
		                     " select count(*), pg_sleep(3) from a",
		                     0, NULL, &f));
		_exit(0);
	}
	sql_await(db, "select count(*) from pg_locks where relation = 'millrace.a'::regclass", 1);
	CHECK_OK(run(alter, 2), f);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("migrate");
	TCase *tc = tcase_create("migrate");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_real_one_twice);
	tcase_add_test(tc, together);
	tcase_add_test(tc, in_steps);
	tcase_add_test(tc, older_programs);
	tcase_add_test(tc, newer_programs);
	tcase_add_test(tc, a_changed_file);
	tcase_add_test(tc, gaps_and_first_lines);
	tcase_add_test(tc, a_failure_leaves_nothing_half);
	tcase_add_test(tc, waits_for_a_table_in_use);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
