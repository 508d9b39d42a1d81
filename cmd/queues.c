/* queues.c -- millrace queues: what waits and runs, by kind. */
#include <string.h>

#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

static void
print_queues(const struct json *root, FILE *to)
{
	static const char *const heads[] = { "KIND",     "WAITING", "QUEUED", "RUNNING",
		                             "RETRYING", "DEAD",    "DONE",   "DONE/MIN",
		                             "WORKERS",  "PAUSED",  "OLDEST" };
	static const char *const keys[] = { "kind",     "waiting", "queued", "running",
		                            "retrying", "dead",    "done",   "done_per_minute",
		                            "workers",  "paused" };
	const struct json *queues = json_get(root, "queues");
	CLEANUP(table_freep) struct table *t = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; t && i < json_count(queues); i++) {
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			table_value(t, json_get(json_at(queues, i), keys[k]));
		table_time(t, json_get(json_at(queues, i), "oldest_at"));
	}
	table_print(t, "no kinds yet", to);
}

static void
print_pause(const struct json *root, FILE *to)
{
	const char *kind = json_text(json_get(root, "kind"));
	fprintf(to, "%s %s\n", kind ? kind : "it",
	        json_bool(json_get(root, "paused"), false) ? "is paused" : "goes on");
}

/* "pause" or "resume", a kind, and a reason or none. */
static bool
is_pause(const struct conf *c)
{
	return (conf_args(c) == 2 || conf_args(c) == 3) &&
	       (strcmp(conf_arg(c, 0), "pause") == 0 || strcmp(conf_arg(c, 0), "resume") == 0);
}

int
cmd_queues(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	const bool change = is_pause(c);
	if (conf_args(c) > 0 && !change)
		return cmd_usage(CMD_QUEUES, "it takes nothing, or pause KIND [REASON], or resume "
		                             "KIND [REASON]");
	CLEANUP(db_closep) struct db *db = show_open(c, "queues", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	enum rc rc = change ? look_pause(db, conf_arg(c, 1), strcmp(conf_arg(c, 0), "pause") == 0,
	                                 show_who(), conf_arg(c, 2), &json, &f)
	                    : look_queues(db, &json, &f);
	exit_code = rc == RC_OK
	                    ? show_answer(c, "queues", &json, change ? print_pause : print_queues)
	                    : cmd_fail("queues", &f);
	str_free(&json);
	return exit_code;
}
