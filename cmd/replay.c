/* replay.c -- millrace replay: one dead job runs again, and what was skipped because of it. */
#include <inttypes.h>
#include <string.h>

#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

static void
print_replay(const struct json *root, FILE *to)
{
	int64_t generation = 0;
	const char *job = json_text(json_get(root, "job_id"));
	if (!json_int(json_get(root, "generation"), &generation))
		generation = 0;
	fprintf(to, "%s runs again (generation %" PRId64 ")\n", job ? job : "it", generation);
}

int
cmd_replay(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	if (conf_args(c) != 1 || !strchr(conf_arg(c, 0), '/'))
		return cmd_usage(CMD_REPLAY, "it takes one job: trace_…/step");
	CLEANUP(db_closep) struct db *db = show_open(c, "replay", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	exit_code =
		look_replay(db, conf_arg(c, 0), show_who(), "millrace replay", &json, &f) == RC_OK
			? show_answer(c, "replay", &json, print_replay)
			: cmd_fail("replay", &f);
	str_free(&json);
	return exit_code;
}
