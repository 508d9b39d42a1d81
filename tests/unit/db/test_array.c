/* test_array.c -- array literals as PostgreSQL reads them. */
#include <check.h>
#include <stdlib.h>

#include "db/db.h"
#include "base/banned.h"

START_TEST(texts)
{
	struct str s = STR_INIT(1000);
	db_array_open(&s);
	db_array_text(&s, "plain");
	db_array_text(&s, "");
	db_array_text(&s, NULL);
	db_array_text(&s, "NULL");
	db_array_text(&s, "a\"b\\c");
	db_array_text(&s, "\\");
	db_array_text(&s, "{");
	db_array_text(&s, "x,y}\n");
	db_array_close(&s);
	ck_assert_str_eq(str_text(&s), "{\"plain\",\"\",NULL,\"NULL\",\"a\\\"b\\\\c\",\"\\\\\","
	                               "\"{\",\"x,y}\n\"}");
	str_free(&s);
}
END_TEST

START_TEST(numbers_and_bytes)
{
	struct str s = STR_INIT(1000);
	db_array_open(&s);
	db_array_close(&s);
	ck_assert_str_eq(str_text(&s), "{}");
	str_reset(&s);
	db_array_open(&s);
	db_array_int(&s, -1);
	db_array_int(&s, INT64_MIN);
	db_array_int(&s, INT64_MAX);
	db_array_close(&s);
	ck_assert_str_eq(str_text(&s), "{-1,-9223372036854775808,9223372036854775807}");
	str_reset(&s);
	db_array_open(&s);
	db_array_bytes(&s, "\0\xff\"", 3);
	db_array_bytes(&s, NULL, 0);
	db_array_close(&s);
	ck_assert_str_eq(str_text(&s), "{\"\\\\x00ff22\",\"\\\\x\"}");
	str_free(&s);
}
END_TEST

START_TEST(too_long_is_noticed)
{
	struct str s = STR_INIT(8);
	db_array_open(&s);
	db_array_text(&s, "longer than that");
	db_array_close(&s);
	ck_assert(s.failed);
	str_free(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("array");
	TCase *tc = tcase_create("array");
	tcase_add_test(tc, texts);
	tcase_add_test(tc, numbers_and_bytes);
	tcase_add_test(tc, too_long_is_noticed);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
