/* list_pages.c -- the pages that list: newest uploads, what a search found, the dead, the workers.
 */
#include "status/page.h"

#include <inttypes.h>

#include "status/html.h"
#include "status/human.h"
#include "status/view.h"
#include "status/words.h"
#include "base/banned.h"

static void
add_upload_link(struct str *out, const struct json *upload)
{
	str_add(out, "<a class=\"main-link\" href=\"/t/");
	html_segment(out, view_text(upload, "trace_id"));
	str_add(out, "\"><bdi>");
	html_text(out, view_text(upload, "key"));
	str_add(out, "</bdi></a>");
}

static void
add_upload(struct str *out, const struct json *upload, int64_t now_us)
{
	const char *state = view_text(upload, "state");
	int64_t total = view_int(upload, "jobs_total", 0);
	str_add(out, "<li class=\"row\">");
	word_badge(out, word_of_upload(state), state);
	str_add(out, "<span class=\"grow\">");
	add_upload_link(out, upload);
	str_add(out, "<span class=\"soft\">");
	html_text(out, view_text(upload, "bucket"));
	if (json_type(json_get(upload, "size")) == JSON_INT_) {
		str_add(out, " · ");
		human_size_html(out, view_int(upload, "size", 0));
	}
	if (total > 0)
		str_addf(out, " · %" PRId64 " of %" PRId64 " jobs done",
		         view_int(upload, "jobs_done", 0), total);
	str_add(out, "</span></span><span class=\"soft when\">");
	human_ago_html(out, view_text(upload, "received_at"), now_us);
	str_add(out, "</span></li>\n");
}

static void
add_uploads(struct str *out, const struct json *uploads, int64_t now_us)
{
	str_add(out, "<ul class=\"rows\">\n");
	for (size_t i = 0; i < json_count(uploads); i++)
		add_upload(out, json_at(uploads, i), now_us);
	str_add(out, "</ul>\n");
}

void
page_home(struct str *out, const struct json *recent, const struct json *queues, int64_t now_us)
{
	const struct json *uploads = json_get(recent, "uploads");
	const struct page p = {
		.title = "Uploads",
		.section = PAGE_UPLOADS,
		.live_ms = 2000,
		.search_in_page = true,
	};
	page_begin(out, &p);
	str_add(out,
	        "<section aria-labelledby=\"h-recent\"><h1 id=\"h-recent\">Newest uploads</h1>\n");
	if (json_count(uploads) > 0)
		add_uploads(out, uploads, now_us);
	else
		page_empty(out, "No upload has arrived yet.");
	str_add(out, "</section>\n<section aria-labelledby=\"h-queues\">"
	             "<h2 id=\"h-queues\">Queues</h2>\n");
	queues_html(out, queues, now_us);
	str_add(out, "</section>\n");
	page_end(out);
}

void
page_search(struct str *out, const struct json *found, const char *query, int64_t now_us)
{
	const struct json *results = json_get(found, "results");
	size_t n = json_count(results);
	const struct page p = { .title = "Search", .section = PAGE_NONE, .query = query };
	page_begin(out, &p);
	str_addf(out, "<h1>%zu uploads match</h1>\n<p class=\"lead soft\">", n);
	html_text(out, query);
	str_add(out, "</p>\n");
	add_uploads(out, results, now_us);
	page_end(out);
}

void
page_not_found(struct str *out, const char *query)
{
	const struct page p = { .title = "Not found", .section = PAGE_NONE, .query = query };
	page_begin(out, &p);
	str_add(out, "<h1>Nothing is known by that name</h1>\n<p class=\"lead\"><code>");
	html_text(out, query);
	str_add(out, "</code></p>\n<p>What can be looked for:</p>\n<ul class=\"hints\">"
	             "<li>a trace ID: <code>trace_</code> and 26 letters and digits, or its 32 "
	             "hexadecimal digits, in any case;</li>"
	             "<li>a bucket and a whole key, letter for letter: "
	             "<code>invoices/2026/0042.pdf</code>;</li>"
	             "<li>the trace ID that the sender gave.</li></ul>\n"
	             "<p>A file that was uploaded a moment ago appears as soon as its notification "
	             "arrives; <a href=\"/\">the newest uploads</a> show whether it has.</p>\n");
	page_end(out);
}

static void
add_dead_job(struct str *out, const struct json *job, int64_t now_us)
{
	const char *class = view_text(job, "error_class");
	int64_t attempts = view_int(job, "attempts", 0);
	str_add(out, "<li class=\"row\"><span class=\"grow\"><a class=\"main-link\" href=\"/t/");
	html_segment(out, view_text(job, "trace_id"));
	str_add(out, "#job-");
	html_segment(out, view_text(job, "step"));
	str_add(out, "\"><bdi>");
	html_text(out, view_text(job, "key"));
	str_add(out, "</bdi></a><span class=\"soft\">");
	html_text(out, view_text(job, "bucket"));
	str_add(out, " · ");
	html_text(out, view_text(job, "step"));
	if (!view_is(job, "kind", view_word(job, "step"))) {
		str_add(out, " (");
		html_text(out, view_text(job, "kind"));
		str_add(out, ")");
	}
	str_addf(out, " · %" PRId64 " attempt%s</span><span class=\"error\">", attempts,
	         attempts == 1 ? "" : "s");
	if (class) {
		str_add(out, "<code>");
		html_text(out, class);
		str_add(out, "</code> ");
	}
	html_text(out, view_text(job, "error"));
	str_add(out, "</span><span class=\"soft\">to run it again: <code class=\"copy\">millrace "
	             "replay ");
	html_text(out, view_text(job, "job_id"));
	str_add(out, "</code></span></span><span class=\"soft when\">");
	human_ago_html(out, view_text(job, "died_at"), now_us);
	str_add(out, "</span></li>\n");
}

void
page_dead(struct str *out, const struct json *dead, const char *kind, int64_t now_us)
{
	const struct json *jobs = json_get(dead, "dead");
	const struct page p = {
		.title = "Dead letters",
		.section = PAGE_DEAD,
		.live_ms = 5000,
		.reload_s = 10,
	};
	page_begin(out, &p);
	str_add(out, "<h1>Dead letters</h1>\n");
	if (kind) {
		str_add(out, "<p class=\"lead soft\">of kind ");
		html_text(out, kind);
		str_add(out, ", <a href=\"/dead\">show all</a></p>\n");
	}
	if (json_count(jobs) == 0)
		page_empty(out, "No job is dead.");
	str_add(out, "<ul class=\"rows\">\n");
	for (size_t i = 0; i < json_count(jobs); i++)
		add_dead_job(out, json_at(jobs, i), now_us);
	str_add(out, "</ul>\n");
	page_end(out);
}

static void
add_worker(struct str *out, const struct json *worker, int64_t now_us)
{
	const struct json *kinds = json_get(worker, "kinds");
	str_add(out, "<li class=\"row\"><span class=\"grow\"><span class=\"main-link\">");
	html_text(out, view_text(worker, "worker"));
	str_add(out, "</span><span class=\"soft\">");
	for (size_t i = 0; i < json_count(kinds); i++) {
		str_add(out, i ? ", " : "");
		view_html(out, json_at(kinds, i));
	}
	str_add(out, " · host ");
	html_text(out, view_text(worker, "host"));
	str_add(out, " · version ");
	html_text(out, view_text(worker, "version"));
	str_addf(out,
	         "</span></span><span class=\"num\">%" PRId64 " of %" PRId64
	         " slots busy</span><span class=\"soft when\">seen ",
	         view_int(worker, "running", 0), view_int(worker, "slots", 0));
	human_ago_html(out, view_text(worker, "seen_at"), now_us);
	str_add(out, ", up ");
	int64_t since = view_time(worker, "started_at");
	human_duration(out, since == VIEW_NEVER ? 0 : now_us - since);
	str_add(out, "</span></li>\n");
}

void
page_workers(struct str *out, const struct json *workers, int64_t now_us)
{
	const struct json *list = json_get(workers, "workers");
	const struct page p = {
		.title = "Workers",
		.section = PAGE_WORKERS,
		.live_ms = 2000,
		.reload_s = 5,
	};
	page_begin(out, &p);
	str_add(out, "<h1>Workers</h1>\n");
	if (json_count(list) == 0)
		page_empty(out, "No worker is alive: nothing will run until one is started.");
	str_add(out, "<ul class=\"rows\">\n");
	for (size_t i = 0; i < json_count(list); i++)
		add_worker(out, json_at(list, i), now_us);
	str_add(out, "</ul>\n");
	page_end(out);
}
