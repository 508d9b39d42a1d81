/* dev.c -- millrace dev: everything on this machine, with a private PostgreSQL. */
#include "cmd/cmd.h"

#include "base/stop.h"
#include "dev/dev.h"
#include "base/banned.h"

int
cmd_dev(const struct conf *c)
{
	struct fault f = { 0 };
	const struct dev_conf conf = {
		.folder = conf_arg(c, 0),
		.state_dir = conf_text(c, "state-dir"),
		.listen = conf_text(c, "listen"),
		.pipeline = conf_text(c, "pipeline"),
		.handlers = conf_text(c, "handlers"),
		.s3 = conf_text(c, "s3"),
		.s3_buckets = conf_text(c, "s3-buckets"),
		.exit_when_done = conf_bool(c, "exit-when-done"),
	};
	if (conf_args(c) > 1)
		return cmd_usage(CMD_DEV, "at most one folder");
	if (conf.s3 && conf.folder)
		return cmd_usage(CMD_DEV, "a folder and --s3 exclude each other");
	cmd_log_setup(c, "dev");
	if (stop_setup(&f) != RC_OK || dev_run(&conf, &f) != RC_OK)
		return cmd_fail("dev", &f);
	return EXIT_DONE;
}
