/* dead.c -- millrace dead: the dead jobs, newest first. */
#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

#define NEWEST 1000

static void
print_dead(const struct json *root, FILE *to)
{
	static const char *const heads[] = { "JOB", "DIED",  "TRIES", "BUCKET",
		                             "KEY", "CLASS", "ERROR" };
	const struct json *dead = json_get(root, "dead");
	CLEANUP(table_freep) struct table *t = table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; t && i < json_count(dead); i++) {
		const struct json *d = json_at(dead, i);
		table_value(t, json_get(d, "job_id"));
		table_time(t, json_get(d, "died_at"));
		table_value(t, json_get(d, "attempts"));
		table_value(t, json_get(d, "bucket"));
		table_value(t, json_get(d, "key"));
		table_value(t, json_get(d, "error_class"));
		table_value(t, json_get(d, "error"));
	}
	table_print(t, "no dead jobs", to);
}

int
cmd_dead(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	if (conf_args(c) > 1)
		return cmd_usage(CMD_DEAD, "it takes at most one kind");
	CLEANUP(db_closep) struct db *db = show_open(c, "dead", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	exit_code = look_dead(db, conf_arg(c, 0), NEWEST, &json, &f) == RC_OK
	                    ? show_answer(c, "dead", &json, print_dead)
	                    : cmd_fail("dead", &f);
	str_free(&json);
	return exit_code;
}
