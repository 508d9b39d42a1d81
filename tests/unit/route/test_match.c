/* test_match.c -- the pattern languages of the pipeline file. */
#include <check.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "route/match.h"
#include "base/banned.h"

static const struct {
	const char *pattern, *text;
	bool match;
} globs[] = {
	{ "a", "a", true },
	{ "a", "b", false },
	{ "a", "ab", false },
	{ "", "", true },
	{ "*", "", true },
	{ "*", "abc", true },
	{ "*", "a/c", false },
	{ "*.pdf", "x.pdf", true },
	{ "*.pdf", "x.pdf.pdf", true },
	{ "*.pdf", "d/x.pdf", false },
	{ "?", "a", true },
	{ "?", "\xc3\xbc", true }, /* one character */
	{ "?", "\xf0\x9f\x92\xa9", true },
	{ "?", "/", false },
	{ "?", "", false },
	{ "a?c", "abc", true },
	{ "**", "", true },
	{ "**", "a/b/c", true },
	{ "**/*.tmp", "x.tmp", true },
	{ "**/*.tmp", "a/x.tmp", true },
	{ "**/*.tmp", "a/b/x.tmp", true },
	{ "**/*.tmp", "a/b/x.tmp/y", false },
	{ "**/x", "ax", false }, /* folders, not any run */
	{ "**/x", "a/x", true },
	{ "a/**/b", "a/b", true },
	{ "a/**/b", "a/x/y/b", true },
	{ "a/**/b", "a/xb", false },
	{ "a/**/b", "ab", false },
	{ "a/**", "a/", true },
	{ "a/**", "a/b/c", true },
	{ "a/**", "a", false },
	{ "a**b", "a/x/b", true },
	{ "**/", "a/b/", true },
	{ "**/", "a/b", false },
	{ "**/a/*/c", "x/a/b/a/b/c", true },
	{ "**/a/*/c", "x/a/b/a/b/d/c", false },
	{ "*a*b*c", "xaxbxc", true },
	{ "*a*b*c", "xaxcxb", false },
	{ "**/a*b/*c", "q/axb/axxb/yc", true },
	{ "\\*", "*", true },
	{ "\\*", "x", false },
	{ "\\\\", "\\", true },
	{ "a\\?", "a?", true },
	{ "a\\?", "ab", false },
	{ "**/~$*", "d/~$report.docx", true },
	{ "**/*~", "d/notes.txt~", true },
	{ "[ab]", "a", false }, /* no classes: the brackets are themselves */
	{ "[ab]", "[ab]", true },
};

START_TEST(glob)
{
	ck_assert_msg(match_glob(globs[_i].pattern, globs[_i].text) == globs[_i].match,
	              "'%s' and '%s'", globs[_i].pattern, globs[_i].text);
}
END_TEST

START_TEST(hostile_globs_end_soon)
{
	char pattern[1025], text[1026];
	for (size_t i = 0; i < 1024; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[1022] = 'b';
	pattern[1023] = '\0';
	memset(text, 'a', 1025);
	text[1025] = '\0';
	int64_t from = clock_mono_ms();
	ck_assert(!match_glob(pattern, text));
	for (size_t i = 0; i + 4 < 1024; i += 4)
		memcpy(pattern + i, "**a/", 4);
	ck_assert(!match_glob(pattern, text));
	ck_assert_int_lt(clock_mono_ms() - from, 1000);
}
END_TEST

START_TEST(glob_problems)
{
	ck_assert_ptr_null(match_glob_problem("**/*.tmp"));
	ck_assert_ptr_null(match_glob_problem("a\\\\"));
	ck_assert_ptr_nonnull(match_glob_problem(""));
	ck_assert_ptr_nonnull(match_glob_problem("a\\"));
	ck_assert_ptr_nonnull(match_glob_problem("a***"));
	char longest[1026];
	memset(longest, 'a', sizeof(longest));
	longest[1024] = '\0';
	ck_assert_ptr_null(match_glob_problem(longest));
	longest[1024] = 'a';
	longest[1025] = '\0';
	ck_assert_ptr_nonnull(match_glob_problem(longest));
}
END_TEST

START_TEST(suffixes)
{
	ck_assert(match_suffix(".pdf", "a/B.PDF"));
	ck_assert(match_suffix(".PDF", ".pdf"));
	ck_assert(!match_suffix(".pdf", "pdf"));
	ck_assert(!match_suffix(".pdf", "a.pdf "));
}
END_TEST

START_TEST(types)
{
	ck_assert(match_type("image/*", "image/png"));
	ck_assert(match_type("image/*", "IMAGE/PNG"));
	ck_assert(match_type("text/csv", "text/csv; charset=utf-8"));
	ck_assert(match_type("text/csv", "text/csv charset=utf-8"));
	ck_assert(match_type("text/csv", "text/csv\t;charset=utf-8"));
	ck_assert(!match_type("image/*", "image/"));
	ck_assert(!match_type("image/*", "imagexpng"));
	ck_assert(!match_type("image/png", "image/pngx"));
	ck_assert_ptr_null(match_type_problem("application/vnd.ms-excel"));
	ck_assert_ptr_null(match_type_problem("image/*"));
	ck_assert_ptr_nonnull(match_type_problem("image"));
	ck_assert_ptr_nonnull(match_type_problem("*/*"));
	ck_assert_ptr_nonnull(match_type_problem("image/p*"));
	ck_assert_ptr_nonnull(match_type_problem("/x"));
	ck_assert_ptr_nonnull(match_type_problem("text/csv; charset=utf-8"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("match");
	TCase *all = tcase_create("patterns");
	tcase_add_loop_test(all, glob, 0, (int)ARRAY_LEN(globs));
	tcase_add_test(all, hostile_globs_end_soon);
	tcase_add_test(all, glob_problems);
	tcase_add_test(all, suffixes);
	tcase_add_test(all, types);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
