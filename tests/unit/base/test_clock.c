/* test_clock.c -- times as text, before and after 1970. */
#include "tests/unit/base/suite.h"

#include <string.h>

#include "base/clock.h"
#include "base/banned.h"

START_TEST(texts)
{
	char buf[CLOCK_TEXT_MAX];
	ck_assert_str_eq(clock_rfc3339(0, buf), "1970-01-01T00:00:00.000000Z");
	ck_assert_str_eq(clock_rfc3339(INT64_C(1767323045678901), buf),
	                 "2026-01-02T03:04:05.678901Z");
	ck_assert_str_eq(clock_rfc3339(-1, buf), "1969-12-31T23:59:59.999999Z");
	ck_assert_str_eq(clock_basic(INT64_C(1767323045678901), buf), "20260102T030405Z");
	ck_assert_str_eq(clock_rfc3339(INT64_C(951782400000000), buf),
	                 "2000-02-29T00:00:00.000000Z");
	ck_assert_uint_lt(strlen(clock_rfc3339(INT64_MAX, buf)), CLOCK_TEXT_MAX);
	ck_assert_uint_lt(strlen(clock_rfc3339(INT64_MIN, buf)), CLOCK_TEXT_MAX);
}
END_TEST

START_TEST(runs)
{
	int64_t mono = clock_mono_us(), wall = clock_wall_ms();
	ck_assert_int_gt(wall, INT64_C(1700000000000));
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_us();
		ck_assert_int_ge(now, mono);
		mono = now;
	}
	ck_assert_int_le(clock_mono_ms() - mono / 1000, 10000);
	ck_assert_int_le(clock_wall_us() / 1000 - wall, 10000);
}
END_TEST

SUITE_MAIN("clock", texts, runs)
