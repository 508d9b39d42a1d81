/* test_marks.c -- frontiers, settled frontiers, and counting what each grant still holds. */
#include <check.h>
#include <stdlib.h>

#include "queue/internal.h"
#include "base/banned.h"

static struct marks marks;

static void
setup(void)
{
	marks_clear(&marks);
}

START_TEST(unknown_at_first)
{
	ck_assert_int_eq(marks_frontier(&marks, 0, false, 1000), -1);
	ck_assert_int_eq(marks_frontier(&marks, 15, true, 1000), -1);
	/* Position 0 is one that may be stored. */
	ck_assert_int_eq(marks.of[3].stored, -1);
	marks_advance(&marks, 3, 70, 1000);
	ck_assert_int_eq(marks.of[3].stored, -1);
	ck_assert_int_eq(marks_frontier(&marks, 3, false, 1000), 70);
	ck_assert_int_eq(marks_frontier(&marks, 4, false, 1000), -1);
}
END_TEST

START_TEST(the_frontier_only_moves_on)
{
	marks_advance(&marks, 0, 70, 1000);
	marks_advance(&marks, 0, 60, 1001);
	ck_assert_int_eq(marks_frontier(&marks, 0, false, 1001), 70);
	marks_advance(&marks, 0, 71, 1002);
	ck_assert_int_eq(marks_frontier(&marks, 0, false, 1002), 71);
}
END_TEST

START_TEST(settled_is_what_it_was)
{
	marks_advance(&marks, 0, 70, 1000);
	ck_assert_int_eq(marks_frontier(&marks, 0, true, 1000), -1);
	ck_assert_int_eq(marks_frontier(&marks, 0, true, 1000 + MARK_SETTLE_MS - 1), -1);
	marks_advance(&marks, 0, 90, 1000 + MARK_SETTLE_MS - 1);
	ck_assert_int_eq(marks_frontier(&marks, 0, true, 1000 + MARK_SETTLE_MS), 70);
	ck_assert_int_eq(marks_frontier(&marks, 0, false, 1000 + MARK_SETTLE_MS), 90);
	ck_assert_int_eq(marks_frontier(&marks, 0, true, 1000 + 2 * MARK_SETTLE_MS - 1), 70);
	ck_assert_int_eq(marks_frontier(&marks, 0, true, 1000 + 2 * MARK_SETTLE_MS), 90);
}
END_TEST

START_TEST(one_claim_settles_at_once)
{
	marks_advance(&marks, 0, 70, 1000);
	marks_advance(&marks, 0, 72, 1000);
	marks_advance(&marks, 0, 71, 1000);
	ck_assert_int_eq(marks_frontier(&marks, 0, true, 1000 + MARK_SETTLE_MS), 72);
}
END_TEST

/* However often it moves, the settled one is never younger than MARK_SETTLE_MS. */
START_TEST(settled_is_never_young)
{
	for (int64_t ms = 0; ms < 5000; ms++) {
		marks_advance(&marks, 0, ms * 3, ms);
		int64_t settled = marks_frontier(&marks, 0, true, ms);
		ck_assert(settled <= (ms - MARK_SETTLE_MS) * 3 || settled < 0);
		ck_assert(settled >= (ms - 3 * MARK_SETTLE_MS) * 3);
	}
}
END_TEST

static const char *
finished(const struct grants *g)
{
	static struct str s = STR_INIT(1000);
	str_reset(&s);
	db_array_open(&s);
	grants_finished(g, &s);
	db_array_close(&s);
	return str_text(&s);
}

START_TEST(grants_are_told_once)
{
	struct grants g = { 0 };
	ck_assert(grants_add(&g, 7) && grants_add(&g, 7) && grants_add(&g, 8));
	ck_assert_str_eq(finished(&g), "{}");
	grants_drop(&g, 7);
	grants_drop(&g, 8);
	ck_assert_str_eq(finished(&g), "{8}");
	grants_drop(&g, 7);
	ck_assert_str_eq(finished(&g), "{7,8}");
	grants_forget_finished(&g);
	ck_assert_str_eq(finished(&g), "{}");
	grants_drop(&g, 7);
	grants_drop(&g, 99);
	ck_assert_str_eq(finished(&g), "{}");
	grants_free(&g);
}
END_TEST

START_TEST(grants_are_forgotten_one_by_one)
{
	struct grants g = { 0 };
	ck_assert(grants_add(&g, 7) && grants_add(&g, 8) && grants_add(&g, 9));
	grants_drop(&g, 7);
	grants_forget_finished(&g);
	grants_drop(&g, 9);
	ck_assert_str_eq(finished(&g), "{9}");
	grants_drop(&g, 9);
	ck_assert_str_eq(finished(&g), "{9}");
	grants_forget_finished(&g);
	grants_drop(&g, 8);
	ck_assert_str_eq(finished(&g), "{8}");
	grants_clear(&g);
	ck_assert_str_eq(finished(&g), "{}");
	grants_free(&g);
}
END_TEST

START_TEST(a_failed_finish_is_undone)
{
	struct grants g = { 0 };
	for (int64_t i = 0; i < 100; i++)
		ck_assert(grants_add(&g, i));
	grants_drop(&g, 50);
	ck_assert_str_eq(finished(&g), "{50}");
	grants_undo(&g, 50);
	ck_assert_str_eq(finished(&g), "{}");
	grants_free(&g);
}
END_TEST

START_TEST(reads_small_arrays)
{
	int16_t n[2] = { 9, 9 };
	bool b[2] = { false, false };
	ck_assert(read_int16s("{1,-32768}", n, 2));
	ck_assert_int_eq(n[0], 1);
	ck_assert_int_eq(n[1], -32768);
	ck_assert(read_int16s("{}", n, 0));
	ck_assert(!read_int16s("{1}", n, 2));
	ck_assert(!read_int16s("{1,2,3}", n, 2));
	ck_assert(!read_int16s("{1,2}x", n, 2));
	ck_assert(!read_int16s("{1,NULL}", n, 2));
	ck_assert(!read_int16s("{32768}", n, 1) && !read_int16s("{-32769}", n, 1));
	ck_assert(!read_int16s("{00000001}", n, 1));
	ck_assert(!read_int16s(NULL, n, 2));
	ck_assert(!read_int16s("", n, 0));
	ck_assert(!read_int16s("{1", n, 1));
	ck_assert(read_bools("{t,f}", b, 2));
	ck_assert(b[0] && !b[1]);
	ck_assert(!read_bools("{t,true}", b, 2));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("marks");
	TCase *tc = tcase_create("marks");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, unknown_at_first);
	tcase_add_test(tc, the_frontier_only_moves_on);
	tcase_add_test(tc, settled_is_what_it_was);
	tcase_add_test(tc, one_claim_settles_at_once);
	tcase_add_test(tc, settled_is_never_young);
	tcase_add_test(tc, grants_are_told_once);
	tcase_add_test(tc, grants_are_forgotten_one_by_one);
	tcase_add_test(tc, a_failed_finish_is_undone);
	tcase_add_test(tc, reads_small_arrays);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
