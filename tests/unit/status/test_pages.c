/* test_pages.c -- the pages, rendered from fixtures of the database's JSON. Run in the repo's top.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "status/human.h"
#include "status/page.h"
#include "status/site.h"
#include "base/banned.h"

#define FIXTURES "tests/fixtures/status/"
#define NOW "2026-11-21T11:48:05.300000Z"

static struct json_doc *doc;
static struct str html = STR_INIT(PAGE_MAX);

static int64_t
now(void)
{
	int64_t us = 0;
	ck_assert(human_parse_time(NOW, &us));
	return us;
}

static struct json_doc *
parse(const char *text, size_t n)
{
	struct fault f = { 0 };
	struct json_doc *d = json_parse(text, n, 64, &f);
	ck_assert_msg(d != NULL, "%s", f.message);
	return d;
}

static void
load(const char *name)
{
	struct str path = STR_INIT(256);
	struct str text = STR_INIT(1 << 20);
	str_addf(&path, FIXTURES "%s", name);
	FILE *file = fopen(str_text(&path), "r");
	ck_assert_msg(file != NULL, "no %s: run in the repository's top", str_text(&path));
	char part[4096];
	for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
		str_addn(&text, part, n);
	fclose(file);
	doc = parse(str_text(&text), text.len);
	str_free(&text);
	str_free(&path);
}

static void
render_trace(const char *name)
{
	load(name);
	page_trace(&html, json_root(doc), now());
	ck_assert(!html.failed);
}

static void
set_up(void)
{
	str_reset(&html);
}

static void
tear_down(void)
{
	json_free(doc);
	doc = NULL;
	str_free(&html);
}

static void
has(const char *text)
{
	ck_assert_msg(strstr(str_text(&html), text) != NULL, "missing: %s\n%.1500s", text,
	              str_text(&html));
}

static void
has_not(const char *text)
{
	ck_assert_msg(strstr(str_text(&html), text) == NULL, "there is: %s", text);
}

START_TEST(a_ready_trace_answers_the_five_questions)
{
	render_trace("trace-ready.json");
	has("Ready 1.8 s after it arrived.");
	has("trace_01KAJ6ZJ0G4T8Q2M9V7N3XW5RC");
	has("title=\"2026-11-21T11:48:03.123456Z\"");
	has("id=\"job-extract-text\"");
	has("worker-5b8d-m4zt");
	has("pdftoppm: Syntax Error (1182): Illegal character &lt;2f&gt; in hex string");
	has("/t/trace_01KAJ6ZJ0G4T8Q2M9V7N3XW5RC/preview/2/page-1.png");
	has_not("data-live");
	has_not("http-equiv=\"refresh\"");
}
END_TEST

START_TEST(a_failed_trace_says_why)
{
	render_trace("trace-failed.json");
	has("Failed: <a href=\"#job-preview\">preview</a> failed after 4 attempts: not a document "
	    "that can be drawn.");
	has("It was skipped: a job that it needs did not succeed.");
	has("class=\"cut\"");
	has("<span class=\"esc\">\\x1b</span>[31mAborted");
}
END_TEST

START_TEST(a_running_trace_says_what_it_waits_for)
{
	render_trace("trace-running.json");
	has("Not ready yet, 1 of 5 jobs done: ");
	has("is tried again in 7.0 s");
	has("waits for <a href=\"#job-thumbnail\">thumbnail</a>, ");
	has("; and 1 more.");
	has("running for");
	has("data-live=\"1500\"");
	has("<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>");
}
END_TEST

START_TEST(a_failed_job_that_asks_for_a_review_is_named)
{
	static const char text[] =
		"{\"trace_id\": \"trace_01KAJ6ZJ0G4T8Q2M9V7N3XW5RC\", \"upload\": {\"state\": "
		"\"review\"}, \"jobs\": [{\"step\": \"scan\", \"required\": true, \"state\": "
		"\"failed\", \"on_failure\": \"review\", \"generation\": 1}, {\"step\": \"text\", "
		"\"required\": false, \"state\": \"failed\", \"on_failure\": \"note\"}]}";
	doc = parse(text, sizeof(text) - 1);
	page_trace(&html, json_root(doc), now());
	has("Somebody should look at it: <a href=\"#job-scan\">scan</a> failed after 0 attempts.");
	has("generation 1");
	has_not("; <a href=\"#job-text\">");
}
END_TEST

START_TEST(a_review_that_no_job_asked_for_ends_its_sentence)
{
	static const char text[] = "{\"upload\": {\"state\": \"review\"}, \"jobs\": []}";
	doc = parse(text, sizeof(text) - 1);
	page_trace(&html, json_root(doc), now());
	has("Somebody should look at it.");
}
END_TEST

START_TEST(a_rejected_trace_says_why)
{
	render_trace("trace-rejected.json");
	has("Rejected: It is named .pdf (application/pdf), but its content is text/plain.</p>");
	has_not("id=\"h-timeline\"");
}
END_TEST

START_TEST(a_cancelled_trace_says_by_whom_and_why)
{
	static const char text[] =
		"{\"trace_id\": \"trace_01KAJ6ZJ0G4T8Q2M9V7N3XW5RC\", \"upload\": {\"state\": "
		"\"cancelled\", \"reason\": \"cancelled\", \"detail\": \"by ann: <wrong> file\"}, "
		"\"jobs\": [{\"step\": \"scan\", \"required\": true, \"state\": \"cancelled\", "
		"\"attempts\": [{\"attempt\": 1, \"outcome\": \"cancelled\"}]}]}";
	doc = parse(text, sizeof(text) - 1);
	page_trace(&html, json_root(doc), now());
	has("<p class=\"lead\">Cancelled by ann: &lt;wrong&gt; file.</p>");
	has("It was cancelled.");
	has_not("data-live");
}
END_TEST

/* A tag, attribute or quote of the attacker's would show up as one of these. */
START_TEST(a_hostile_trace_stays_text)
{
	static const char *const never[] = {
		"<script>document", "<img src=x",   "<svg/onload",
		"\" onmouseover=",  "\xe2\x80\xae", "\x1b",
		"</title></style>", "<textarea",    "href=\"javascript"
	};
	render_trace("trace-hostile.json");
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		has_not(never[i]);
	has("\\u202e");
}
END_TEST

START_TEST(lists_stay_text_too)
{
	load("lists.json");
	page_home(&html, json_get(json_root(doc), "recent"), json_get(json_root(doc), "queues"),
	          now());
	page_dead(&html, json_get(json_root(doc), "dead"), "<kind>", now());
	page_workers(&html, json_get(json_root(doc), "workers"), now());
	page_search(&html, json_get(json_root(doc), "recent"), "<q>", now());
	page_not_found(&html, "<q>");
	page_message(&html, "<title>", "<text>", "<q>", 2);
	has_not("<script>document");
	has_not("<img src=x");
	has_not("<kind>");
	has_not("<q>");
	has_not("<text>");
	has("nobody works");
	has("millrace replay trace_01KAJ70V3D6H5B9EYS1CQM8PZA/preview");
}
END_TEST

/* Old or strange rows may lack anything. */
static const char *const odd[] = {
	"{}",
	"[]",
	"{\"trace_id\": 5, \"upload\": [], \"jobs\": {}}",
	"{\"upload\": {\"state\": \"new\", \"received_at\": \"soon\"}, \"jobs\": [{}, null, 7]}",
	"{\"upload\": {\"state\": \"routed\", \"received_at\": \"2026-11-21T11:48:03Z\"}, "
	"\"jobs\": "
	"[{\"state\": \"waiting\", \"after\": [null, \"x\"], \"attempts\": [{}, null, "
	"{\"finished_at\": "
	"\"2020-01-01T00:00:00Z\", \"started_at\": \"2030-01-01T00:00:00Z\"}], \"outputs\": [{}, "
	"null], "
	"\"result\": {\"a\": null}}]}",
};

START_TEST(odd_traces_are_shown_as_far_as_can_be)
{
	doc = parse(odd[_i], strlen(odd[_i]));
	page_trace(&html, json_root(doc), now());
	ck_assert(!html.failed);
	has("</html>");
	has_not("-9223372036854");
}
END_TEST

START_TEST(a_big_tree_stays_small_enough)
{
	struct str text = STR_INIT(8 << 20);
	str_add(&text, "{\"trace_id\": \"t\", \"upload\": {\"state\": \"failed\"}, \"jobs\": [");
	for (int i = 0; i < 10000; i++)
		str_addf(&text, "%s{\"step\": \"s%d\", \"state\": \"%s\", \"attempts\": []}",
		         i ? "," : "", i, i == 9999 ? "failed" : "done");
	str_add(&text, "]}");
	doc = parse(str_text(&text), text.len);
	str_free(&text);
	page_trace(&html, json_root(doc), now());
	has("id=\"job-s9999\"");
	has("9500 more jobs are left out here");
	ck_assert_uint_lt(html.len, 1 << 20);
}
END_TEST

START_TEST(depth_has_every_known_series)
{
	load("lists.json");
	depth_write(&html, json_get(json_root(doc), "queues"));
	has("millrace_database_up 1\n");
	has("millrace_jobs{kind=\"preview\",state=\"queued\"} 12\n");
	has("millrace_jobs{kind=\"exif\",state=\"waiting\"} 0\n");
	has("millrace_jobs{kind=\"exif\",state=\"dead\"} 1\n");
	has("millrace_jobs_oldest_ready_timestamp_seconds{kind=\"exif\"} 0.000000\n");
	has("millrace_workers{kind=\"moderate\"} 0\n");
}
END_TEST

START_TEST(depth_says_that_the_database_is_away)
{
	depth_write(&html, NULL);
	has("millrace_database_up 0\n");
	has_not("millrace_jobs");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pages");
	TCase *t = tcase_create("pages");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_ready_trace_answers_the_five_questions);
	tcase_add_test(t, a_failed_trace_says_why);
	tcase_add_test(t, a_failed_job_that_asks_for_a_review_is_named);
	tcase_add_test(t, a_review_that_no_job_asked_for_ends_its_sentence);
	tcase_add_test(t, a_running_trace_says_what_it_waits_for);
	tcase_add_test(t, a_rejected_trace_says_why);
	tcase_add_test(t, a_cancelled_trace_says_by_whom_and_why);
	tcase_add_test(t, a_hostile_trace_stays_text);
	tcase_add_test(t, lists_stay_text_too);
	tcase_add_loop_test(t, odd_traces_are_shown_as_far_as_can_be, 0, (int)ARRAY_LEN(odd));
	tcase_add_test(t, a_big_tree_stays_small_enough);
	tcase_add_test(t, depth_has_every_known_series);
	tcase_add_test(t, depth_says_that_the_database_is_away);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
