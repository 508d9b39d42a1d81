/* test_timeline.c -- the waterfall's bars, the words for states, and the queues' depth. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "status/human.h"
#include "status/site.h"
#include "status/view.h"
#include "status/words.h"
#include "base/banned.h"

#define DAY(time) "\"2026-11-21T" time "Z\""

static struct str html = STR_INIT(1 << 20);

static const char *now = "2026-11-21T00:00:20Z";

static void
draw(const char *text)
{
	struct fault f = { 0 };
	int64_t now_us = 0;
	CLEANUP(json_freep) struct json_doc *doc = json_parse(text, strlen(text), 64, &f);
	ck_assert_msg(doc != NULL, "%s", f.message);
	ck_assert(human_parse_time(now, &now_us));
	str_reset(&html);
	timeline_html(&html, json_root(doc), now_us);
}

static void
has(const char *text)
{
	ck_assert_msg(strstr(str_text(&html), text) != NULL, "missing: %s in %s", text,
	              str_text(&html));
}

static size_t
count(const char *text)
{
	size_t n = 0;
	for (const char *p = str_text(&html); (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* Ten seconds, so that each is a tenth of the width. */
#define UPLOAD(jobs)                                                                               \
	"{\"upload\":{\"state\":\"ready\",\"received_at\":" DAY("00:00:00") ",\"routed_at\":" DAY( \
		"00:00:01") ",\"finished_at\":" DAY("00:00:10") "},\"jobs\":[" jobs "]}"
#define TRY(from, to, outcome)                                                                     \
	"{\"started_at\":" DAY(from) ",\"finished_at\":" DAY(to) ",\"outcome\":\"" outcome "\"}"
#define JOB(step, created, attempts)                                                               \
	"{\"step\":\"" step "\",\"state\":\"done\",\"created_at\":" DAY(                           \
		created) ",\"finished_at\":" DAY("00:00:10") ",\"attempts\":[" attempts "]}"

#define TURNED_BACK                                                                                \
	"{\"started_at\":" DAY(                                                                    \
		"00:00:05") ",\"finished_at\":\"2020-01-01T00:00:00Z\",\"outcome\":\"error\"}"
#define LONG TRY("00:00:01", "00:00:10", "done")
#define SECOND TRY("00:00:00", "00:00:01", "error")
#define INSTANT TRY("01:00:00", "01:00:00.020", "error")
#define ANOTHER TRY("02:00:00", "02:00:01", "done")

START_TEST(bars_are_where_the_time_went)
{
	draw(UPLOAD(
		JOB("a", "00:00:01",
	            TRY("00:00:02", "00:00:04", "error") "," TRY("00:00:06", "00:00:10", "done"))));
	has("<rect class=\"wait\" x=\"0.00%\" width=\"10.00%\"/>"); /* the upload's own */
	has("<rect class=\"whole\" x=\"10.00%\" width=\"90.00%\"/>");
	has("<rect class=\"wait\" x=\"10.00%\" width=\"10.00%\"/>");
	has("<rect class=\"warn\" x=\"20.00%\" width=\"20.00%\"/>");
	has("<rect class=\"over\" fill=\"url(#hatch)\" x=\"20.00%\" width=\"20.00%\"/>");
	has("<rect class=\"wait\" x=\"40.00%\" width=\"20.00%\"/>");
	has("<rect class=\"good\" x=\"60.00%\" width=\"40.00%\"/>");
	has("a: waited 3.0 s, ran 6.0 s, done");
	has("<span class=\"tl-took\">10.0 s</span>");
	ck_assert_uint_eq(count("url(#hatch)"), 1);
	ck_assert_uint_eq(count("class=\"wait\" x"), 3);
}
END_TEST

START_TEST(the_shortest_run_is_seen_at_the_end)
{
	draw(UPLOAD(JOB("a", "00:00:09.999", TRY("00:00:09.999", "00:00:10", "permanent"))));
	has("<rect class=\"bad\" x=\"99.50%\" width=\"0.50%\"/>");
	ck_assert_uint_eq(count("url(#hatch)"), 1);
	ck_assert_uint_eq(count("class=\"wait\" x"), 1);
}
END_TEST

START_TEST(clocks_that_disagree_do_not_stretch_it)
{
	draw(UPLOAD(JOB("a", "00:00:01", TURNED_BACK) "," JOB("b", "00:00:01", LONG)));
	has("<rect class=\"whole\" x=\"10.00%\" width=\"90.00%\"/>");
	has("<rect class=\"warn\" x=\"50.00%\" width=\"0.50%\"/>");
}
END_TEST

/* Of three parts the second is so short that its label would be on the third's. */
START_TEST(labels_do_not_cover_each_other)
{
	now = "2026-11-21T02:00:01Z";
	draw("{\"upload\":{\"received_at\":" DAY("00:00:00") "},\"jobs\":[" JOB(
		"a", "00:00:00", SECOND "," INSTANT "," ANOTHER) "]}");
	ck_assert_uint_eq(count("class=\"cut\""), 4); /* in both rows */
	ck_assert_uint_eq(count("text-anchor"), 2);
}
END_TEST

START_TEST(states_are_final_or_not)
{
	static const struct {
		const char *name;
		bool final;
	} uploads[] = { { "expected", false }, { "accepted", false }, { "routed", false },
		        { "ready", true },     { "review", true },    { "failed", true },
		        { "rejected", true },  { "ignored", true },   { "skipped", true },
		        { "cancelled", true }, { "expired", true } },
	  jobs[] = { { "waiting", false },  { "queued", false }, { "running", false },
		     { "retrying", false }, { "done", true },    { "failed", true },
		     { "cancelled", true }, { "skipped", true } };
	static const char *const outcomes[] = { "error",     "permanent",   "timeout",
		                                "crash",     "lost",        "snoozed",
		                                "cancelled", "interrupted", "source_gone",
		                                "superseded" };
	for (size_t i = 0; i < ARRAY_LEN(uploads); i++) {
		const struct word *w = word_of_upload(uploads[i].name);
		ck_assert_str_eq(w->name, uploads[i].name);
		ck_assert_msg(w->final == uploads[i].final, "%s", w->name);
		ck_assert_int_eq(strcmp(w->tone, "good") == 0, strcmp(w->name, "ready") == 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		const struct word *w = word_of_job(jobs[i].name);
		ck_assert_str_eq(w->name, jobs[i].name);
		ck_assert_msg(w->final == jobs[i].final, "%s", w->name);
		ck_assert_int_eq(strcmp(w->tone, "good") == 0, strcmp(w->name, "done") == 0);
	}
	ck_assert_str_eq(word_of_outcome("done")->tone, "good");
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		ck_assert_str_eq(word_of_outcome(outcomes[i])->name, outcomes[i]);
		ck_assert_str_ne(word_of_outcome(outcomes[i])->tone, "good");
	}
	ck_assert_str_eq(word_of_outcome(NULL)->name, "running");
	ck_assert_str_eq(word_of_job("new")->name, "unknown");
}
END_TEST

START_TEST(every_reason_is_explained)
{
	static const char *const reasons[] = { "superseded", "source_gone", "dependency", "size",
		                               "type",       "no_rule",     "bucket" };
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		ck_assert_msg(word_of_reason(reasons[i]) != NULL, "%s", reasons[i]);
	ck_assert_ptr_null(word_of_reason("new"));
	ck_assert_ptr_null(word_of_reason(NULL));
}
END_TEST

START_TEST(depth_of_an_odd_kind)
{
	static const char text[] = "{\"queues\":[{\"kind\":\"a\\\"b\\\\c\\ne\",\"oldest_at\":" DAY(
		"11:48:03.120045") ",\"retrying\":3,\"workers\":2}]}";
	struct fault f = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = json_parse(text, strlen(text), 64, &f);
	ck_assert_msg(doc != NULL, "%s", f.message);
	str_reset(&html);
	depth_write(&html, json_root(doc));
#define KIND "kind=\"a\\\"b\\\\c\\ne\""
	has("millrace_jobs{" KIND ",state=\"retrying\"} 3\n");
	has("millrace_jobs_oldest_ready_timestamp_seconds{" KIND "} 1795261683.120045\n");
	has("millrace_workers{" KIND "} 2\n");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		bars_are_where_the_time_went,
		the_shortest_run_is_seen_at_the_end,
		clocks_that_disagree_do_not_stretch_it,
		labels_do_not_cover_each_other,
		states_are_final_or_not,
		every_reason_is_explained,
		depth_of_an_odd_kind,
	};
	Suite *s = suite_create("timeline");
	TCase *t = tcase_create("timeline");
	suite_add_tcase(s, t);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(t, tests[i]);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
