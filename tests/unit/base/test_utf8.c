/* test_utf8.c -- every code point, every broken form, every place to cut. */
#include "tests/unit/base/suite.h"

#include <string.h>

#include "base/utf8.h"
#include "base/banned.h"

static size_t
encode(uint32_t c, unsigned char *p)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		p[i] = (unsigned char)(0x80 | (c & 0x3F));
	p[0] = (unsigned char)(leads[n] | c);
	return n;
}

START_TEST(every_code_point)
{
	for (uint32_t c = 0; c < 0x110800; c++) {
		unsigned char bytes[4];
		size_t n = encode(c, bytes);
		bool good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
		uint32_t back;
		size_t used = utf8_next((char *)bytes, n, &back);
		if (utf8_valid((char *)bytes, n) != good || used != (good ? n : 1) ||
		    back != (good ? c : 0xFFFD))
			ck_abort_msg("U+%04X", c);
		for (size_t cut = 1; good && cut < n; cut++)
			if (utf8_valid((char *)bytes, cut) || utf8_cut((char *)bytes, cut) != 0 ||
			    utf8_next((char *)bytes, cut, &back) != 1 || back != 0xFFFD ||
			    utf8_rest((char *)bytes + cut, n - cut) != n - cut)
				ck_abort_msg("U+%04X cut at %zu", c, cut);
	}
}
END_TEST

START_TEST(broken)
{
	static const char *const bad[] = { "\x80",
		                           "\xBF",
		                           "\xC0\x80",
		                           "\xC1\xBF",
		                           "\xE0\x9F\xBF",
		                           "\xED\xA0\x80",
		                           "\xF0\x8F\xBF\xBF",
		                           "\xF4\x90\x80\x80",
		                           "\xF5\x80\x80\x80",
		                           "\xFF",
		                           "\xC3(",
		                           "\xE2\x82(" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t c;
		ck_assert(!utf8_valid(bad[i], strlen(bad[i])));
		ck_assert_uint_eq(utf8_next(bad[i], strlen(bad[i]), &c), 1);
		ck_assert_uint_eq(c, 0xFFFD);
	}
	ck_assert(utf8_valid("", 0) && utf8_valid("a\0b", 3));
}
END_TEST

START_TEST(cuts_at_the_longest_prefix)
{
	const char *text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
	static const size_t ends[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };
	for (size_t n = 0; n < ARRAY_LEN(ends); n++)
		ck_assert_uint_eq(utf8_cut(text, n), ends[n]);
}
END_TEST

/* There is no character whose end could be looked for. */
START_TEST(broken_text_is_not_cut)
{
	static const char *const bad[] = { "\x80\x80", "a\xC1", "a\xF5", "a\x80\x80\x80\x80" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_uint_eq(utf8_cut(bad[i], strlen(bad[i])), strlen(bad[i]));
}
END_TEST

START_TEST(the_rest_of_a_character)
{
	ck_assert_uint_eq(utf8_rest("", 0), 0);
	ck_assert_uint_eq(utf8_rest("a\x80", 2), 0);
	ck_assert_uint_eq(utf8_rest("\xC3\xA9", 2), 0);
	ck_assert_uint_eq(utf8_rest("\x98\x80z", 3), 2);
	ck_assert_uint_eq(utf8_rest("\x9F\x98\x80\x80\x80", 5), 3);
	ck_assert_uint_eq(utf8_rest("\x80\x80", 1), 1);
}
END_TEST

SUITE_MAIN("utf8", every_code_point, broken, cuts_at_the_longest_prefix, broken_text_is_not_cut,
           the_rest_of_a_character)
