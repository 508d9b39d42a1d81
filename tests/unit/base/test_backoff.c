/* test_backoff.c -- delays: their range, their growth, their cap. */
#include "tests/unit/base/suite.h"

#include "base/backoff.h"
#include "base/banned.h"

START_TEST(within_half_and_ceiling)
{
	const struct backoff b = { .base_ms = 1000, .cap_ms = 60000 };
	int64_t ceiling = 1000;
	for (int attempt = 1; attempt <= 40; attempt++) {
		for (uint64_t seed = 0; seed < 500; seed++) {
			int64_t ms = backoff_ms(&b, attempt, seed);
			ck_assert_int_ge(ms, ceiling / 2);
			ck_assert_int_le(ms, ceiling);
			ck_assert_int_eq(ms, backoff_ms(&b, attempt, seed));
		}
		ceiling = ceiling * 2 > 60000 ? 60000 : ceiling * 2;
	}
}
END_TEST

START_TEST(spread)
{
	const struct backoff b = { .base_ms = 1000, .cap_ms = 1000 };
	int low = 0;
	for (uint64_t seed = 0; seed < 1000; seed++)
		low += backoff_ms(&b, 1, seed) < 750;
	ck_assert_int_gt(low, 400);
	ck_assert_int_lt(low, 600);
}
END_TEST

START_TEST(ends)
{
	const struct backoff large = { .base_ms = INT64_MAX / 3, .cap_ms = INT64_MAX };
	const struct backoff none = { 0 };
	const struct backoff one = { .base_ms = 1, .cap_ms = 1 };
	for (int attempt = 1; attempt < 100; attempt++) {
		ck_assert_int_ge(backoff_ms(&large, attempt, 7), INT64_MAX / 6);
		ck_assert_int_eq(backoff_ms(&none, attempt, 7), 0);
		ck_assert_int_le(backoff_ms(&one, attempt, 7), 1);
	}
	ck_assert_int_ge(backoff_ms(&large, INT32_MAX, 7), INT64_MAX / 2);
	ck_assert_int_le(backoff_ms(&one, 0, 7), 1);
	ck_assert_int_le(backoff_ms(&one, -5, 7), 1);
	ck_assert_uint_ne(backoff_seed(), backoff_seed());
}
END_TEST

SUITE_MAIN("backoff", within_half_and_ceiling, spread, ends)
