/* test_pipeline.c -- the pipeline file: what is right, and every way to be wrong. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "route/pipeline.h"
#include "base/banned.h"

#define NAME_63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"
#define RULE(inside) "{\"version\":1,\"rules\":[{\"name\":\"r\"," inside "}]}"
#define JOBS(inside) RULE("\"jobs\":[" inside "]")

static const struct {
	const char *text, *path, *message;
} wrong[] = {
	{ "", "", NULL },
	{ "{\"version\":1,", "", NULL },
	{ "[]", "", "must be an object" },
	{ "{\"rules\":[]}", "version", "is missing" },
	{ "{\"version\":2,\"rules\":[]}", "version", "must be a whole number from 1 to 1" },
	{ "{\"version\":1}", "rules", "is missing" },
	{ "{\"version\":1,\"rules\":{}}", "rules", "must be an array of rules" },
	{ "{\"version\":1,\"rules\":[],\"rulez\":1}", "rulez", "is not known" },
	{ "{\"version\":1,\"rules\":[7]}", "rules[0]", "must be an object" },
	{ "{\"version\":1,\"rules\":[],\"ignore\":7}", "ignore",
	  "must be a text or an array of texts" },
	{ "{\"version\":1,\"rules\":[],\"ignore\":[\"a\",\"\"]}", "ignore[1]", "'' is empty" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"Big\":{}}}", "kinds.Big", NULL },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"timeout_s\":0}}}", "kinds.k.timeout_s",
	  "must be a whole number from 1 to 86400" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"attempts\":101}}}", "kinds.k.attempts",
	  "must be a whole number from 1 to 100" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"limit\":0}}}", "kinds.k.limit",
	  "must be a whole number from 1 to 1000000" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"\":{}}}", "kinds",
	  "is no name: 1 to 63 of a-z, 0-9 and -, not - first" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"" NAME_63 "x\":{}}}", "kinds." NAME_63 "x",
	  "is no name: 1 to 63 of a-z, 0-9 and -, not - first" },
	{ "{\"version\":1,\"rules\":[],\"$schema\":7}", "$schema", "must be a text" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"attempts\":1.5}}}", "kinds.k.attempts",
	  NULL },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"group\":\"key\"}}}", "kinds.k.group",
	  "'key' is none of store, bucket, source, type, nor a text with {bucket}, {key.1}, "
	  "{metadata.NAME} or the like" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"group_limit\":2}}}",
	  "kinds.k.group_limit", "needs a group to limit" },
	{ "{\"version\":1,\"rules\":[],\"kinds\":{\"k\":{\"retries\":2}}}", "kinds.k.retries",
	  "is not known" },
	{ RULE("\"match\":{}"), "rules[0].jobs", "is missing" },
	{ RULE("\"jobs\":{}"), "rules[0].jobs", "must be an array of jobs" },
	{ RULE("\"jobs\":[],\"match\":{\"size\":1}"), "rules[0].match.size", "is not known" },
	{ RULE("\"jobs\":[],\"match\":{\"key\":[\"a***b\"]}"), "rules[0].match.key[0]", NULL },
	{ RULE("\"jobs\":[],\"match\":{\"type\":\"pdf\"}"), "rules[0].match.type", NULL },
	{ RULE("\"jobs\":[],\"match\":{\"suffix\":[7]}"), "rules[0].match.suffix[0]",
	  "must be a text" },
	{ RULE("\"jobs\":[],\"match\":{\"suffix\":\"\"}"), "rules[0].match.suffix", "'' is empty" },
	{ RULE("\"jobs\":[],\"match\":{\"max_size\":-1}"), "rules[0].match.max_size", NULL },
	{ RULE("\"jobs\":[],\"match\":{\"max_size\":1125899906842625}"), "rules[0].match.max_size",
	  "must be a whole number from 0 to 1125899906842624" },
	{ RULE("\"jobs\":[],\"match\":{\"metadata\":{\"Z\":\"1\"}}"), "rules[0].match.metadata.Z",
	  "must be in lower case, as stores give it" },
	{ RULE("\"jobs\":[],\"match\":{\"metadata\":{\"a\":1}}"), "rules[0].match.metadata.a",
	  "must be a text" },
	{ RULE("\"jobs\":[],\"match\":{\"metadata\":{\"A\":\"1\"}}"), "rules[0].match.metadata.A",
	  "must be in lower case, as stores give it" },
	{ RULE("\"jobs\":[],\"source\":\"delete\""), "rules[0].source", NULL },
	{ JOBS("{\"kind\":\"k\"}"), "rules[0].jobs[0].step", "is missing" },
	{ JOBS("{\"step\":\"s\"}"), "rules[0].jobs[0].kind", "is missing" },
	{ JOBS("{\"step\":\"-s\",\"kind\":\"k\"}"), "rules[0].jobs[0].step", NULL },
	{ JOBS("{\"step\":\"s\",\"kind\":\"route\"}"), "rules[0].jobs[0].kind",
	  "'route' is the router's own" },
	{ JOBS("{\"step\":\"route\",\"kind\":\"k\"}"), "rules[0].jobs[0].step",
	  "'route' is the router's own" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"params\":[]}"), "rules[0].jobs[0].params",
	  "must be an object" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"required\":1}"), "rules[0].jobs[0].required",
	  "must be true or false" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"priority\":4}"), "rules[0].jobs[0].priority",
	  "must be a whole number from 0 to 3" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"on_failure\":\"x\"}"),
	  "rules[0].jobs[0].on_failure", "'x' is none of fail, review, note" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"on_failure\":\"note\"}"),
	  "rules[0].jobs[0].on_failure", "a required job's failure is no mere note" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"required\":false,\"on_failure\":\"fail\"}"),
	  "rules[0].jobs[0].on_failure", "an optional job cannot fail its upload" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\"},{\"step\":\"s\",\"kind\":\"k\"}"),
	  "rules[0].jobs[1].step", "'s' is there twice" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"after\":\"s\"}"), "rules[0].jobs[0].after",
	  "must be an array of steps" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"after\":[\"t\"]}"), "rules[0].jobs[0].after[0]",
	  "'t' is no step of this rule" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"after\":[7]}"), "rules[0].jobs[0].after[0]",
	  "must be a step's name" },
	{ JOBS("{\"step\":\"s\",\"kind\":\"k\",\"after\":[\"s\"]}"), "rules[0].jobs[0].after",
	  "step 's' waits for itself in a cycle" },
	{ JOBS("{\"step\":\"a\",\"kind\":\"k\"},{\"step\":\"b\",\"kind\":\"k\",\"after\":[\"c\","
	       "\"a\"]"
	       "},{\"step\":\"c\",\"kind\":\"k\",\"after\":[\"b\"]}"),
	  "rules[0].jobs[1].after", "step 'b' waits for itself in a cycle" },
	{ JOBS("{\"step\":\"a\",\"kind\":\"k\"},{\"step\":\"b\",\"kind\":\"k\",\"after\":[\"a\","
	       "\"c\"]},{\"step\":\"c\",\"kind\":\"k\",\"after\":[\"b\"]}"),
	  "rules[0].jobs[1].after", "step 'b' waits for itself in a cycle" },
	{ JOBS("{\"step\":\"a\",\"kind\":\"k\"},{\"step\":\"b\",\"kind\":\"k\",\"after\":[\"a\","
	       "\"a\"]"
	       "}"),
	  "rules[0].jobs[1].after[1]", "'a' is named twice" },
	{ "{\"version\":1,\"kinds\":{\"k\":{}},\"rules\":[{\"name\":\"r\",\"jobs\":[{\"step\":"
	  "\"s\"}]}]}",
	  "rules[0].jobs[0].kind", "is missing" },
	{ "{\"version\":1,\"rules\":[{\"name\":\"r\",\"jobs\":[]},{\"name\":\"r\",\"jobs\":[]}]}",
	  "rules[1].name", "'r' is there twice" },
};

START_TEST(refuses)
{
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p =
		pipeline_parse(wrong[_i].text, strlen(wrong[_i].text), &problems);
	ck_assert_ptr_null(p);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].path, wrong[_i].path);
	if (wrong[_i].message)
		ck_assert_str_eq(problems.items[0].message, wrong[_i].message);
	pipeline_problems_free(&problems);
}
END_TEST

START_TEST(warns_of_what_does_nothing)
{
	static const char text[] = "{\"version\":1,\"rules\":[{\"name\":\"r\",\"jobs\":[{\"step\":"
				   "\"s\",\"kind\":\"a\"}]}],"
				   "\"kinds\":{\"a\":{\"attempts\":2,\"limit\":1},\"b\":{\"group\":"
				   "\"bucket\",\"group_limit\":2},"
				   "\"c\":{}}}";
	static const char *const paths[] = { "kinds.b", "kinds.c" };
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = pipeline_parse(text, strlen(text), &problems);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_uint_eq(p->warnings.count, ARRAY_LEN(paths));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ck_assert_str_eq(p->warnings.items[i].path, paths[i]);
		ck_assert_str_eq(p->warnings.items[i].message, "is used by no rule");
	}
	pipeline_drop(p);
}
END_TEST

static const struct {
	const char *text;
	bool good;
} groups[] = {
	{ "bucket", true },      { "type", true },
	{ "{bucket}", true },    { "{store}/{key.1}-{metadata.account id}", true },
	{ "{key.9}", true },     { "", false },
	{ "account", false },    { "key.1", false },
	{ "{}", false },         { "{key.0}", false },
	{ "{key.10}", false },   { "{metadata.}", false },
	{ "{bucket", false },    { "bucket}", false },
	{ "{{bucket}}", false }, { "{bucket}}", false },
	{ "{buckets}", false },
};

START_TEST(knows_groups)
{
	char text[256];
	struct pipeline_problems problems = { 0 };
	ck_assert_int_lt(
		snprintf(text, sizeof(text),
	                 "{\"version\":1,\"kinds\":{\"k\":{\"group\":\"%s\"}},\"rules\":[]}",
	                 groups[_i].text),
		(int)sizeof(text));
	const struct pipeline *p = pipeline_parse(text, strlen(text), &problems);
	ck_assert_msg((p != NULL) == groups[_i].good, "%s", groups[_i].text);
	ck_assert_uint_eq(problems.count, groups[_i].good ? 0 : 1);
	if (!groups[_i].good)
		ck_assert_str_eq(problems.items[0].path, "kinds.k.group");
	pipeline_problems_free(&problems);
	pipeline_drop(p);
}
END_TEST

START_TEST(lists_all_problems)
{
	static const char text[] =
		"{\"version\":1,\"what\":1,\"rules\":[{\"jobs\":[{\"step\":\"A\","
		"\"kind\":\"k\"}]},{\"name\":\"r\",\"jobs\":[{}]}]}";
	struct pipeline_problems problems = { 0 };
	ck_assert_ptr_null(pipeline_parse(text, strlen(text), &problems));
	ck_assert_uint_eq(problems.count, 5);
	ck_assert_str_eq(problems.items[0].path, "what");
	ck_assert_str_eq(problems.items[1].path, "rules[0].name");
	ck_assert_str_eq(problems.items[2].path, "rules[0].jobs[0].step");
	ck_assert_str_eq(problems.items[3].path, "rules[1].jobs[0].step");
	ck_assert_str_eq(problems.items[4].path, "rules[1].jobs[0].kind");
	pipeline_problems_free(&problems);
}
END_TEST

START_TEST(stops_counting_problems)
{
	struct str text = STR_INIT(1u << 20);
	struct pipeline_problems problems = { 0 };
	str_add(&text, "{\"version\":1,\"rules\":[7");
	for (int i = 0; i < 200; i++)
		str_add(&text, ",7");
	str_add(&text, "]}");
	ck_assert_ptr_null(pipeline_parse(text.data, text.len, &problems));
	ck_assert_uint_eq(problems.count, 100);
	ck_assert(problems.more);
	pipeline_problems_free(&problems);
	str_free(&text);
}
END_TEST

/* The text between before and after is there n times, with commas. */
static void
refuses_many(const char *before, const char *part, size_t n, const char *after, const char *message)
{
	struct str text = STR_INIT(4u << 20);
	struct pipeline_problems problems = { 0 };
	str_add(&text, before);
	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%s%s", i ? "," : "", part);
	str_add(&text, after);
	ck_assert_ptr_null(pipeline_parse(text.data, text.len, &problems));
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_msg(strstr(problems.items[0].message, message) != NULL, "%s",
	              problems.items[0].message);
	pipeline_problems_free(&problems);
	str_free(&text);
}

START_TEST(has_limits)
{
	refuses_many("{\"version\":1,\"rules\":[{\"name\":\"r\",\"jobs\":[", "0", 32001, "]}]}",
	             "the file has more than 32000 jobs");
	refuses_many("{\"version\":1,\"rules\":[{\"name\":\"r\",\"jobs\":[{\"step\":\"s\",\"kind\":"
	             "\"k\",\"params\":{\"p\":[",
	             "1", 32768, "]}}]}]}", "is larger than 64 KiB");
	refuses_many("{\"version\":1,\"rules\":[{\"name\":\"r\",\"jobs\":[{\"step\":\"s\",\"kind\":"
	             "\"k\",\"params\":{\"p\":"
	             "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	             "1", 1, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}]}]}", "nested deeper than 32");
}
END_TEST

START_TEST(takes_what_is_just_within)
{
	static const char text[] =
		"{\"version\":1,\"rules\":[{\"name\":\"" NAME_63 "\",\"jobs\":[],\"match\":{"
		"\"max_size\":1125899906842624}}],\"kinds\":{\"" NAME_63
		"\":{\"attempts\":100,\"timeout_s\":86400}}}";
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = pipeline_parse(text, strlen(text), &problems);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(p->rules[0].match.max_size, INT64_C(1) << 50);
	pipeline_drop(p);
}
END_TEST

START_TEST(a_file_has_at_most_a_mebibyte)
{
	static const char text[] = "{\"version\":1,\"rules\":[]}";
	char path[] = "/tmp/test-pipeline-XXXXXX";
	struct pipeline_problems problems = { 0 };
	static char spaces[PIPELINE_BYTES_MAX];
	int fd = mkstemp(path);
	memset(spaces, ' ', sizeof(spaces));
	ck_assert_int_eq(pwrite(fd, spaces, sizeof(spaces), 0), sizeof(spaces));
	ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	const struct pipeline *p = pipeline_read(path, &problems);
	ck_assert_ptr_nonnull(p);
	pipeline_drop(p);
	ck_assert_int_eq(pwrite(fd, " ", 1, sizeof(spaces)), 1);
	ck_assert_ptr_null(pipeline_read(path, &problems));
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].message, "is larger than 1 MiB");
	pipeline_problems_free(&problems);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(numbers_steps_over_all_rules)
{
	static const char text[] =
		"{\"version\":1,\"rules\":[{\"name\":\"one\",\"jobs\":[{\"step\":\"a\",\"kind\":"
		"\"k\"},"
		"{\"step\":\"b\",\"kind\":\"k\",\"after\":[\"a\"],\"priority\":2}]},{\"name\":"
		"\"two\","
		"\"jobs\":[{\"step\":\"a\",\"kind\":\"k\",\"required\":false,\"after\":[\"z\"]},"
		"{\"step\":\"z\",\"kind\":\"k\",\"on_failure\":\"review\"}]}]}";
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = pipeline_parse(text, strlen(text), &problems);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->job_count, 4);
	ck_assert_int_eq(p->rules[0].jobs[1].step_no, 2);
	ck_assert_int_eq(p->rules[0].jobs[1].after[0], 1);
	ck_assert_int_eq(p->rules[0].jobs[1].priority, 2);
	ck_assert_int_eq(p->rules[1].jobs[0].step_no, 3);
	ck_assert_int_eq(p->rules[1].jobs[0].after[0], 4);
	ck_assert_int_eq(p->rules[1].jobs[0].on_failure, ON_NOTE);
	ck_assert_int_eq(p->rules[1].jobs[1].on_failure, ON_REVIEW);
	ck_assert_int_eq(p->rules[1].match.max_size, -1);
	pipeline_drop(p);
}
END_TEST

#define MANY ((size_t)10000)

/* A rule of MANY steps: each waits for the next one, the last for what after says. */
static const struct pipeline *
chain(const char *after, struct pipeline_problems *problems)
{
	struct str text = STR_INIT(PIPELINE_BYTES_MAX);
	str_addf(&text, "{\"version\":1,\"rules\":[{\"name\":\"r\",\"jobs\":[");
	for (size_t i = 0; i + 1 < MANY; i++)
		str_addf(&text, "{\"step\":\"%zu\",\"kind\":\"k\",\"after\":[\"%zu\"]},", i, i + 1);
	str_addf(&text, "{\"step\":\"%zu\",\"kind\":\"k\",\"after\":[%s]}]}]}", MANY - 1, after);
	ck_assert(!text.failed);
	const struct pipeline *p = pipeline_parse(text.data, text.len, problems);
	str_free(&text);
	return p;
}

START_TEST(a_rule_may_have_many_steps)
{
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = chain("", &problems);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->rules[0].job_count, MANY);
	for (size_t i = 0; i + 1 < MANY; i++) {
		ck_assert_uint_eq(p->rules[0].jobs[i].after_count, 1);
		ck_assert_int_eq(p->rules[0].jobs[i].after[0], (int16_t)(i + 2));
	}
	ck_assert_uint_eq(p->rules[0].jobs[MANY - 1].after_count, 0);
	pipeline_drop(p);
}
END_TEST

/* What ends a chain of many steps, and what is wrong with that. */
static const struct {
	const char *after, *path, *message;
} ends[] = {
	{ "\"0\"", "rules[0].jobs[0].after", "step '0' waits for itself in a cycle" },
	{ "\"9999\"", "rules[0].jobs[0].after", "step '0' waits for itself in a cycle" },
	{ "\"10000\"", "rules[0].jobs[9999].after[0]", "'10000' is no step of this rule" },
};

START_TEST(many_steps_are_checked)
{
	struct pipeline_problems problems = { 0 };
	ck_assert_ptr_null(chain(ends[_i].after, &problems));
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].path, ends[_i].path);
	ck_assert_str_eq(problems.items[0].message, ends[_i].message);
	pipeline_problems_free(&problems);
}
END_TEST

START_TEST(same_content_same_hash)
{
	static const char one[] = "{\"version\":1,\"rules\":[],\"ignore\":[\"a\"]}";
	static const char two[] = " { \"ignore\" : [\"a\"],\n \"rules\":[], \"version\":1 }\n";
	static const char three[] = "{\"version\":1,\"rules\":[],\"ignore\":[\"b\"]}";
	struct pipeline_problems problems = { 0 };
	const struct pipeline *a = pipeline_parse(one, strlen(one), &problems);
	const struct pipeline *b = pipeline_parse(two, strlen(two), &problems);
	const struct pipeline *c = pipeline_parse(three, strlen(three), &problems);
	ck_assert(a && b && c);
	ck_assert_str_eq(a->body, "{\"ignore\":[\"a\"],\"rules\":[],\"version\":1}");
	ck_assert_str_eq(a->sha256, b->sha256);
	ck_assert_str_ne(a->sha256, c->sha256);
	ck_assert_uint_eq(strlen(a->sha256), 64);
	pipeline_drop(a);
	pipeline_drop(b);
	pipeline_drop(c);
}
END_TEST

START_TEST(shipped_file_is_right)
{
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = pipeline_read("deploy/pipeline.json", &problems);
	ck_assert_msg(p != NULL, "%s: %s", problems.count ? problems.items[0].path : "",
	              problems.count ? problems.items[0].message : "");
	ck_assert_ptr_eq(pipeline_hold(p), p);
	pipeline_drop(p);
	ck_assert_uint_eq(p->rule_count, 4);
	pipeline_drop(p);
}
END_TEST

START_TEST(missing_file)
{
	struct pipeline_problems problems = { 0 };
	ck_assert_ptr_null(pipeline_read("tests/no-such-file", &problems));
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].path, "");
	pipeline_problems_free(&problems);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pipeline");
	TCase *all = tcase_create("file");
	tcase_add_loop_test(all, refuses, 0, (int)ARRAY_LEN(wrong));
	tcase_add_test(all, warns_of_what_does_nothing);
	tcase_add_loop_test(all, knows_groups, 0, ARRAY_LEN(groups));
	tcase_add_test(all, lists_all_problems);
	tcase_add_test(all, stops_counting_problems);
	tcase_add_test(all, has_limits);
	tcase_add_test(all, takes_what_is_just_within);
	tcase_add_test(all, a_file_has_at_most_a_mebibyte);
	tcase_add_test(all, numbers_steps_over_all_rules);
	tcase_add_test(all, a_rule_may_have_many_steps);
	tcase_add_loop_test(all, many_steps_are_checked, 0, (int)ARRAY_LEN(ends));
	tcase_add_test(all, same_content_same_hash);
	tcase_add_test(all, shipped_file_is_right);
	tcase_add_test(all, missing_file);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
