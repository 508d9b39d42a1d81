/* queues.c -- millrace queues: what waits and runs, by kind. */
#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

static void
print_queues(const struct json *root, FILE *to)
{
	static const char *const heads[] = { "KIND", "WAITING", "QUEUED",  "RUNNING", "RETRYING",
		                             "DEAD", "DONE",    "WORKERS", "PAUSED",  "OLDEST" };
	static const char *const keys[] = { "kind", "waiting", "queued",  "running", "retrying",
		                            "dead", "done",    "workers", "paused" };
	const struct json *queues = json_get(root, "queues");
	CLEANUP(table_freep) struct table *t = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; t && i < json_count(queues); i++) {
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			table_value(t, json_get(json_at(queues, i), keys[k]));
		table_time(t, json_get(json_at(queues, i), "oldest_at"));
	}
	table_print(t, "no kinds yet", to);
}

int
cmd_queues(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	if (conf_args(c) > 0)
		return cmd_usage(CMD_QUEUES, "it takes no arguments");
	CLEANUP(db_closep) struct db *db = show_open(c, "queues", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	exit_code = look_queues(db, &json, &f) == RC_OK
	                    ? show_answer(c, "queues", &json, print_queues)
	                    : cmd_fail("queues", &f);
	str_free(&json);
	return exit_code;
}
