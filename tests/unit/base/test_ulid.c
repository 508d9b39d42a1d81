/* test_ulid.c -- trace IDs in each of their written forms. */
#include "tests/unit/base/suite.h"

#include <string.h>

#include "base/clock.h"
#include "base/ulid.h"
#include "base/banned.h"

static const struct ulid known = { { 0x01, 0x56, 0x3E, 0x3A, 0xB5, 0xD3, 0xD6, 0x76, 0x4C, 0x61,
	                             0xEF, 0xB9, 0x93, 0x02, 0xBD, 0x5B } };

START_TEST(written)
{
	char trace[TRACE_TEXT_MAX], uuid[ULID_UUID_MAX], hex[ULID_HEX_MAX];
	ck_assert_str_eq(ulid_trace_text(&known, trace), "trace_01ARZ3NDEKTSV4RRFFQ69G5FAV");
	ck_assert_str_eq(ulid_uuid_text(&known, uuid), "01563e3a-b5d3-d676-4c61-efb99302bd5b");
	ck_assert_str_eq(ulid_hex_text(&known, hex), "01563e3ab5d3d6764c61efb99302bd5b");
}
END_TEST

START_TEST(read_in_every_form)
{
	static const char *const forms[] = {
		"trace_01ARZ3NDEKTSV4RRFFQ69G5FAV", "TRACE_01arz3ndektsv4rrffq69g5fav",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV",       "01563e3ab5d3d6764c61efb99302bd5b",
		"01563E3AB5D3D6764C61EFB99302BD5B", "01563E3A-b5d3-d676-4c61-efb99302bd5b",
	};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct ulid u;
		ck_assert_msg(ulid_parse(forms[i], &u), "%s", forms[i]);
		ck_assert_mem_eq(&u, &known, sizeof(u));
	}
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"",
		"trace_",
		"trace_01ARZ3NDEKTSV4RRFFQ69G5FA",
		"trace_01ARZ3NDEKTSV4RRFFQ69G5FAVV",
		"trace_81ARZ3NDEKTSV4RRFFQ69G5FAV",
		"trace_01ARZ3NDEKTSV4RRFFQ69G5FAU",
		"trace_01ARZ3NDEKTSV4RRFFQ69G5FA-",
		"trace-01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"trace_01563e3ab5d3d6764c61efb99302bd5b",
		"trace_00000000000000000000000000",
		"00000000000000000000000000000000",
		"00000000-0000-0000-0000-000000000000",
		"01563e3a-b5d3-d676-4c61-efb99302bd5",
		"01563e3ab-5d3-d676-4c61-efb99302bd5b",
		"01563e3a-b5d3-d676-4c61efb99302bd5b-",
		"01563e3ab5d3d6764c61efb99302bd5g",
	};
	struct ulid u = known;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!ulid_parse(bad[i], &u), "%s", bad[i]);
	ck_assert_mem_eq(&u, &known, sizeof(u));
}
END_TEST

START_TEST(there_and_back)
{
	for (int i = 0; i < 2000; i++) {
		struct ulid u, back;
		char text[TRACE_TEXT_MAX], uuid[ULID_UUID_MAX];
		int64_t before = clock_wall_ms();
		ck_assert_int_eq(ulid_new(&u, NULL), RC_OK);
		int64_t ms = 0;
		for (int b = 0; b < 6; b++)
			ms = ms * 256 + u.bytes[b];
		ck_assert_int_ge(ms, before);
		ck_assert_int_le(ms, clock_wall_ms());
		ck_assert(ulid_parse(ulid_trace_text(&u, text), &back));
		ck_assert_mem_eq(&u, &back, sizeof(u));
		ck_assert_uint_eq(strlen(text), TRACE_TEXT_MAX - 1);
		ck_assert(ulid_parse(ulid_uuid_text(&u, uuid), &back));
		ck_assert_mem_eq(&u, &back, sizeof(u));
	}
}
END_TEST

START_TEST(largest)
{
	struct ulid u, all;
	char text[TRACE_TEXT_MAX];
	memset(&all, 0xFF, sizeof(all));
	ck_assert_str_eq(ulid_trace_text(&all, text), "trace_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
	ck_assert(ulid_parse(text, &u));
	ck_assert_mem_eq(&u, &all, sizeof(u));
}
END_TEST

SUITE_MAIN("ulid", written, read_in_every_form, refused, there_and_back, largest)
