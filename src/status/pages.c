/* pages.c -- the pages: ask the database, render, answer. */
#include "status/site.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ulid.h"
#include "status/page.h"
#include "status/view.h"
#include "base/banned.h"

/* What one page is made of; freed together. */
struct sheet {
	struct str answer, html;
	struct json_doc *doc, *other;
};

static struct sheet
sheet_new(void)
{
	return (struct sheet){ .answer = STR_INIT(ANSWER_MAX), .html = STR_INIT(PAGE_MAX) };
}

static void
sheet_free(struct sheet *s)
{
	json_free(s->doc);
	json_free(s->other);
	str_free(&s->answer);
	str_free(&s->html);
}

static enum rc
read_answer(struct sheet *s, struct json_doc **ret, struct fault *f)
{
	*ret = json_parse(str_text(&s->answer), s->answer.len, JSON_DEPTH, f);
	if (!*ret)
		return fault_context(f, "the database's answer");
	str_reset(&s->answer);
	return RC_OK;
}

static struct httpd_response *
finish(const struct visit *v, struct sheet *s, const struct fault *f)
{
	return f->rc == RC_OK ? reply_html(200, &s->html) : reply_fault(v, "database", f);
}

struct httpd_response *
show_home(struct visit *v)
{
	struct fault f = { 0 };
	CLEANUP(sheet_free) struct sheet s = sheet_new();
	if (ask_recent(v->site, &s.answer, &f) == RC_OK && read_answer(&s, &s.doc, &f) == RC_OK &&
	    ask_queues(v->site, &s.answer, &f) == RC_OK && read_answer(&s, &s.other, &f) == RC_OK)
		page_home(&s.html, json_root(s.doc), json_root(s.other), clock_wall_us());
	return finish(v, &s, &f);
}

/* "/t/" and the ID as we write it, "#job-STEP" if a step was named. */
static struct httpd_response *
redirect_to_trace(const struct visit *v, const struct ulid *id, const char *step)
{
	char text[TRACE_TEXT_MAX];
	struct str location = STR_INIT(8192);
	str_addf(&location, "/t/%s", ulid_trace_text(id, text));
	if (step) {
		str_add(&location, "#job-");
		str_add_uri(&location, step, strlen(step), false);
	}
	struct httpd_response *rs = NULL;
	if (!location.failed)
		rs = reply_redirect(303, str_text(&location));
	str_free(&location);
	return rs ? rs : reply_not_found(v, v->segments[1]);
}

/* The database's clock at the time of the answer: what the page counts from was written by it. */
static int64_t
now_of(const struct json *trace)
{
	int64_t now_us = view_time(trace, "now");
	return now_us == VIEW_NEVER ? clock_wall_us() : now_us;
}

struct httpd_response *
show_trace(struct visit *v)
{
	struct fault f = { 0 };
	struct ulid id;
	char text[TRACE_TEXT_MAX];
	if (!ulid_parse(v->segments[1], &id))
		return reply_not_found(v, v->segments[1]);
	const char *step = v->count > 2 ? v->segments[2] : NULL;
	if (step || strcmp(ulid_trace_text(&id, text), v->segments[1]) != 0)
		return redirect_to_trace(v, &id, step);
	CLEANUP(sheet_free) struct sheet s = sheet_new();
	if (ask_trace(v->site, text, &s.answer, &f) == RC_OK &&
	    read_answer(&s, &s.doc, &f) == RC_OK)
		page_trace(&s.html, json_root(s.doc), now_of(json_root(s.doc)));
	return finish(v, &s, &f);
}

/* The text without the blanks that copying brings along. */
static const char *
trimmed(struct arena *a, const char *text)
{
	const char *blanks = " \t\r\n";
	text += strspn(text, blanks);
	size_t n = strlen(text);
	while (n > 0 && strchr(blanks, text[n - 1]))
		n--;
	return arena_strndup(a, text, n);
}

static struct httpd_response *
show_results(const struct visit *v, struct sheet *s, const char *query)
{
	struct ulid id;
	const struct json *results = json_get(json_root(s->doc), "results");
	const char *first = json_text(json_get(json_at(results, 0), "trace_id"));
	if (json_count(results) == 0)
		return reply_not_found(v, query);
	if (json_count(results) == 1 && first && ulid_parse(first, &id))
		return redirect_to_trace(v, &id, NULL);
	page_search(&s->html, json_root(s->doc), query, clock_wall_us());
	return reply_html(200, &s->html);
}

struct httpd_response *
show_search(struct visit *v)
{
	struct fault f = { 0 };
	const char *asked = httpd_query(v->rq, "q");
	const char *query = trimmed(v->arena, asked ? asked : "");
	if (!query || !query[0])
		return reply_redirect(303, "/");
	CLEANUP(sheet_free) struct sheet s = sheet_new();
	if (ask_search(v->site, query, &s.answer, &f) != RC_OK ||
	    read_answer(&s, &s.doc, &f) != RC_OK)
		return reply_fault(v, "database", &f);
	return show_results(v, &s, query);
}

struct httpd_response *
show_queues(struct visit *v)
{
	struct fault f = { 0 };
	CLEANUP(sheet_free) struct sheet s = sheet_new();
	if (ask_queues(v->site, &s.answer, &f) == RC_OK && read_answer(&s, &s.doc, &f) == RC_OK)
		page_queues(&s.html, json_root(s.doc), clock_wall_us());
	return finish(v, &s, &f);
}

struct httpd_response *
show_dead(struct visit *v)
{
	struct fault f = { 0 };
	const char *kind = httpd_query(v->rq, "kind");
	CLEANUP(sheet_free) struct sheet s = sheet_new();
	if (ask_dead(v->site, kind, &s.answer, &f) == RC_OK && read_answer(&s, &s.doc, &f) == RC_OK)
		page_dead(&s.html, json_root(s.doc), kind, clock_wall_us());
	return finish(v, &s, &f);
}

struct httpd_response *
show_workers(struct visit *v)
{
	struct fault f = { 0 };
	CLEANUP(sheet_free) struct sheet s = sheet_new();
	if (ask_workers(v->site, &s.answer, &f) == RC_OK && read_answer(&s, &s.doc, &f) == RC_OK)
		page_workers(&s.html, json_root(s.doc), clock_wall_us());
	return finish(v, &s, &f);
}
