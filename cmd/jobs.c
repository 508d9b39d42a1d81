/* jobs.c -- millrace jobs: the newest uploads, or the jobs of one. */
#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

#define NEWEST 50

static void
print_recent(const struct json *root, FILE *to)
{
	static const char *const heads[] = { "TRACE",    "STATE",  "DONE", "JOBS",
		                             "RECEIVED", "BUCKET", "KEY" };
	const struct json *uploads = json_get(root, "uploads");
	CLEANUP(table_freep) struct table *t = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; t && i < json_count(uploads); i++) {
		const struct json *u = json_at(uploads, i);
		table_value(t, json_get(u, "trace_id"));
		table_value(t, json_get(u, "state"));
		table_value(t, json_get(u, "jobs_done"));
		table_value(t, json_get(u, "jobs_total"));
		table_time(t, json_get(u, "received_at"));
		table_value(t, json_get(u, "bucket"));
		table_value(t, json_get(u, "key"));
	}
	table_print(t, "no uploads yet", to);
}

static void
print_jobs(const struct json *root, FILE *to)
{
	static const char *const heads[] = { "STEP", "KIND",        "STATE", "TRIES",
		                             "TOOK", "LAST WORKER", "ERROR" };
	const struct json *jobs = json_get(root, "jobs");
	CLEANUP(table_freep) struct table *t = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; t && i < json_count(jobs); i++) {
		const struct json *j = json_at(jobs, i), *attempts = json_get(j, "attempts");
		size_t n = json_count(attempts);
		const struct json *last = n > 0 ? json_at(attempts, n - 1) : NULL;
		struct str tries = STR_INIT(24);
		str_addf(&tries, "%zu", n);
		table_value(t, json_get(j, "step"));
		table_value(t, json_get(j, "kind"));
		table_value(t, json_get(j, "state"));
		table_text(t, str_text(&tries));
		table_text(t, show_duration(json_get(last, "started_at"),
		                            json_get(last, "finished_at")));
		table_value(t, json_get(last, "worker"));
		table_value(t, json_get(last, "error"));
		str_free(&tries);
	}
	table_print(t, "no jobs", to);
}

int
cmd_jobs(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	const char *id = conf_arg(c, 0);
	if (conf_args(c) > 1)
		return cmd_usage(CMD_JOBS, "it takes at most one trace ID");
	CLEANUP(db_closep) struct db *db = show_open(c, "jobs", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	enum rc rc = id ? look_trace(db, id, &json, &f) : look_recent(db, NEWEST, &json, &f);
	exit_code = rc == RC_OK ? show_answer(c, "jobs", &json, id ? print_jobs : print_recent)
	                        : cmd_fail("jobs", &f);
	str_free(&json);
	return exit_code;
}
