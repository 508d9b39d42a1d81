/* cancel.c -- millrace cancel: an upload ends, and with it what of its jobs has not ended. */
#include <inttypes.h>
#include <string.h>

#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

static int64_t
count_of(const struct json *root, const char *key)
{
	int64_t n = 0;
	return json_int(json_get(root, key), &n) ? n : 0;
}

static void
print_cancel(const struct json *root, FILE *to)
{
	const char *trace = json_text(json_get(root, "trace_id"));
	const int64_t jobs = count_of(root, "jobs");
	fprintf(to, "%s is cancelled (%" PRId64 " job%s, %" PRId64 " of them running)\n",
	        trace ? trace : "it", jobs, jobs == 1 ? "" : "s", count_of(root, "running"));
}

int
cmd_cancel(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	if (conf_args(c) != 1 && conf_args(c) != 2)
		return cmd_usage(CMD_CANCEL, "it takes one trace ID, and a reason or none");
	CLEANUP(db_closep) struct db *db = show_open(c, "cancel", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	exit_code = look_cancel(db, conf_arg(c, 0), show_who(), conf_arg(c, 1), &json, &f) == RC_OK
	                    ? show_answer(c, "cancel", &json, print_cancel)
	                    : cmd_fail("cancel", &f);
	str_free(&json);
	return exit_code;
}
