/* test_sqlstate.c -- classes of errors, with and without a connection. */
#include <check.h>
#include <stdlib.h>

#include "db/internal.h"
#include "base/banned.h"

START_TEST(classes)
{
	static const struct {
		const char *sqlstate;
		enum rc rc;
	} cases[] = {
		{ "08006", RC_RETRY },     { "40001", RC_RETRY },     { "40P01", RC_RETRY },
		{ "53300", RC_RETRY },     { "57P01", RC_RETRY },     { "57014", RC_RETRY },
		{ "55P03", RC_RETRY },     { "58030", RC_RETRY },     { "25006", RC_RETRY },
		{ "MR001", RC_LOST },      { "55000", RC_PERMANENT }, { "23505", RC_PERMANENT },
		{ "42883", RC_PERMANENT }, { "28P01", RC_PERMANENT }, { "3D000", RC_PERMANENT },
		{ "XX000", RC_PERMANENT }, { "22021", RC_PERMANENT },
	};
	ck_assert_int_eq(db_sqlstate_rc(cases[_i].sqlstate), cases[_i].rc);
}
END_TEST

START_TEST(connect_fault_with_code)
{
	struct fault f = { 0 };
	enum rc rc =
		db_connect_fault("connection to server on socket \"/x\" failed: FATAL:  3D000: "
	                         "database \"a: b\" does not exist\nLOCATION:  InitPostgres, "
	                         "postinit.c:885\n",
	                         &f);
	ck_assert_int_eq(rc, RC_PERMANENT);
	ck_assert_str_eq(f.sqlstate, "3D000");
	ck_assert_str_eq(f.message, "connection to server on socket \"/x\" failed: FATAL: database "
	                            "\"a: b\" does not exist");
}
END_TEST

START_TEST(connect_fault_last_host_decides)
{
	struct fault f = { 0 };
	db_connect_fault("one failed: FATAL:  28P01: wrong\nLOCATION:  x\n"
	                 "two failed: FATAL:  57P03: starting up\nLOCATION:  x\n",
	                 &f);
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert_str_eq(f.sqlstate, "57P03");
	ck_assert_str_eq(f.message, "one failed: FATAL: wrong; two failed: FATAL: starting up");
}
END_TEST

START_TEST(connect_fault_without_code)
{
	struct fault f = { 0 };
	db_connect_fault("connection to server at \"h\" failed: Connection refused\n"
	                 "\tIs the server running on that host?\n",
	                 &f);
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert_str_eq(f.sqlstate, "");
	ck_assert_int_eq(db_connect_fault("", NULL), RC_RETRY);
	ck_assert_int_eq(db_connect_fault("x FATAL:  28000: no", NULL), RC_PERMANENT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sqlstate");
	TCase *tc = tcase_create("sqlstate");
	tcase_add_loop_test(tc, classes, 0, 17);
	tcase_add_test(tc, connect_fault_with_code);
	tcase_add_test(tc, connect_fault_last_host_decides);
	tcase_add_test(tc, connect_fault_without_code);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
