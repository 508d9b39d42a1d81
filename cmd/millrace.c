/* millrace.c -- the command table and main. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "cmd/role.h"
#include "base/banned.h"

const char cmd_version[] = MILLRACE_VERSION;

const struct cmd cmds[] = {
	{ "dev", CMD_DEV, cmd_dev, "[DIR]",
	  "run everything on this machine, with a private PostgreSQL" },
	{ "receive", CMD_RECEIVE, cmd_receive, "", "take notifications over HTTP and store them" },
	{ "route", CMD_ROUTE, cmd_route, "",
	  "turn accepted uploads into jobs by the pipeline file" },
	{ "work", CMD_WORK, cmd_work, "", "claim jobs and run their handlers" },
	{ "keep", CMD_KEEP, cmd_keep, "", "rescue, sweep, promote: any number may run" },
	{ "serve", CMD_SERVE, cmd_serve, "", "the status pages, their JSON, and metrics" },
	{ "migrate", CMD_MIGRATE, cmd_migrate, "", "bring the database to this version" },
	{ "check", CMD_CHECK, cmd_check, "FILE", "check a pipeline file" },
	{ "upload", CMD_UPLOAD, cmd_upload, "FILE BUCKET/KEY",
	  "put a file into a store and print its trace ID" },
	{ "trace", CMD_TRACE, cmd_trace, "ID", "show what happened to an upload" },
	{ "jobs", CMD_JOBS, cmd_jobs, "[ID]", "list the newest uploads, or the jobs of one" },
	{ "dead", CMD_DEAD, cmd_dead, "[KIND]", "list the dead jobs" },
	{ "replay", CMD_REPLAY, cmd_replay, "ID/STEP", "run one dead job again" },
	{ "cancel", CMD_CANCEL, cmd_cancel, "ID [REASON]",
	  "end an upload: what waits is dropped, what runs is not taken" },
	{ "queues", CMD_QUEUES, cmd_queues, "[pause|resume KIND [REASON]]",
	  "what waits and runs, by kind; hold a kind, let it go on" },
	{ "workers", CMD_WORKERS, cmd_workers, "", "who is alive and what each holds" },
	{ "scale", CMD_SCALE, cmd_scale, "KIND", "due and running jobs of a kind, as one number" },
};
const size_t cmds_count = sizeof(cmds) / sizeof(cmds[0]);

static void
print_commands(FILE *to)
{
	fputs("usage: millrace COMMAND [--flags] [arguments]\n\n", to);
	for (size_t i = 0; i < cmds_count; i++)
		fprintf(to, "  %-9s %s\n", cmds[i].name, cmds[i].summary);
	fputs("\nmillrace COMMAND --help lists a command's flags; millrace --sample-config prints "
	      "a "
	      "commented configuration file.\n",
	      to);
}

static void
print_text(const struct str *text)
{
	fputs(str_text(text), stdout);
}

static int
print_sample(void)
{
	struct str out = STR_INIT(1 << 20);
	conf_sample(options, options_count, &out);
	print_text(&out);
	str_free(&out);
	return EXIT_DONE;
}

static int
print_help(const struct cmd *cmd)
{
	struct str out = STR_INIT(1 << 20);
	str_addf(&out, "usage: millrace %s [--flags]%s%s\n\n%s.\n\n", cmd->name,
	         cmd->arguments[0] ? " " : "", cmd->arguments, cmd->summary);
	conf_help(options, options_count, cmd->bit, &out);
	print_text(&out);
	str_free(&out);
	return EXIT_DONE;
}

static const struct cmd *
find_command(const char *name)
{
	for (size_t i = 0; i < cmds_count; i++)
		if (strcmp(cmds[i].name, name) == 0)
			return &cmds[i];
	return NULL;
}

static bool
wants_help(int argc, char *const argv[])
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int
cmd_usage(uint32_t bit, const char *what_is_wrong)
{
	for (size_t i = 0; i < cmds_count; i++)
		if (cmds[i].bit == bit)
			fprintf(stderr, "millrace %s: %s\nusage: millrace %s [--flags] %s\n",
			        cmds[i].name, what_is_wrong, cmds[i].name, cmds[i].arguments);
	return EXIT_USAGE;
}

int
cmd_fail(const char *command, const struct fault *f)
{
	fprintf(stderr, "millrace %s: %s\n", command, f->message);
	if (strcmp(f->code, "NotFound") == 0 || strcmp(f->code, "NoSuchBucket") == 0)
		return EXIT_NOT_FOUND;
	if (strcmp(f->code, "AccessDenied") == 0 || f->http == 403 ||
	    strcmp(f->sqlstate, "42501") == 0)
		return EXIT_DENIED;
	if (f->rc == RC_RETRY)
		return EXIT_AWAY;
	return f->rc == RC_STOP ? EXIT_INTERRUPTED : EXIT_FAILED;
}

void
cmd_log_setup(const struct conf *c, const char *role)
{
	enum log_level level = LOG_INFO_;
	if (!log_level_parse(conf_text(c, "log-level"), &level))
		level = LOG_INFO_;
	log_setup(role, level, strcmp(conf_text(c, "log-format"), "json") == 0);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_commands(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("millrace %s\n", cmd_version);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--sample-config") == 0)
		return print_sample();

	const struct cmd *cmd = find_command(argv[1]);
	if (!cmd) {
		fprintf(stderr, "millrace: there is no command '%s'; millrace --help lists them\n",
		        argv[1]);
		return EXIT_USAGE;
	}
	if (wants_help(argc - 2, argv + 2))
		return print_help(cmd);

	struct fault f = { 0 };
	CLEANUP(conf_freep)
	struct conf *c = conf_load(options, options_count, cmd->bit, argc - 2, argv + 2, &f);
	if (!c) {
		fprintf(stderr, "millrace %s: %s\n", cmd->name, f.message);
		return EXIT_USAGE;
	}
	return cmd->run(c);
}
