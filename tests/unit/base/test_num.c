/* test_num.c -- numbers, sizes, durations and hex: their ends and what is refused. */
#include "tests/unit/base/suite.h"

#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "base/banned.h"

#define UNTOUCHED INT64_C(-77)

START_TEST(numbers)
{
	int64_t v = UNTOUCHED;
	static const char *const bad[] = {
		"",    "-",   "+1",  " 1",   "1 ", "0x1",
		"1.0", "--1", "1e3", "1\n2", "９", "99999999999999999999"
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!num_parse(bad[i], INT64_MIN, INT64_MAX, &v), "%s", bad[i]);
	ck_assert(!num_parse("9223372036854775808", INT64_MIN, INT64_MAX, &v));
	ck_assert(!num_parse("11", 1, 10, &v) && !num_parse("0", 1, 10, &v));
	ck_assert_int_eq(v, UNTOUCHED);
	ck_assert(num_parse("9223372036854775807", INT64_MIN, INT64_MAX, &v) && v == INT64_MAX);
	ck_assert(num_parse("-9223372036854775807", INT64_MIN, INT64_MAX, &v));
	ck_assert(num_parse("-9223372036854775808", INT64_MIN, INT64_MAX, &v) && v == INT64_MIN);
	ck_assert(num_parse("007", 1, 10, &v) && v == 7);
	ck_assert(num_parse("-0", 0, 10, &v) && v == 0);
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = { { "0", 0 },
		     { "4096", 4096 },
		     { "64k", 65536 },
		     { "64K", 65536 },
		     { "50MB", 52428800 },
		     { "1GiB", 1073741824 },
		     { "2t", INT64_C(2) << 40 },
		     { "3b", 3 },
		     { "3kb", 3 << 10 },
		     { "3kib", 3 << 10 },
		     { "3m", 3 << 20 },
		     { "3mib", 3 << 20 },
		     { "3g", INT64_C(3) << 30 },
		     { "3gb", INT64_C(3) << 30 },
		     { "3tb", INT64_C(3) << 40 },
		     { "3tib", INT64_C(3) << 40 },
		     { "8388607T", INT64_C(8388607) << 40 } };
	static const char *const bad[] = { "",    "k",  "-1",  "1.5M",     "1 M",
		                           "1kk", "1Z", "1M ", "8388608T", "1iB" };
	int64_t v = UNTOUCHED;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!num_parse_size(bad[i], &v), "%s", bad[i]);
	ck_assert_int_eq(v, UNTOUCHED);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(num_parse_size(good[i].text, &v), "%s", good[i].text);
		ck_assert_int_eq(v, good[i].bytes);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "250ms", 250 },
		     { "10s", 10000 },
		     { "5m", 300000 },
		     { "2h", 7200000 },
		     { "14d", 1209600000 },
		     { "3", 3000 },
		     { "0", 0 },
		     { "106751991167d", INT64_C(9223372036828800000) } };
	static const char *const bad[] = { "", "ms", "-1s", "1.5s", "1 s", "1w", "106751991168d" };
	int64_t v = UNTOUCHED;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!num_parse_duration(bad[i], &v), "%s", bad[i]);
	ck_assert_int_eq(v, UNTOUCHED);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(num_parse_duration(good[i].text, &v), "%s", good[i].text);
		ck_assert_int_eq(v, good[i].ms);
	}
}
END_TEST

START_TEST(hex)
{
	unsigned char out[3] = { 9, 9, 9 };
	ck_assert(!num_parse_hex("00ff1", out, 3) && !num_parse_hex("00ff1a0", out, 3));
	ck_assert(!num_parse_hex("00ff1g", out, 3) && !num_parse_hex("", out, 3));
	ck_assert(!num_parse_hex("00ff1ag", out, 3));
	ck_assert_int_eq(out[0], 9);
	ck_assert(num_parse_hex("00fF1a", out, 3));
	ck_assert_mem_eq(out, "\x00\xff\x1a", 3);
	ck_assert(num_parse_hex("", out, 0));
}
END_TEST

SUITE_MAIN("num", numbers, sizes, durations, hex)
