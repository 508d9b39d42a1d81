/* test_str.c -- growing strings, their maximum, and the encodings they write. */
#include "tests/unit/base/suite.h"

#include <string.h>

#include "base/str.h"
#include "base/banned.h"

START_TEST(empty)
{
	struct str s = STR_INIT(10);
	ck_assert_str_eq(str_text(&s), "");
	ck_assert(str_add(&s, ""));
	ck_assert_uint_eq(s.len, 0);
	char *taken = str_take(&s);
	ck_assert_str_eq(taken, "");
	free(taken);
	str_free(&s);
	str_free(&s);
	str_free(NULL);
}
END_TEST

/* At every maximum, every length: it fits, or nothing of it is added and all later ones fail. */
START_TEST(every_maximum)
{
	char text[200];
	memset(text, 'x', sizeof(text));
	for (size_t max = 0; max < 140; max++) {
		struct str s = STR_INIT(max);
		for (size_t n = 0; n < max; n++)
			ck_assert(str_addc(&s, 'x'));
		ck_assert_uint_eq(s.len, max);
		ck_assert(!str_addc(&s, 'y'));
		ck_assert_uint_eq(s.len, max);
		ck_assert(s.failed && !str_add(&s, ""));
		str_reset(&s);
		ck_assert(!s.failed);
		ck_assert(str_addn(&s, text, max));
		ck_assert_uint_eq(strlen(str_text(&s)), max);
		str_reset(&s);
		ck_assert(!str_addn(&s, text, max + 1));
		ck_assert_uint_eq(s.len, 0);
		str_free(&s);
		ck_assert_uint_eq(s.max, max);
	}
}
END_TEST

START_TEST(formats)
{
	struct str s = STR_INIT(100);
	ck_assert(str_addf(&s, "%d-%s", 1, "two"));
	ck_assert(str_addf(&s, "%80s", ""));
	ck_assert_uint_eq(s.len, 85);
	ck_assert(!str_addf(&s, "%16s", ""));
	ck_assert_uint_eq(s.len, 85);
	ck_assert(s.failed);
	str_free(&s);
}
END_TEST

static void
json_is(const char *text, size_t n, const char *wanted)
{
	struct str s = STR_INIT(1000);
	ck_assert(str_add_jsonn(&s, text, n));
	ck_assert_str_eq(str_text(&s), wanted);
	str_free(&s);
}

START_TEST(json)
{
	json_is("", 0, "\"\"");
	json_is("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
	json_is("\n\r\t", 3, "\"\\n\\r\\t\"");
	json_is("\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\"");
	json_is("\xC3\xA9\xF0\x9F\x98\x80", 6, "\"\xC3\xA9\xF0\x9F\x98\x80\"");
	json_is("\xC3", 1, "\"\xEF\xBF\xBD\"");
	json_is("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
	json_is("\xEF\xBF\xBD", 3, "\"\xEF\xBF\xBD\"");
	struct str s = STR_INIT(100);
	ck_assert(str_add_json_or_null(&s, NULL) && str_add_json_or_null(&s, "null"));
	ck_assert_str_eq(str_text(&s), "null\"null\"");
	str_free(&s);
}
END_TEST

START_TEST(all_of_an_encoding_or_nothing)
{
	for (size_t max = 3; max < 16; max++) {
		struct str s = STR_INIT(max);
		ck_assert(str_add(&s, "abc"));
		ck_assert(!str_add_json(&s, "\x01 and more than fits"));
		ck_assert_str_eq(str_text(&s), "abc");
		str_reset(&s);
		ck_assert(str_add(&s, "abc"));
		ck_assert(!str_add_uri(&s, "a b c d e f", 11, false));
		ck_assert_str_eq(str_text(&s), "abc");
		str_reset(&s);
		ck_assert(str_add(&s, "abc"));
		ck_assert(!str_add_hex(&s, "1234567", 7));
		ck_assert_str_eq(str_text(&s), "abc");
		str_free(&s);
	}
}
END_TEST

START_TEST(hex_and_uri)
{
	struct str s = STR_INIT(100);
	ck_assert(str_add_hex(&s, "\x00\xff\x1a", 3));
	ck_assert_str_eq(str_text(&s), "00ff1a");
	str_reset(&s);
	ck_assert(str_add_uri(&s, "a/b c~\xC3\xA9+", 9, true));
	ck_assert_str_eq(str_text(&s), "a/b%20c~%C3%A9%2B");
	str_reset(&s);
	ck_assert(str_add_uri(&s, "/", 1, false));
	ck_assert_str_eq(str_text(&s), "%2F");
	str_free(&s);
}
END_TEST

SUITE_MAIN("str", empty, every_maximum, formats, json, all_of_an_encoding_or_nothing, hex_and_uri)
