/* test_arena.c -- alignment, zeroing, the maximum and the reset of arenas. */
#include "tests/unit/base/suite.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/banned.h"

START_TEST(aligned_zeroed_apart)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(1 << 20);
	unsigned char *before = NULL;
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = arena_alloc(a, n);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
		ck_assert_ptr_ne(p, before);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xAA, n);
		before = p;
	}
}
END_TEST

START_TEST(maximum)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(100000);
	ck_assert_ptr_null(arena_alloc(a, 100001));
	ck_assert_ptr_null(arena_alloc(a, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(a, SIZE_MAX - 8));
	ck_assert_ptr_nonnull(arena_alloc(a, 60000));
	ck_assert_ptr_null(arena_alloc(a, 60000));
	ck_assert_ptr_nonnull(arena_alloc(a, 30000));
	arena_reset(a);
	unsigned char *p = arena_alloc(a, 90000);
	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < 90000; i++)
		ck_assert_uint_eq(p[i], 0);
}
END_TEST

START_TEST(reset_forgets_and_zeroes)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(1 << 20);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			char *p = arena_alloc(a, 1000);
			ck_assert_ptr_nonnull(p);
			ck_assert_int_eq(p[999], 0);
			memset(p, 'x', 1000);
		}
		arena_reset(a);
	}
	arena_free(NULL);
}
END_TEST

START_TEST(texts)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(1000);
	ck_assert_str_eq(arena_strdup(a, "abc"), "abc");
	ck_assert_ptr_null(arena_strdup(a, NULL));
	ck_assert_ptr_null(arena_strndup(a, NULL, 3));
	ck_assert_str_eq(arena_strndup(a, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_printf(a, "%s-%05d", "x", 42), "x-00042");
	ck_assert_ptr_null(arena_printf(a, "%2000s", ""));
}
END_TEST

SUITE_MAIN("arena", aligned_zeroed_apart, maximum, reset_forgets_and_zeroes, texts)
