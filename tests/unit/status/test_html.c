/* test_html.c -- escaping: nothing from outside becomes markup, nothing stays unseen. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "status/html.h"
#include "base/banned.h"

typedef void writer(struct str *out, const char *text);

static void
check_is(writer *write, const char *text, const char *expected)
{
	struct str out = STR_INIT(65536);
	write(&out, text);
	ck_assert_str_eq(str_text(&out), expected);
	str_free(&out);
}

START_TEST(markup_becomes_text)
{
	check_is(html_text, "<b a=\"x\" c='y'>&amp;</b>",
	         "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;&lt;/b&gt;");
	check_is(html_attr, "\" onload='x'", "&quot; onload=&#39;x&#39;");
	check_is(html_block, "</pre><script>", "&lt;/pre&gt;&lt;script&gt;");
}
END_TEST

START_TEST(null_is_nothing)
{
	check_is(html_text, NULL, "");
	check_is(html_block, NULL, "");
	check_is(html_attr, NULL, "");
	check_is(html_segment, NULL, "");
}
END_TEST

START_TEST(letters_of_all_scripts_stay)
{
	check_is(html_text, "Müller 請求書 فاتورة 👩‍💻",
	         "Müller 請求書 فاتورة 👩‍💻");
}
END_TEST

#define ESC(s) "<span class=\"esc\">" s "</span>"

START_TEST(unseen_characters_are_shown)
{
	check_is(html_text, "a\nb\tc\rd", "a" ESC("\\n") "b" ESC("\\t") "c" ESC("\\r") "d");
	check_is(html_text, "\x1b[31m\x7f", ESC("\\x1b") "[31m" ESC("\\x7f"));
	check_is(html_text,
	         "\xe2\x80\xae"
	         "gpj.exe",
	         ESC("\\u202e") "gpj.exe");
	check_is(html_text, "\xe2\x81\xa6\xef\xbb\xbf", ESC("\\u2066") ESC("\\ufeff"));
	check_is(html_text, "\xc2\x85\xf3\xa0\x80\xa1", ESC("\\x85") ESC("\\U000e0021"));
	check_is(html_attr, "\xe2\x80\xae\n", "\\u202e\\n");
}
END_TEST

START_TEST(the_ends_of_what_is_unseen)
{
	static const char *const unseen[] = {
		"\u00ad", "\u061c", "\u180e", "\u200b", "\u200e", "\u200f",     "\u2028",
		"\u202e", "\u2060", "\u206f", "\ufeff", "\ufff9", "\U000e0000", "\U000e007f",
	};
	static const char *const seen[] = {
		" ",      "~",      "\u00a0", "\u00ae", "\u061b", "\u180d", "\u200c",     "\u200d",
		"\u2010", "\u2027", "\u202f", "\u205f", "\u2070", "\ufff8", "\U000e0080",
	};
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		check_is(html_text, seen[i], seen[i]);
	for (size_t i = 0; i < ARRAY_LEN(unseen); i++) {
		struct str out = STR_INIT(100);
		html_attr(&out, unseen[i]);
		ck_assert_msg(str_text(&out)[0] == '\\', "%zu: %s", i, str_text(&out));
		str_free(&out);
	}
}
END_TEST

START_TEST(invalid_bytes_are_shown)
{
	check_is(html_text, "a\xff\xc0z", "a" ESC("\\ufffd") ESC("\\ufffd") "z");
}
END_TEST

START_TEST(a_block_keeps_its_lines)
{
	check_is(html_block, "one\r\n\ttwo\n", "one\r\n\ttwo\n");
	check_is(html_block, "over\rwritten\x07", "over" ESC("\\r") "written" ESC("\\x07"));
}
END_TEST

START_TEST(a_segment_is_one_segment)
{
	check_is(html_segment, "a/b?c#d \"<", "a%2Fb%3Fc%23d%20%22%3C");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("html");
	TCase *t = tcase_create("html");
	suite_add_tcase(s, t);
	tcase_add_test(t, markup_becomes_text);
	tcase_add_test(t, null_is_nothing);
	tcase_add_test(t, letters_of_all_scripts_stay);
	tcase_add_test(t, unseen_characters_are_shown);
	tcase_add_test(t, the_ends_of_what_is_unseen);
	tcase_add_test(t, invalid_bytes_are_shown);
	tcase_add_test(t, a_block_keeps_its_lines);
	tcase_add_test(t, a_segment_is_one_segment);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
