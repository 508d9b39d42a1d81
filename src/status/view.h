/* view.h -- small readers of the trace's JSON that its pages share. */
#ifndef STATUS_VIEW_H
#define STATUS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/json.h"

#define VIEW_NEVER INT64_MIN

const char *view_text(const struct json *object, const char *key); /* NULL when there is none */
int64_t view_int(const struct json *object, const char *key, int64_t if_missing);
int64_t view_time(const struct json *object, const char *key); /* Unix us, or VIEW_NEVER */
/* "" for a missing one: for comparing. */
const char *view_word(const struct json *object, const char *key);
bool view_is(const struct json *object, const char *key, const char *word);
/* Any value as safe text: texts as they are, the rest as JSON. */
void view_html(struct str *out, const struct json *value);

/* When an attempt began to hold a worker, and when it let go: now_us while it still does. */
int64_t view_attempt_start(const struct json *attempt);
int64_t view_attempt_end(const struct json *attempt, int64_t now_us);
/* When attempt i of a job began to wait: the end of the one before, or the job's making. */
int64_t view_wait_start(const struct json *job, size_t i);
/* All of an attempts' array: how long it waited, how long it ran. */
void view_job_times(const struct json *job, int64_t now_us, int64_t *ret_wait_us,
                    int64_t *ret_run_us);
/* The last attempt, NULL before the first. */
const struct json *view_last_attempt(const struct json *job);

/* Which of a big tree's jobs are shown: the first of those that are not done, then of those that
 * are. */
#define VIEW_JOBS_SHOWN 500
struct view_budget {
	size_t open, done;
};
struct view_budget view_budget(const struct json *jobs);
bool view_job_shown(const struct json *job, struct view_budget *budget);

/* The one sentence: why it is ready, or why not (yet). HTML. */
void why_html(struct str *out, const struct json *trace, int64_t now_us);
/* What an unfinished job waits for, or why one did not run: NULL-safe, adds nothing for the rest.
 * HTML. */
void why_job_html(struct str *out, const struct json *job, const struct json *jobs, int64_t now_us);

/* The waterfall of the whole tree. */
void timeline_html(struct str *out, const struct json *trace, int64_t now_us);
/* The table of kinds and what each has waiting. */
void queues_html(struct str *out, const struct json *queues, int64_t now_us);
/* One child. */
void job_html(struct str *out, const char *trace_id, const struct json *job,
              const struct json *jobs, int64_t now_us);

#endif
