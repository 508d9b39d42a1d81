/* view.c -- small readers of the trace's JSON. */
#include "status/view.h"

#include <inttypes.h>
#include <string.h>

#include "status/html.h"
#include "status/human.h"
#include "base/banned.h"

#define VALUE_MAX ((size_t)1 << 20)

const char *
view_text(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

const char *
view_word(const struct json *object, const char *key)
{
	const char *text = view_text(object, key);
	return text ? text : "";
}

bool
view_is(const struct json *object, const char *key, const char *word)
{
	return strcmp(view_word(object, key), word) == 0;
}

int64_t
view_int(const struct json *object, const char *key, int64_t if_missing)
{
	int64_t v = if_missing;
	return json_int(json_get(object, key), &v) ? v : if_missing;
}

int64_t
view_time(const struct json *object, const char *key)
{
	int64_t us = VIEW_NEVER;
	return human_parse_time(view_text(object, key), &us) ? us : VIEW_NEVER;
}

void
view_html(struct str *out, const struct json *value)
{
	if (json_text(value)) {
		html_text(out, json_text(value));
		return;
	}
	struct str text = STR_INIT(VALUE_MAX);
	if (json_write(value, &text))
		html_text(out, str_text(&text));
	str_free(&text);
}

int64_t
view_attempt_start(const struct json *attempt)
{
	int64_t us = view_time(attempt, "started_at");
	return us != VIEW_NEVER ? us : view_time(attempt, "claimed_at");
}

int64_t
view_attempt_end(const struct json *attempt, int64_t now_us)
{
	int64_t us = view_time(attempt, "finished_at");
	return us != VIEW_NEVER ? us : now_us;
}

int64_t
view_wait_start(const struct json *job, size_t i)
{
	const struct json *attempts = json_get(job, "attempts");
	if (i == 0)
		return view_time(job, "created_at");
	return view_time(json_at(attempts, i - 1), "finished_at");
}

void
view_job_times(const struct json *job, int64_t now_us, int64_t *ret_wait_us, int64_t *ret_run_us)
{
	const struct json *attempts = json_get(job, "attempts");
	int64_t wait = 0;
	int64_t run = 0;
	for (size_t i = 0; i < json_count(attempts); i++) {
		int64_t from = view_wait_start(job, i);
		int64_t start = view_attempt_start(json_at(attempts, i));
		int64_t end = view_attempt_end(json_at(attempts, i), now_us);
		if (from != VIEW_NEVER && start > from)
			wait += start - from;
		if (start != VIEW_NEVER && end > start)
			run += end - start;
	}
	*ret_wait_us = wait;
	*ret_run_us = run;
}

const struct json *
view_last_attempt(const struct json *job)
{
	const struct json *attempts = json_get(job, "attempts");
	size_t n = json_count(attempts);
	return n > 0 ? json_at(attempts, n - 1) : NULL;
}

struct view_budget
view_budget(const struct json *jobs)
{
	size_t n = json_count(jobs);
	size_t open = 0;
	for (size_t i = 0; i < n; i++)
		open += !view_is(json_at(jobs, i), "state", "done");
	if (open > VIEW_JOBS_SHOWN)
		open = VIEW_JOBS_SHOWN;
	return (struct view_budget){ .open = open, .done = VIEW_JOBS_SHOWN - open };
}

bool
view_job_shown(const struct json *job, struct view_budget *budget)
{
	size_t *left = view_is(job, "state", "done") ? &budget->done : &budget->open;
	if (*left == 0)
		return false;
	--*left;
	return true;
}
