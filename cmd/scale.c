/* scale.c -- millrace scale: due and running jobs of a kind, as one number. */
#include <inttypes.h>

#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

int
cmd_scale(const struct conf *c)
{
	struct fault f = { 0 };
	int64_t value = 0;
	int exit_code = EXIT_DONE;
	if (conf_args(c) != 1)
		return cmd_usage(CMD_SCALE, "it takes one kind");
	CLEANUP(db_closep) struct db *db = show_open(c, "scale", &exit_code);
	if (!db)
		return exit_code;
	if (look_scale(db, conf_arg(c, 0), &value, &f) != RC_OK)
		return cmd_fail("scale", &f);
	if (!conf_bool(c, "json")) {
		printf("%" PRId64 "\n", value);
		return EXIT_DONE;
	}
	struct str json = STR_INIT(SHOW_MAX);
	str_add(&json, "{\"kind\": ");
	str_add_json(&json, conf_arg(c, 0));
	str_addf(&json, ", \"value\": %" PRId64 "}", value);
	puts(str_text(&json));
	str_free(&json);
	return EXIT_DONE;
}
