/* cmd.h -- what the subcommands share: the command table, the option table, exit codes. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/fault.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_DENIED = 4,
	EXIT_AWAY = 5, /* database or store */
	EXIT_INTERRUPTED = 130,
};

enum cmd_bit {
	CMD_RECEIVE = 1u << 0,
	CMD_ROUTE = 1u << 1,
	CMD_WORK = 1u << 2,
	CMD_KEEP = 1u << 3,
	CMD_SERVE = 1u << 4,
	CMD_MIGRATE = 1u << 5,
	CMD_CHECK = 1u << 6,
	CMD_UPLOAD = 1u << 7,
	CMD_TRACE = 1u << 8,
	CMD_DEV = 1u << 9,
	CMD_DEAD = 1u << 10,
	CMD_REPLAY = 1u << 11,
	CMD_QUEUES = 1u << 12,
	CMD_WORKERS = 1u << 13,
	CMD_SCALE = 1u << 14,
	CMD_JOBS = 1u << 15,
	CMD_CANCEL = 1u << 16,
	CMD_ROLES = CMD_RECEIVE | CMD_ROUTE | CMD_WORK | CMD_KEEP | CMD_SERVE,
	CMD_READERS = CMD_TRACE | CMD_DEAD | CMD_QUEUES | CMD_WORKERS | CMD_SCALE | CMD_JOBS,
	CMD_DATABASE = CMD_ROLES | CMD_READERS | CMD_MIGRATE | CMD_REPLAY | CMD_CANCEL,
};

struct cmd {
	const char *name;
	uint32_t bit;
	int (*run)(const struct conf *c); /* returns an exit_code */
	const char *arguments;            /* for usage: "FILE BUCKET/KEY" */
	const char *summary;
};

extern const struct cmd cmds[];
extern const size_t cmds_count;
extern const struct conf_opt options[];
extern const size_t options_count;

/* Writes "millrace COMMAND: message" on stderr and answers the exit code that fits the fault. */
int cmd_fail(const char *command, const struct fault *f);
/* "usage: …" on stderr; EXIT_USAGE. */
int cmd_usage(uint32_t bit, const char *what_is_wrong);
/* Opens the log as the settings say. role as in log_setup. */
void cmd_log_setup(const struct conf *c, const char *role);

int cmd_receive(const struct conf *c);
int cmd_route(const struct conf *c);
int cmd_work(const struct conf *c);
int cmd_keep(const struct conf *c);
int cmd_serve(const struct conf *c);
int cmd_migrate(const struct conf *c);
int cmd_check(const struct conf *c);
int cmd_upload(const struct conf *c);
int cmd_trace(const struct conf *c);
int cmd_dev(const struct conf *c);
int cmd_dead(const struct conf *c);
int cmd_replay(const struct conf *c);
int cmd_queues(const struct conf *c);
int cmd_workers(const struct conf *c);
int cmd_scale(const struct conf *c);
int cmd_jobs(const struct conf *c);
int cmd_cancel(const struct conf *c);

#endif
