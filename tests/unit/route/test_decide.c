/* test_decide.c -- what becomes of an upload: the shipped pipeline and small ones. */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "route/decide.h"
#include "base/banned.h"

static struct arena *arena;
static const struct pipeline *pipeline;
static struct decide_limits limits;

static const struct pipeline *
parse(const char *text)
{
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = pipeline_parse(text, strlen(text), &problems);
	ck_assert_msg(p != NULL, "%s", problems.count ? problems.items[0].message : "");
	return p;
}

static void
setup(void)
{
	struct pipeline_problems problems = { 0 };
	arena = arena_new(1u << 20);
	pipeline = pipeline_read("deploy/pipeline.json", &problems);
	ck_assert_ptr_nonnull(pipeline);
	limits = (struct decide_limits){ .max_size = 1000 };
}

static void
teardown(void)
{
	pipeline_drop(pipeline);
	arena_free(arena);
}

static struct decide_facts
file(const char *key, const char *head)
{
	return (struct decide_facts){ .bucket = "in",
		                      .key = key,
		                      .size = head ? (int64_t)strlen(head) : 100,
		                      .head = head,
		                      .head_n = head ? strlen(head) : 0 };
}

static void
expect(const struct decide_facts *facts, enum route_outcome outcome, const char *what)
{
	struct decision d = decide(pipeline, &limits, facts, arena);
	ck_assert_int_eq(d.need, NEED_NOTHING);
	ck_assert_msg(d.outcome == outcome, "%s: outcome %d, reason %s", facts->key, d.outcome,
	              d.reason ? d.reason : "none");
	if (outcome == ROUTE_EXPAND)
		ck_assert_str_eq(pipeline->rules[d.rule_no].name, what);
	else
		ck_assert_str_eq(d.reason, what);
}

START_TEST(expands_by_content)
{
	struct decide_facts pdf = file("a/report.pdf", "%PDF-1.4\n...");
	struct decide_facts invoice = file("a/invoice 7.PDF", "%PDF-1.4\n...");
	struct decide_facts nameless = file("upload-17", "%PDF-1.4\n...");
	struct decide_facts jpeg = file("a.jpeg", "\xff\xd8\xff\xe0 JFIF");
	struct decide_facts csv = file("t.csv", "a,b\n1,2\n");
	struct decide_facts empty = file("t.csv", "");
	expect(&pdf, ROUTE_EXPAND, "pdf");
	expect(&invoice, ROUTE_EXPAND, "invoice");
	expect(&nameless, ROUTE_EXPAND, "pdf");
	expect(&jpeg, ROUTE_EXPAND, "image");
	expect(&csv, ROUTE_EXPAND, "csv");
	expect(&empty, ROUTE_EXPAND, "csv");
}
END_TEST

START_TEST(text_named_pdf)
{
	struct decide_facts facts = file("liar.pdf", "I am but text.\n");
	struct decision d = decide(pipeline, &limits, &facts, arena);
	ck_assert_int_eq(d.outcome, ROUTE_REJECTED);
	ck_assert_str_eq(d.reason, "type");
	ck_assert_str_eq(d.detail,
	                 "It is named .pdf (application/pdf), but its content is text/plain.");
	ck_assert_str_eq(d.sniffed_type, "text/plain");
	ck_assert_int_eq(d.rule_no, -1);
}
END_TEST

START_TEST(declared_type_counts_too)
{
	struct decide_facts facts = file("x", "%PDF-1.4");
	facts.content_type = "image/png";
	struct decision d = decide(pipeline, &limits, &facts, arena);
	ck_assert_str_eq(d.reason, "type");
	ck_assert_str_eq(d.detail,
	                 "It is declared as image/png, but its content is application/pdf.");
}
END_TEST

START_TEST(empty_pdf)
{
	struct decide_facts facts = file("x.pdf", NULL);
	facts.size = 0; /* so the event says; the store has the last word */
	ck_assert_int_eq(decide(pipeline, &limits, &facts, arena).need, NEED_HEAD);
	facts.head = "";
	struct decision d = decide(pipeline, &limits, &facts, arena);
	ck_assert_str_eq(d.reason, "type");
	ck_assert_str_eq(d.detail,
	                 "It is named .pdf (application/pdf), but its content is nothing.");
}
END_TEST

START_TEST(temporary_files_are_ignored)
{
	static const char *const keys[] = { "x.tmp", "a/b/x.tmp",   "a/~$x.docx", "folder/",
		                            "x~",    "d/.~lock.a#", ".DS_Store",  "a/Thumbs.db" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct decide_facts facts = file(keys[i], NULL);
		struct decision d = decide(pipeline, &limits, &facts, arena);
		ck_assert_msg(d.need == NEED_NOTHING && d.outcome == ROUTE_IGNORED, "%s", keys[i]);
		ck_assert_ptr_nonnull(d.reason);
	}
}
END_TEST

START_TEST(no_rule)
{
	struct decide_facts facts = file("x.bin", "\1\2\3");
	expect(&facts, ROUTE_REJECTED, "no_rule");
}
END_TEST

START_TEST(buckets_come_first)
{
	static const char *const allowed[] = { "other" };
	struct decide_facts facts = file("x.tmp", NULL);
	limits.buckets = allowed;
	limits.bucket_count = 1;
	expect(&facts, ROUTE_REJECTED, "bucket");
	facts.bucket = "other";
	expect(&facts, ROUTE_IGNORED, "**/*.tmp");
}
END_TEST

START_TEST(asks_only_for_what_it_needs)
{
	const struct pipeline *p = parse(
		"{\"version\":1,\"rules\":[{\"name\":\"a\",\"match\":{\"suffix\":\".a\"},\"jobs\":["
		"]},"
		"{\"name\":\"t\",\"match\":{\"bucket\":\"b\",\"type\":\"text/*\"},\"jobs\":[]}]}");
	struct decide_facts facts = file("x.a", NULL);
	ck_assert_int_eq(decide(p, &limits, &facts, arena).outcome, ROUTE_EXPAND);
	facts.size = -1;
	ck_assert_int_eq(decide(p, &limits, &facts, arena).need, NEED_SIZE);
	facts.key = "x.b"; /* another bucket: the type does not matter */
	ck_assert_int_eq(decide(p, &limits, &facts, arena).need, NEED_NOTHING);
	facts.bucket = "b";
	ck_assert_int_eq(decide(p, &limits, &facts, arena).need, NEED_HEAD);
	facts.head = "text";
	facts.head_n = 4;
	ck_assert_int_eq(decide(p, &limits, &facts, arena).need, NEED_SIZE);
	facts.size = 4;
	ck_assert_int_eq(decide(p, &limits, &facts, arena).rule_no, 1);
	pipeline_drop(p);
}
END_TEST

START_TEST(sizes)
{
	const struct pipeline *p =
		parse("{\"version\":1,\"rules\":[{\"name\":\"big\",\"match\":{\"suffix\":\".big\","
	              "\"max_size\":5000},\"jobs\":[]},{\"name\":\"all\",\"jobs\":[]}]}");
	struct decide_facts facts = file("x.big", NULL);
	facts.size = 5000;
	ck_assert_int_eq(decide(p, &limits, &facts, arena).outcome, ROUTE_EXPAND);
	facts.size = 5001; /* no fall through to the next rule */
	struct decision d = decide(p, &limits, &facts, arena);
	ck_assert_str_eq(d.reason, "size");
	ck_assert_str_eq(d.detail, "It has 5001 bytes, more than the 5000 that rule big takes.");
	facts = file("x", NULL);
	facts.size = 1000;
	ck_assert_int_eq(decide(p, &limits, &facts, arena).outcome, ROUTE_EXPAND);
	facts.size = 1001;
	ck_assert_str_eq(decide(p, &limits, &facts, arena).reason, "size");
	pipeline_drop(p);
}
END_TEST

START_TEST(metadata)
{
	const struct pipeline *p =
		parse("{\"version\":1,\"rules\":[{\"name\":\"m\",\"match\":{\"metadata\":{\"team\":"
	              "\"red\",\"x\":\"1\"}},\"jobs\":[]}]}");
	struct decide_facts facts = file("x", NULL);
	ck_assert_str_eq(decide(p, &limits, &facts, arena).reason, "no_rule");
	facts.metadata = "{\"team\":\"red\"}";
	ck_assert_str_eq(decide(p, &limits, &facts, arena).reason, "no_rule");
	facts.metadata = "{\"team\":\"red\",\"x\":\"1\",\"y\":\"2\"}";
	ck_assert_int_eq(decide(p, &limits, &facts, arena).outcome, ROUTE_EXPAND);
	facts.metadata = "not json";
	ck_assert_str_eq(decide(p, &limits, &facts, arena).reason, "no_rule");
	pipeline_drop(p);
}
END_TEST

START_TEST(first_match_wins)
{
	const struct pipeline *p = parse(
		"{\"version\":1,\"rules\":[{\"name\":\"a\",\"match\":{\"key\":[\"x/**\",\"y/*\"]},"
		"\"jobs\":[]},{\"name\":\"b\",\"jobs\":[]}]}");
	struct decide_facts facts = file("y/z", NULL);
	ck_assert_int_eq(decide(p, &limits, &facts, arena).rule_no, 0);
	facts.key = "y/z/z";
	ck_assert_int_eq(decide(p, &limits, &facts, arena).rule_no, 1);
	pipeline_drop(p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("decide");
	TCase *all = tcase_create("uploads");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, expands_by_content);
	tcase_add_test(all, text_named_pdf);
	tcase_add_test(all, declared_type_counts_too);
	tcase_add_test(all, empty_pdf);
	tcase_add_test(all, temporary_files_are_ignored);
	tcase_add_test(all, no_rule);
	tcase_add_test(all, buckets_come_first);
	tcase_add_test(all, asks_only_for_what_it_needs);
	tcase_add_test(all, sizes);
	tcase_add_test(all, metadata);
	tcase_add_test(all, first_match_wins);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
