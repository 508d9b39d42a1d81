/* test_human.c -- times, durations, sizes, and where a moment stands on a timeline. */
#include <check.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "status/axis.h"
#include "status/human.h"
#include "base/banned.h"

#define S INT64_C(1000000)

START_TEST(times_are_read)
{
	int64_t us = 7;
	ck_assert(human_parse_time("1970-01-01T00:00:01Z", &us));
	ck_assert_int_eq(us, S);
	ck_assert(human_parse_time("2026-11-21T11:48:03.123456Z", &us));
	ck_assert_int_eq(us, INT64_C(1795261683123456));
	ck_assert(human_parse_time("2026-11-21T11:48:03.5+00:00", &us));
	ck_assert_int_eq(us, INT64_C(1795261683500000));
	ck_assert(human_parse_time("2026-11-21 11:48:03.123456789+00", &us));
	ck_assert_int_eq(us, INT64_C(1795261683123456));
}
END_TEST

START_TEST(what_is_no_time_leaves_the_result_alone)
{
	static const char *const bad[] = { "",
		                           "2026",
		                           "infinity",
		                           "2026-11-21",
		                           "2026-11-21T11:48:03",
		                           "2026-11-21T11:48:03+02:00",
		                           "2026-1a-21T11:48:03Z",
		                           "2026-11x21T11:48:03Z",
		                           "2026-11-21x11:48:03Z",
		                           "2026-11-21T11:48:03Zx" };
	int64_t us = 7;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!human_parse_time(bad[i], &us), "%s", bad[i]);
	ck_assert(!human_parse_time(NULL, &us));
	ck_assert_int_eq(us, 7);
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} durations[] = {
	{ 0, "0 ms" },
	{ -5 * S, "0 ms" },
	{ 40, "0.1 ms" },
	{ 400, "0.4 ms" },
	{ 340000, "340 ms" },
	{ 999600, "1.0 s" },
	{ 1234567, "1.2 s" },
	{ 59 * S, "59.0 s" },
	{ 60 * S, "1 min 0 s" },
	{ 3600 * S, "1 h 0 min" },
	{ 86400 * S, "1 d 0 h" },
	{ 200 * S, "3 min 20 s" },
	{ 7500 * S, "2 h 5 min" },
	{ (3 * 86400 + 4 * 3600) * S, "3 d 4 h" },
};

START_TEST(durations_read_well)
{
	struct str out = STR_INIT(64);
	human_duration(&out, durations[_i].us);
	ck_assert_str_eq(str_text(&out), durations[_i].text);
	str_free(&out);
}
END_TEST

START_TEST(sizes_and_counts_read_well)
{
	struct str out = STR_INIT(256);
	human_size(&out, 812);
	str_addc(&out, ',');
	human_size(&out, 1024);
	str_addc(&out, ',');
	human_size(&out, 49357);
	str_addc(&out, ',');
	human_size(&out, INT64_C(1073741823));
	str_addc(&out, ',');
	human_count(&out, 999);
	str_addc(&out, '|');
	human_count(&out, 1000005);
	str_addc(&out, '|');
	human_count(&out, INT64_MIN);
	ck_assert_str_eq(str_text(&out),
	                 "812 B,1.0 KiB,48.2 KiB,1.0 GiB,999|1,000,005|-9,223,372,036,854,775,808");
	str_free(&out);
}
END_TEST

START_TEST(moments_read_well)
{
	static const char at[] = "2026-11-21T23:59:58.7Z";
	struct str out = STR_INIT(1000);
	int64_t us = 0;
	ck_assert(human_parse_time(at, &us));
	human_time_html(&out, at, us + S);
	human_time_html(&out, at, us + 2 * S);
	human_ago_html(&out, at, us + 90 * S);
	human_time_html(&out, "never", us);
	human_ago_html(&out, NULL, us);
#define TIME "<time datetime=\"2026-11-21T23:59:58.7Z\" title=\"2026-11-21T23:59:58.7Z\">"
	ck_assert_str_eq(str_text(&out),
	                 TIME "23:59:58 UTC</time>" TIME "21 Nov 2026 23:59:58 UTC</time>" TIME
	                      "1 min 30 s ago</time>––");
	str_free(&out);
}
END_TEST

START_TEST(an_axis_is_in_proportion)
{
	struct axis a;
	struct axis_point p[] = { { 10 * S, -1 }, { 0, 1 } };
	axis_make(&a, p, ARRAY_LEN(p));
	ck_assert_uint_eq(a.count, 1);
	ck_assert_double_eq_tol(axis_x(&a, 0), 0, 1e-9);
	ck_assert_double_eq_tol(axis_x(&a, 5 * S), 50, 1e-9);
	ck_assert_double_eq_tol(axis_x(&a, 99 * S), 100, 1e-9);
	ck_assert_double_eq_tol(axis_x(&a, -S), 0, 1e-9);
}
END_TEST

START_TEST(a_long_quiet_time_is_cut)
{
	struct axis a;
	struct axis_point p[] = { { 0, 1 }, { S, -1 }, { 3600 * S, 1 }, { 3601 * S, -1 } };
	axis_make(&a, p, ARRAY_LEN(p));
	ck_assert_uint_eq(a.count, 3);
	ck_assert(a.spans[1].cut);
	ck_assert_double_gt(axis_x(&a, S), 40);
	ck_assert_double_lt(axis_x(&a, 3600 * S), 60);
}
END_TEST

START_TEST(a_long_run_is_not_cut)
{
	struct axis a;
	struct axis_point p[] = { { 0, 1 }, { S, -1 }, { 2 * S, 1 }, { 3600 * S, -1 } };
	axis_make(&a, p, ARRAY_LEN(p));
	ck_assert_uint_eq(a.count, 1);
}
END_TEST

static size_t
spans_of(struct axis_point *p, size_t n)
{
	struct axis a;
	axis_make(&a, p, n);
	return a.count;
}

START_TEST(only_what_is_long_beside_the_rest_is_cut)
{
	struct axis_point twice[] = { { 0, 1 }, { 10 * S, -1 }, { 32 * S, 1 }, { 33 * S, -1 } };
	struct axis_point more[] = { { 0, 1 }, { 10 * S, -1 }, { 33 * S, 1 }, { 34 * S, -1 } };
	struct axis_point pauses[] = { { 0, 1 },      { S, -1 },     { 3 * S, 1 },
		                       { 4 * S, -1 }, { 12 * S, 1 }, { 13 * S, -1 } };
	struct axis_point quiet[] = { { 0, 0 }, { 10 * S, 0 }, { 30 * S, 0 } };
	ck_assert_uint_eq(spans_of(twice, ARRAY_LEN(twice)), 1);
	ck_assert_uint_eq(spans_of(more, ARRAY_LEN(more)), 3);
	ck_assert_uint_eq(spans_of(pauses, ARRAY_LEN(pauses)), 1);
	/* All of it is quiet: there is nothing to make room for. */
	struct axis a;
	axis_make(&a, quiet, ARRAY_LEN(quiet));
	ck_assert(a.count == 1 && !a.spans[0].cut);
}
END_TEST

START_TEST(an_axis_without_moments_is_empty)
{
	struct axis a;
	struct axis_point p[] = { { S, 0 }, { S, 0 } };
	axis_make(&a, p, 0);
	ck_assert_uint_eq(a.count, 0);
	ck_assert_double_eq_tol(axis_x(&a, S), 0, 1e-9);
	axis_make(&a, p, 2);
	ck_assert_uint_eq(a.count, 0);
}
END_TEST

START_TEST(many_quiet_times_stay_within_the_axis)
{
	struct axis a;
	struct axis_point p[200];
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		p[i] = (struct axis_point){ (int64_t)(i / 2) * 86400 * S + (i % 2 ? S : 0),
			                    i % 2 ? -1 : 1 };
	axis_make(&a, p, ARRAY_LEN(p));
	ck_assert_uint_le(a.count, ARRAY_LEN(a.spans));
	ck_assert_double_eq_tol(a.spans[a.count - 1].to_x, 100, 1e-6);
}
END_TEST

START_TEST(steps_are_round)
{
	ck_assert_int_eq(axis_step_us(1873000, 5), 500000);
	ck_assert_int_eq(axis_step_us(0, 5), 1);
	ck_assert_int_eq(axis_step_us(5, 5), 1);
	ck_assert_int_eq(axis_step_us(60 * S, 5), 20 * S);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("human");
	TCase *t = tcase_create("human");
	suite_add_tcase(s, t);
	tcase_add_test(t, times_are_read);
	tcase_add_test(t, what_is_no_time_leaves_the_result_alone);
	tcase_add_loop_test(t, durations_read_well, 0, (int)ARRAY_LEN(durations));
	tcase_add_test(t, sizes_and_counts_read_well);
	tcase_add_test(t, an_axis_is_in_proportion);
	tcase_add_test(t, a_long_quiet_time_is_cut);
	tcase_add_test(t, a_long_run_is_not_cut);
	tcase_add_test(t, moments_read_well);
	tcase_add_test(t, only_what_is_long_beside_the_rest_is_cut);
	tcase_add_test(t, an_axis_without_moments_is_empty);
	tcase_add_test(t, many_quiet_times_stay_within_the_axis);
	tcase_add_test(t, steps_are_round);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
