/* test_fault.c -- classes, messages, and where they are cut. */
#include "tests/unit/base/suite.h"

#include <string.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "base/banned.h"

#define ROOM (sizeof(((struct fault *)NULL)->message) - 1)

START_TEST(set_clears_the_rest)
{
	struct fault f = { .http = 404, .sqlstate = "40001", .code = "NoSuchKey" };
	ck_assert_int_eq(fault_set(&f, RC_RETRY, "%s %d", "try", 2), RC_RETRY);
	ck_assert_str_eq(f.message, "try 2");
	ck_assert_int_eq(f.http, 0);
	ck_assert_str_eq(f.sqlstate, "");
	ck_assert_str_eq(f.code, "");
	ck_assert_int_eq(f.retry_after_ms, -1);
	ck_assert_int_eq(fault_set(NULL, RC_BUG, "nobody looks"), RC_BUG);
}
END_TEST

START_TEST(own_message_may_be_an_argument)
{
	struct fault f = { 0 };
	fault_set(&f, RC_RETRY, "inner");
	fault_set(&f, RC_PERMANENT, "outer: %s", f.message);
	ck_assert_str_eq(f.message, "outer: inner");
}
END_TEST

START_TEST(context_keeps_class_and_codes)
{
	struct fault f = { 0 };
	fault_set(&f, RC_LOST, "gone");
	f.http = 503;
	ck_assert_int_eq(fault_context(&f, "job %d", 7), RC_LOST);
	ck_assert_str_eq(f.message, "job 7: gone");
	ck_assert_int_eq(f.http, 503);
}
END_TEST

/* Two-byte characters behind 0 or 1 ASCII bytes: the limit falls on and inside a character. */
START_TEST(cut_at_a_character)
{
	char text[4 * ROOM];
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'a', shift);
		for (size_t i = shift; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xC3\xA9", 3);
		struct fault f = { 0 };
		fault_set(&f, RC_RETRY, "%s", text);
		ck_assert(utf8_valid(f.message, strlen(f.message)));
		ck_assert_uint_ge(strlen(f.message), ROOM - 1);
		fault_context(&f, "%.*s", (int)shift + 1, "abcd");
		ck_assert(utf8_valid(f.message, strlen(f.message)));
		ck_assert_uint_ge(strlen(f.message), ROOM - 1);
		fault_context(&f, "%s", text);
		ck_assert(utf8_valid(f.message, strlen(f.message)));
	}
}
END_TEST

START_TEST(exactly_full_is_not_cut)
{
	char text[ROOM + 2];
	memset(text, 'x', sizeof(text));
	text[ROOM] = '\0';
	struct fault f = { 0 };
	fault_set(&f, RC_BUG, "%s", text);
	ck_assert_str_eq(f.message, text);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(rc_name(RC_OK), "ok");
	ck_assert_str_eq(rc_name(RC_RETRY), "retry");
	ck_assert_str_eq(rc_name(RC_PERMANENT), "permanent");
	ck_assert_str_eq(rc_name(RC_LOST), "lost");
	ck_assert_str_eq(rc_name(RC_STOP), "stop");
	ck_assert_str_eq(rc_name(RC_BUG), "bug");
}
END_TEST

SUITE_MAIN("fault", set_clears_the_rest, own_message_may_be_an_argument,
           context_keeps_class_and_codes, cut_at_a_character, exactly_full_is_not_cut, names)
