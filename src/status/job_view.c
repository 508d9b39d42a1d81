/* job_view.c -- one child of a trace: what it is, its attempts, what it made. */
#include "status/view.h"

#include <inttypes.h>
#include <string.h>

#include "base/compiler.h"
#include "status/html.h"
#include "status/human.h"
#include "status/words.h"
#include "base/banned.h"

#define THUMBNAIL_MAX_BYTES ((int64_t)2 << 20)

static void
add_chip(struct str *out, const char *label, const char *text)
{
	str_add(out, "<span class=\"chip\">");
	str_add(out, label);
	html_text(out, text);
	str_add(out, "</span>");
}

static void
add_after(struct str *out, const struct json *job)
{
	const struct json *after = json_get(job, "after");
	size_t n = json_count(after);
	if (n == 0)
		return;
	str_add(out, "<span class=\"chip\">after ");
	for (size_t i = 0; i < n; i++) {
		const char *step = json_text(json_at(after, i));
		str_add(out, i ? ", <a href=\"#job-" : "<a href=\"#job-");
		html_segment(out, step);
		str_add(out, "\">");
		html_text(out, step);
		str_add(out, "</a>");
	}
	str_add(out, "</span>");
}

static void
add_job_head(struct str *out, const struct json *job, int64_t now_us)
{
	int64_t wait = 0;
	int64_t run = 0;
	view_job_times(job, now_us, &wait, &run);
	str_add(out, "<div class=\"job-head\"><h3>");
	html_text(out, view_word(job, "step"));
	str_add(out, "</h3>");
	word_badge(out, word_of_job(view_word(job, "state")), view_text(job, "state"));
	if (!view_is(job, "kind", view_word(job, "step")))
		add_chip(out, "kind ", view_text(job, "kind"));
	add_chip(out, "", json_bool(json_get(job, "required"), true) ? "required" : "optional");
	add_after(out, job);
	if (view_int(job, "generation", 0) > 0)
		str_addf(out, "<span class=\"chip\">generation %" PRId64 "</span>",
		         view_int(job, "generation", 0));
	if (json_count(json_get(job, "attempts")) > 1) {
		str_add(out, "<span class=\"job-took\">waited ");
		human_duration(out, wait);
		str_add(out, ", ran ");
		human_duration(out, run);
		str_add(out, "</span>");
	}
	str_add(out, "</div>\n");
}

static void
add_job_why(struct str *out, const struct json *job, const struct json *jobs, int64_t now_us)
{
	static const char *const quiet[] = { "done", "running", "failed" };
	for (size_t i = 0; i < ARRAY_LEN(quiet); i++)
		if (view_is(job, "state", quiet[i]))
			return;
	str_add(out, "<p class=\"job-why\">It ");
	why_job_html(out, job, jobs, now_us);
	str_add(out, ".</p>\n");
}

static void
add_cell(struct str *out, const char *label, int64_t us)
{
	str_addf(out, "<span class=\"cell\"><span class=\"what\">%s</span> ", label);
	if (us < 0)
		str_add(out, "–");
	else
		human_duration(out, us);
	str_add(out, "</span>");
}

static void
add_attempt_error(struct str *out, const struct json *attempt)
{
	const char *class = view_text(attempt, "error_class");
	const char *error = view_text(attempt, "error");
	const char *stage = view_text(attempt, "stage");
	const char *tail = view_text(attempt, "tail");
	if (class || error) {
		str_add(out, "<p class=\"error\">");
		if (class) {
			str_add(out, "<code>");
			html_text(out, class);
			str_add(out, "</code> ");
		}
		html_text(out, error);
		if (stage) {
			str_add(out, " <span class=\"soft\">while: ");
			html_text(out, stage);
			str_add(out, "</span>");
		}
		str_add(out, "</p>");
	}
	if (tail && tail[0]) {
		str_add(out, "<details><summary>What it printed last</summary>"
		             "<pre tabindex=\"0\">");
		html_block(out, tail);
		str_add(out, "</pre></details>");
	}
}

static void
add_attempt(struct str *out, const struct json *job, size_t i, int64_t now_us)
{
	const struct json *a = json_at(json_get(job, "attempts"), i);
	const char *outcome = view_text(a, "outcome");
	int64_t from = view_wait_start(job, i);
	int64_t start = view_attempt_start(a);
	bool waited = from != VIEW_NEVER && start != VIEW_NEVER;
	str_addf(out, "<li><div class=\"attempt\"><span class=\"cell nr\">#%" PRId64 "</span>",
	         view_int(a, "attempt", (int64_t)i + 1));
	word_badge(out, word_of_outcome(outcome), outcome);
	str_add(out, "<span class=\"cell worker\"><span class=\"what\">on</span> ");
	html_text(out, view_text(a, "worker"));
	str_add(out, "</span><span class=\"cell\"><span class=\"what\">at</span> ");
	human_time_html(out,
	                view_text(a, "started_at") ? view_text(a, "started_at")
	                                           : view_text(a, "claimed_at"),
	                now_us);
	str_add(out, "</span>");
	add_cell(out, "waited", !waited ? -1 : start > from ? start - from : 0);
	add_cell(out, outcome ? "ran" : "running for",
	         start != VIEW_NEVER ? view_attempt_end(a, now_us) - start : -1);
	str_add(out, "</div>");
	add_attempt_error(out, a);
	str_add(out, "</li>\n");
}

/* Paths of our own are made of checked names, but names of files are a handler's. */
static void
add_result_href(struct str *out, const char *trace_id, const struct json *job,
                const struct json *output)
{
	str_add(out, "/t/");
	html_segment(out, trace_id);
	str_addc(out, '/');
	html_segment(out, view_word(job, "step"));
	str_addf(out, "/%" PRId64 "/", view_int(output, "attempt", 1));
	html_segment(out, view_word(output, "name"));
}

static bool
has_thumbnail(const struct json *output)
{
	static const char *const types[] = { "image/png", "image/jpeg", "image/webp" };
	if (view_int(output, "size", INT64_MAX) > THUMBNAIL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (view_is(output, "content_type", types[i]))
			return true;
	return false;
}

static void
add_result(struct str *out, const char *trace_id, const struct json *job, const struct json *output)
{
	const char *sha256 = view_text(output, "sha256");
	bool picture = has_thumbnail(output);
	str_addf(out, "<li%s><a href=\"", picture ? " class=\"picture\"" : "");
	add_result_href(out, trace_id, job, output);
	str_add(out, "\">");
	if (picture) {
		str_add(out, "<img loading=\"lazy\" alt=\"\" src=\"");
		add_result_href(out, trace_id, job, output);
		str_add(out, "\">");
	}
	str_add(out, "<span class=\"name\">");
	html_text(out, view_text(output, "name"));
	str_add(out, "</span></a><span class=\"soft\">");
	html_text(out, view_text(output, "content_type"));
	str_add(out, " · ");
	human_size_html(out, view_int(output, "size", 0));
	if (sha256 && strlen(sha256) >= 12) {
		str_add(out, " · <span title=\"sha-256 ");
		html_attr(out, sha256);
		str_add(out, "\"><code>");
		for (size_t i = 0; i < 8 && sha256[i] > ' ' && sha256[i] < 0x7f; i++)
			if (strchr("0123456789abcdef", sha256[i]))
				str_addc(out, sha256[i]);
		str_add(out, "…</code></span>");
	}
	str_add(out, "</span></li>\n");
}

static void
add_record(struct str *out, const struct json *result)
{
	if (json_type(result) != JSON_OBJECT_ || json_count(result) == 0)
		return;
	str_add(out, "<details><summary>What it found</summary><dl class=\"record\">");
	for (size_t i = 0; i < json_count(result); i++) {
		const char *key = NULL;
		const struct json *value = json_member(result, i, &key);
		str_add(out, "<div><dt>");
		html_text(out, key);
		str_add(out, "</dt><dd>");
		view_html(out, value);
		str_add(out, "</dd></div>");
	}
	str_add(out, "</dl></details>\n");
}

void
job_html(struct str *out, const char *trace_id, const struct json *job, const struct json *jobs,
         int64_t now_us)
{
	const struct json *attempts = json_get(job, "attempts");
	const struct json *outputs = json_get(job, "outputs");
	str_add(out, "<article class=\"job\" id=\"job-");
	html_segment(out, view_word(job, "step"));
	str_addf(out, "\" data-tone=\"%s\">\n", word_of_job(view_word(job, "state"))->tone);
	add_job_head(out, job, now_us);
	add_job_why(out, job, jobs, now_us);
	if (json_count(attempts) > 0) {
		str_add(out, "<ol class=\"attempts\">\n");
		for (size_t i = 0; i < json_count(attempts); i++)
			add_attempt(out, job, i, now_us);
		str_add(out, "</ol>\n");
	}
	if (json_count(outputs) > 0) {
		str_add(out, "<ul class=\"results\" aria-label=\"Results\">\n");
		for (size_t i = 0; i < json_count(outputs); i++)
			add_result(out, trace_id, job, json_at(outputs, i));
		str_add(out, "</ul>\n");
	}
	add_record(out, json_get(job, "result"));
	str_add(out, "</article>\n");
}
