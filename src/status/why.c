/* why.c -- the one sentence that says why an upload is, or is not yet, what people wait for. */
#include "status/view.h"

#include <inttypes.h>
#include <string.h>

#include "base/compiler.h"
#include "status/html.h"
#include "status/human.h"
#include "status/words.h"
#include "base/banned.h"

#define NAMED_MAX 3

static const struct json *
find_job(const struct json *jobs, const char *step)
{
	for (size_t i = 0; step && i < json_count(jobs); i++)
		if (view_is(json_at(jobs, i), "step", step))
			return json_at(jobs, i);
	return NULL;
}

static void
add_step(struct str *out, const struct json *job)
{
	str_add(out, "<a href=\"#job-");
	html_segment(out, view_word(job, "step"));
	str_add(out, "\">");
	html_text(out, view_word(job, "step"));
	str_add(out, "</a>");
}

/* "too_large" becomes what the table says, or "too large". */
static void
add_reason(struct str *out, const char *code)
{
	const char *means = word_of_reason(code);
	if (means) {
		str_add(out, means);
		return;
	}
	struct str spaced = STR_INIT(4096);
	for (const char *p = code; *p; p++)
		str_addc(&spaced, *p == '_' ? ' ' : *p);
	html_text(out, str_text(&spaced));
	str_free(&spaced);
}

/* The detail, which is a sentence of its own, or else the reason's code in words. */
static void
add_cause(struct str *out, const struct json *o, const char *lead)
{
	const char *reason = view_text(o, "reason");
	const char *detail = view_text(o, "detail");
	if (!reason && !detail)
		return;
	str_add(out, lead);
	if (detail)
		html_text(out, detail);
	else
		add_reason(out, reason);
}

static void
add_error(struct str *out, const struct json *job)
{
	const struct json *last = view_last_attempt(job);
	const char *error = view_text(last, "error");
	if (!error)
		error = view_text(last, "error_class");
	if (error) {
		str_add(out, ": ");
		html_text(out, error);
	}
}

static void
add_dependencies(struct str *out, const struct json *job, const struct json *jobs)
{
	const struct json *after = json_get(job, "after");
	size_t named = 0;
	for (size_t i = 0; i < json_count(after); i++) {
		const struct json *other = find_job(jobs, json_text(json_at(after, i)));
		if (!other || view_is(other, "state", "done"))
			continue;
		str_add(out, named++ ? ", " : "waits for ");
		add_step(out, other);
	}
	if (named == 0)
		str_add(out, "waits for its turn");
}

void
why_job_html(struct str *out, const struct json *job, const struct json *jobs, int64_t now_us)
{
	const char *state = view_word(job, "state");
	int64_t due = view_time(job, "due_at");
	if (strcmp(state, "waiting") == 0)
		add_dependencies(out, job, jobs);
	else if (strcmp(state, "queued") == 0)
		str_add(out, "is queued for a worker of its kind");
	else if (strcmp(state, "running") == 0)
		str_add(out, "is running");
	else if (strcmp(state, "retrying") == 0 && due > now_us) {
		str_add(out, "is tried again in ");
		human_duration(out, due - now_us);
	} else if (strcmp(state, "retrying") == 0)
		str_add(out, "is due to be tried again");
	else if (strcmp(state, "failed") == 0) {
		size_t n = json_count(json_get(job, "attempts"));
		str_addf(out, "failed after %zu attempt%s", n, n == 1 ? "" : "s");
		add_error(out, job);
	} else if (strcmp(state, "skipped") == 0 || strcmp(state, "cancelled") == 0) {
		str_addf(out, "was %s", state);
		add_cause(out, job, ": ");
	}
}

static void
add_took(struct str *out, const struct json *upload)
{
	int64_t from = view_time(upload, "received_at");
	int64_t to = view_time(upload, "finished_at");
	if (from == VIEW_NEVER || to == VIEW_NEVER)
		return;
	str_addc(out, ' ');
	human_duration(out, to - from);
	str_add(out, " after it arrived");
}

/* The jobs in a state of those that decide; names at most NAMED_MAX of them. */
static size_t
add_jobs(struct str *out, const struct json *jobs, bool (*wanted)(const struct json *job),
         int64_t now_us)
{
	size_t found = 0;
	for (size_t i = 0; i < json_count(jobs); i++) {
		const struct json *job = json_at(jobs, i);
		if (!wanted(job) || ++found > NAMED_MAX)
			continue;
		str_add(out, found == 1 ? "" : "; ");
		add_step(out, job);
		str_addc(out, ' ');
		why_job_html(out, job, jobs, now_us);
	}
	if (found > NAMED_MAX)
		str_addf(out, "; and %zu more", found - NAMED_MAX);
	return found;
}

static bool
is_required(const struct json *job)
{
	return json_bool(json_get(job, "required"), true);
}

static bool
is_open(const struct json *job)
{
	return !word_of_job(view_word(job, "state"))->final;
}

static bool
is_required_failure(const struct json *job)
{
	return is_required(job) && view_is(job, "state", "failed");
}

static bool
is_optional_failure(const struct json *job)
{
	return !is_required(job) && view_is(job, "state", "failed");
}

static bool
is_failure_to_review(const struct json *job)
{
	return view_is(job, "state", "failed") && view_is(job, "on_failure", "review");
}

static void
say_routed(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	size_t n = json_count(jobs);
	size_t done = 0;
	(void)upload;
	for (size_t i = 0; i < n; i++)
		done += view_is(json_at(jobs, i), "state", "done");
	str_addf(out, "Not ready yet, %zu of %zu jobs done: ", done, n);
	if (add_jobs(out, jobs, is_open, now_us) == 0)
		str_add(out, "the end is being recorded");
}

static void
say_ready(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	str_add(out, "Ready");
	add_took(out, upload);
	bool noted = false;
	for (size_t i = 0; i < json_count(jobs); i++)
		noted = noted || is_optional_failure(json_at(jobs, i));
	if (noted)
		str_add(out, "; but optional ");
	add_jobs(out, jobs, is_optional_failure, now_us);
}

static void
say_failed(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	str_add(out, "Failed: ");
	if (add_jobs(out, jobs, is_required_failure, now_us) == 0)
		add_cause(out, upload, "");
}

static void
say_review(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	str_add(out, "Somebody should look at it");
	add_cause(out, upload, ": ");
	for (size_t i = 0; i < json_count(jobs); i++)
		if (is_failure_to_review(json_at(jobs, i))) {
			str_add(out, ": ");
			add_jobs(out, jobs, is_failure_to_review, now_us);
			return;
		}
}

static void
say_accepted(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	(void)jobs;
	int64_t from = view_time(upload, "received_at");
	str_add(out, "It arrived and waits for the router");
	if (from != VIEW_NEVER) {
		str_add(out, ", for ");
		human_duration(out, now_us - from);
	}
}

static void
say_expected(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	(void)upload;
	(void)jobs;
	(void)now_us;
	str_add(out, "It is announced; no event has said yet that it arrived");
}

static void
say_cancelled(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	(void)jobs;
	(void)now_us;
	str_add(out, "Cancelled");
	if (view_text(upload, "detail"))
		add_cause(out, upload, " ");
}

/* Rejected, ignored, skipped, expired: the state and its cause. */
static void
say_cause(struct str *out, const struct json *upload, const struct json *jobs, int64_t now_us)
{
	(void)jobs;
	(void)now_us;
	struct str state = STR_INIT(64);
	str_add(&state, view_word(upload, "state"));
	if (state.len > 0 && state.data[0] >= 'a' && state.data[0] <= 'z')
		state.data[0] = (char)(state.data[0] - 'a' + 'A');
	html_text(out, str_text(&state));
	str_free(&state);
	if (view_is(upload, "state", "ignored") && view_text(upload, "reason")) {
		str_add(out, ": the pipeline ignores keys like <code>");
		html_text(out, view_text(upload, "reason"));
		str_add(out, "</code>");
	} else
		add_cause(out, upload, ": ");
}

static void
end_sentence(struct str *out)
{
	if (out->len > 0 && out->data[out->len - 1] != '.')
		str_addc(out, '.');
}

void
why_html(struct str *out, const struct json *trace, int64_t now_us)
{
	static const struct {
		const char *state;
		void (*say)(struct str *out, const struct json *upload, const struct json *jobs,
		            int64_t now_us);
	} sentences[] = {
		{ "expected", say_expected },   { "accepted", say_accepted },
		{ "routed", say_routed },       { "ready", say_ready },
		{ "review", say_review },       { "failed", say_failed },
		{ "cancelled", say_cancelled },
	};
	const struct json *upload = json_get(trace, "upload");
	const struct json *jobs = json_get(trace, "jobs");
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (view_is(upload, "state", sentences[i].state)) {
			sentences[i].say(out, upload, jobs, now_us);
			end_sentence(out);
			return;
		}
	say_cause(out, upload, jobs, now_us);
	end_sentence(out);
}
