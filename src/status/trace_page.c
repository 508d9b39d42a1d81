/* trace_page.c -- the page of one upload: the parent on top, its children below. */
#include "status/page.h"

#include <inttypes.h>
#include <string.h>

#include "status/html.h"
#include "status/human.h"
#include "status/view.h"
#include "status/words.h"
#include "base/banned.h"

static const char *
file_name(const char *key)
{
	const char *slash = strrchr(key, '/');
	return slash && slash[1] ? slash + 1 : key;
}

static void
open_fact(struct str *out, const char *name, bool wide)
{
	str_addf(out, "<div%s><dt>%s</dt><dd>", wide ? " class=\"wide\"" : "", name);
}

static void
close_fact(struct str *out)
{
	str_add(out, "</dd></div>\n");
}

/* Left out when there is no value. */
static void
add_fact(struct str *out, const char *name, const struct json *value)
{
	if (json_type(value) == JSON_MISSING_ || json_type(value) == JSON_NULL_)
		return;
	const char *text = json_text(value);
	bool is_long = text && strlen(text) > 20;
	open_fact(out, name, false);
	str_add(out, is_long ? "<span class=\"long\">" : "");
	view_html(out, value);
	str_add(out, is_long ? "</span>" : "");
	close_fact(out);
}

static void
add_time_fact(struct str *out, const char *name, const char *rfc3339, int64_t now_us)
{
	if (!rfc3339)
		return;
	open_fact(out, name, false);
	human_time_html(out, rfc3339, now_us);
	close_fact(out);
}

static void
add_identity(struct str *out, const char *trace_id, const struct json *upload)
{
	open_fact(out, "Trace ID", true);
	str_add(out, "<code class=\"copy\" id=\"trace-id\">");
	html_text(out, trace_id);
	str_add(out, "</code>");
	close_fact(out);
	open_fact(out, "Bucket and key", true);
	str_add(out, "<span class=\"copy\"><bdi>");
	html_text(out, view_text(upload, "bucket"));
	str_add(out, "</bdi>/<bdi>");
	html_text(out, view_text(upload, "key"));
	str_add(out, "</bdi></span>");
	close_fact(out);
}

static void
add_type(struct str *out, const struct json *upload)
{
	const char *declared = view_text(upload, "content_type");
	const char *sniffed = view_text(upload, "sniffed_type");
	if (!declared && !sniffed)
		return;
	open_fact(out, "Type", false);
	html_text(out, sniffed ? sniffed : declared);
	if (sniffed && declared && strcmp(sniffed, declared) != 0) {
		str_add(out, " <span class=\"soft\">declared ");
		html_text(out, declared);
		str_add(out, "</span>");
	} else
		str_add(out, sniffed ? "" : " <span class=\"soft\">as declared</span>");
	close_fact(out);
}

static void
add_took(struct str *out, const struct json *upload, int64_t now_us)
{
	int64_t from = view_time(upload, "received_at");
	int64_t to = view_time(upload, "finished_at");
	if (from == VIEW_NEVER)
		return;
	open_fact(out, to == VIEW_NEVER ? "So far" : "Took", false);
	human_duration(out, (to == VIEW_NEVER ? now_us : to) - from);
	close_fact(out);
}

static void
add_facts(struct str *out, const char *trace_id, const struct json *upload, int64_t now_us)
{
	str_add(out, "<dl class=\"facts\">\n");
	add_identity(out, trace_id, upload);
	if (json_type(json_get(upload, "size")) == JSON_INT_) {
		open_fact(out, "Size", false);
		human_size_html(out, view_int(upload, "size", 0));
		close_fact(out);
	}
	add_type(out, upload);
	add_time_fact(out, "Received", view_text(upload, "received_at"), now_us);
	add_time_fact(out, "Finished", view_text(upload, "finished_at"), now_us);
	add_took(out, upload, now_us);
	add_fact(out, "Store", json_get(upload, "store"));
	add_fact(out, "Rule", json_get(upload, "rule"));
	add_fact(out, "Pipeline", json_get(upload, "pipeline"));
	add_fact(out, "Version", json_get(upload, "version_id"));
	add_fact(out, "ETag", json_get(upload, "etag"));
	add_fact(out, "Sender's trace ID", json_get(upload, "client_trace_id"));
	add_fact(out, "Reason", json_get(upload, "reason"));
	if (view_int(upload, "generation", 0) > 1)
		add_fact(out, "Generation", json_get(upload, "generation"));
	if (view_text(upload, "parent_trace_id")) {
		open_fact(out, "Part of", false);
		str_add(out, "<a href=\"/t/");
		html_segment(out, view_text(upload, "parent_trace_id"));
		str_add(out, "\">");
		html_text(out, view_text(upload, "parent_trace_id"));
		str_add(out, "</a>");
		close_fact(out);
	}
	str_add(out, "</dl>\n");
}

static void
add_parent(struct str *out, const struct json *trace, int64_t now_us)
{
	const struct json *upload = json_get(trace, "upload");
	const struct word *w = word_of_upload(view_word(upload, "state"));
	str_addf(out,
	         "<section class=\"card parent\" data-tone=\"%s\">\n<div class=\"title\"><h1><bdi>",
	         w->tone);
	html_text(out, file_name(view_word(upload, "key")));
	str_add(out, "</bdi></h1>");
	word_badge(out, w, view_text(upload, "state"));
	str_add(out, "</div>\n<p class=\"lead\">");
	why_html(out, trace, now_us);
	str_add(out, "</p>\n");
	add_facts(out, view_word(trace, "trace_id"), upload, now_us);
	str_add(out, "</section>\n");
}

static void
add_children(struct str *out, const struct json *trace, int64_t now_us)
{
	const struct json *jobs = json_get(trace, "jobs");
	size_t n = json_count(jobs);
	struct view_budget budget = view_budget(jobs);
	size_t shown = 0;
	if (n == 0)
		return;
	str_addf(out, "<section aria-labelledby=\"h-jobs\"><h2 id=\"h-jobs\">%zu job%s</h2>\n", n,
	         n == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++) {
		if (!view_job_shown(json_at(jobs, i), &budget))
			continue;
		job_html(out, view_word(trace, "trace_id"), json_at(jobs, i), jobs, now_us);
		shown++;
	}
	if (shown < n)
		str_addf(out,
		         "<p class=\"soft\">%zu more jobs are left out here; the JSON "
		         "has all.</p>\n",
		         n - shown);
	str_add(out, "</section>\n");
}

static void
add_elsewhere(struct str *out, const char *trace_id)
{
	str_add(out, "<footer class=\"elsewhere\"><a href=\"/api/v1/traces/");
	html_segment(out, trace_id);
	str_add(out,
	        "\">This page as JSON</a><span>in a shell: <code class=\"copy\">millrace trace ");
	html_text(out, trace_id);
	str_add(out, "</code></span></footer>\n");
}

void
page_trace(struct str *out, const struct json *trace, int64_t now_us)
{
	const struct json *upload = json_get(trace, "upload");
	bool final = word_of_upload(view_word(upload, "state"))->final;
	const struct page p = {
		.title = file_name(view_word(upload, "key")),
		.section = PAGE_UPLOADS,
		.live_ms = final ? 0 : 1500,
		.reload_s = final ? 0 : 2,
	};
	page_begin(out, &p);
	add_parent(out, trace, now_us);
	timeline_html(out, trace, now_us);
	add_children(out, trace, now_us);
	add_elsewhere(out, view_word(trace, "trace_id"));
	page_end(out);
}
