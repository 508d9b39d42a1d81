/* timeline.c -- the waterfall: for every job, how long it waited and how long it ran, on one axis.
 */
#include "status/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "status/axis.h"
#include "status/html.h"
#include "status/human.h"
#include "status/words.h"
#include "base/banned.h"

#define TICKS 5
#define LEAST_WIDTH 0.5

struct points {
	struct axis_point *at; /* owned */
	size_t count, room;
};

static void
add_point(struct points *p, int64_t us, int busy)
{
	if (us != VIEW_NEVER && p->count < p->room)
		p->at[p->count++] = (struct axis_point){ .us = us, .busy = busy };
}

static void
add_attempts(struct points *p, const struct json *job, int64_t now_us)
{
	const struct json *attempts = json_get(job, "attempts");
	for (size_t i = 0; i < json_count(attempts); i++) {
		const struct json *a = json_at(attempts, i);
		int64_t start = view_attempt_start(a);
		if (start == VIEW_NEVER)
			continue;
		int64_t end = view_attempt_end(a, now_us);
		add_point(p, start, 1);
		add_point(p, end < start ? start : end, -1);
	}
}

static size_t
count_points(const struct json *jobs)
{
	size_t n = 3;
	for (size_t i = 0; i < json_count(jobs); i++)
		n += 2 + 2 * json_count(json_get(json_at(jobs, i), "attempts"));
	return n;
}

/* False when there is nothing that could be drawn. */
static bool
make_axis(struct axis *ret, const struct json *trace, int64_t now_us)
{
	const struct json *upload = json_get(trace, "upload");
	const struct json *jobs = json_get(trace, "jobs");
	struct points p = { .room = count_points(jobs) };
	p.at = calloc(p.room, sizeof(p.at[0]));
	if (!p.at)
		return false;
	add_point(&p, view_time(upload, "received_at"), 0);
	add_point(&p, view_time(upload, "routed_at"), 0);
	bool final = view_time(upload, "finished_at") != VIEW_NEVER;
	add_point(&p, final ? view_time(upload, "finished_at") : now_us, 0);
	for (size_t i = 0; i < json_count(jobs); i++) {
		const struct json *job = json_at(jobs, i);
		add_point(&p, view_time(job, "created_at"), 0);
		add_point(&p, view_time(job, "finished_at"), 0);
		add_attempts(&p, job, now_us);
	}
	axis_make(ret, p.at, p.count);
	free(p.at);
	return ret->count > 0;
}

static void
add_bar(struct str *out, const struct axis *x, int64_t from, int64_t to, const char *attributes)
{
	double left = axis_x(x, from);
	double width = axis_x(x, to) - left;
	if (width < LEAST_WIDTH)
		width = LEAST_WIDTH;
	if (left + width > 100)
		left = 100 - width;
	str_addf(out, "<rect %s x=\"%.2f%%\" width=\"%.2f%%\"/>", attributes, left, width);
}

/* What did not succeed is hatched too: colour alone would not tell it. */
static void
add_run(struct str *out, const struct axis *x, int64_t from, int64_t to, const struct word *w)
{
	struct str class = STR_INIT(64);
	str_addf(&class, "class=\"%s\"", w->tone);
	add_bar(out, x, from, to, str_text(&class));
	str_free(&class);
	if (strcmp(w->tone, "bad") == 0 || strcmp(w->tone, "warn") == 0)
		add_bar(out, x, from, to, "class=\"over\" fill=\"url(#hatch)\"");
}

static void
add_cuts(struct str *out, const struct axis *x)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->spans[i].cut)
			str_addf(out, "<rect class=\"cut\" x=\"%.2f%%\" width=\"%.2f%%\"/>",
			         x->spans[i].from_x, x->spans[i].to_x - x->spans[i].from_x);
}

static void
add_label(struct str *out, double at, int64_t us)
{
	const char *anchor = at < 4 ? "start" : at > 92 ? "end" : "middle";
	str_addf(out, "<text x=\"%.2f%%\" y=\"13\" text-anchor=\"%s\">", at, anchor);
	if (us == 0)
		str_addc(out, '0');
	else
		human_duration(out, us);
	str_add(out, "</text>");
}

static void
add_scale(struct str *out, const struct axis *x)
{
	int64_t from = x->spans[0].from_us;
	int64_t to = x->spans[x->count - 1].to_us;
	str_add(out,
	        "<div class=\"tl-row tl-scale\"><span class=\"tl-name\">since it arrived</span>"
	        "<svg class=\"track\" aria-hidden=\"true\">");
	if (x->count == 1) {
		int64_t step = axis_step_us(to - from, TICKS);
		for (int64_t us = from; us <= to; us += step)
			add_label(out, axis_x(x, us), us - from);
	}
	double last = -100;
	for (size_t i = 0; x->count > 1 && i < x->count; i++) {
		if (x->spans[i].cut || x->spans[i].from_x - last < 16)
			continue;
		last = x->spans[i].from_x;
		add_label(out, last, x->spans[i].from_us - from);
	}
	str_add(out, "</svg><span class=\"tl-took\"></span></div>\n");
}

static void
open_row(struct str *out, const struct word *w, const char *href, const char *name)
{
	str_addf(out, "<div class=\"tl-row\"><a class=\"tl-name\" href=\"#%s%s", href ? "job-" : "",
	         href ? "" : "main");
	html_segment(out, href);
	str_addf(out,
	         "\"><svg class=\"icon %s\" aria-hidden=\"true\"><use href=\"#i-%s\"/></svg>"
	         "<span>",
	         w->tone, w->icon);
	html_text(out, name);
	str_add(out, "</span></a>");
}

static void
close_row(struct str *out, int64_t us)
{
	str_add(out, "</svg><span class=\"tl-took\">");
	if (us >= 0)
		human_duration(out, us);
	str_add(out, "</span></div>\n");
}

static void
add_job_label(struct str *out, const struct json *job, int64_t wait, int64_t run)
{
	str_add(out, "<svg class=\"track\" role=\"img\" aria-label=\"");
	html_attr(out, view_word(job, "step"));
	str_add(out, ": waited ");
	human_duration(out, wait);
	str_add(out, ", ran ");
	human_duration(out, run);
	str_add(out, ", ");
	html_attr(out, view_word(job, "state"));
	str_add(out, "\">");
}

static void
add_job_row(struct str *out, const struct axis *x, const struct json *job, int64_t now_us)
{
	const struct json *attempts = json_get(job, "attempts");
	int64_t wait = 0;
	int64_t run = 0;
	view_job_times(job, now_us, &wait, &run);
	open_row(out, word_of_job(view_word(job, "state")), view_word(job, "step"),
	         view_word(job, "step"));
	add_job_label(out, job, wait, run);
	add_cuts(out, x);
	size_t n = json_count(attempts);
	for (size_t i = 0; i < n; i++) {
		const struct json *a = json_at(attempts, i);
		int64_t from = view_wait_start(job, i);
		int64_t start = view_attempt_start(a);
		if (start == VIEW_NEVER)
			continue;
		if (from != VIEW_NEVER && start > from)
			add_bar(out, x, from, start, "class=\"wait\"");
		add_run(out, x, start, view_attempt_end(a, now_us),
		        word_of_outcome(view_text(a, "outcome")));
	}
	bool open =
		!word_of_job(view_word(job, "state"))->final && !view_is(job, "state", "running");
	if (open && view_wait_start(job, n) != VIEW_NEVER)
		add_bar(out, x, view_wait_start(job, n), now_us, "class=\"wait\"");
	close_row(out, n > 0 ? run : -1);
}

static void
add_upload_row(struct str *out, const struct axis *x, const struct json *upload, int64_t now_us)
{
	const struct word *w = word_of_upload(view_word(upload, "state"));
	int64_t from = view_time(upload, "received_at");
	int64_t routed = view_time(upload, "routed_at");
	int64_t to = view_time(upload, "finished_at");
	if (from == VIEW_NEVER)
		return;
	if (to == VIEW_NEVER)
		to = now_us;
	open_row(out, w, NULL, "upload");
	str_add(out,
	        "<svg class=\"track\" role=\"img\" aria-label=\"The upload, from its arrival to ");
	str_add(out, w->final ? "its end" : "now");
	str_add(out, "\">");
	add_cuts(out, x);
	if (routed != VIEW_NEVER && routed > from)
		add_bar(out, x, from, routed, "class=\"wait\"");
	add_bar(out, x, routed != VIEW_NEVER ? routed : from, to, "class=\"whole\"");
	close_row(out, to - from);
}

void
timeline_html(struct str *out, const struct json *trace, int64_t now_us)
{
	const struct json *jobs = json_get(trace, "jobs");
	struct axis x;
	if (json_count(jobs) == 0 || !make_axis(&x, trace, now_us))
		return;
	str_add(out, "<section class=\"card\" aria-labelledby=\"h-timeline\">"
	             "<div class=\"card-head\"><h2 id=\"h-timeline\">Timeline</h2>"
	             "<p class=\"legend\"><span class=\"key wait\">waited</span>"
	             "<span class=\"key good\">ran</span><span class=\"key warn\">tried</span>"
	             "<span class=\"key bad\">failed</span>"
	             "</p></div>\n<div class=\"tl\">\n");
	add_scale(out, &x);
	add_upload_row(out, &x, json_get(trace, "upload"), now_us);
	struct view_budget budget = view_budget(jobs);
	for (size_t i = 0; i < json_count(jobs); i++)
		if (view_job_shown(json_at(jobs, i), &budget))
			add_job_row(out, &x, json_at(jobs, i), now_us);
	str_add(out, "</div></section>\n");
}
