/* workers.c -- millrace workers: who is alive and what each holds. */
#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

static void
print_workers(const struct json *root, FILE *to)
{
	static const char *const heads[] = { "WORKER", "HOST", "VERSION", "RUNNING",
		                             "SLOTS",  "SEEN", "SINCE",   "KINDS" };
	const struct json *workers = json_get(root, "workers");
	CLEANUP(table_freep) struct table *t = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; t && i < json_count(workers); i++) {
		const struct json *w = json_at(workers, i);
		table_value(t, json_get(w, "worker"));
		table_value(t, json_get(w, "host"));
		table_value(t, json_get(w, "version"));
		table_value(t, json_get(w, "running"));
		table_value(t, json_get(w, "slots"));
		table_time(t, json_get(w, "seen_at"));
		table_time(t, json_get(w, "started_at"));
		table_value(t, json_get(w, "kinds"));
	}
	table_print(t, "no workers", to);
}

int
cmd_workers(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	if (conf_args(c) > 0)
		return cmd_usage(CMD_WORKERS, "it takes no arguments");
	CLEANUP(db_closep) struct db *db = show_open(c, "workers", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	exit_code = look_workers(db, &json, &f) == RC_OK
	                    ? show_answer(c, "workers", &json, print_workers)
	                    : cmd_fail("workers", &f);
	str_free(&json);
	return exit_code;
}
