/* command.h -- runs one handler command to its end: captured output, time limit, no survivors. */
#ifndef WORK_COMMAND_H
#define WORK_COMMAND_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "work/sandbox.h"
#include "work/tail.h"

/* All borrowed. */
struct command {
	const char *path; /* absolute */
	char *const *env; /* the whole environment, NULL-terminated */
	int dir_fd;       /* its working folder, private and empty but for its input */
	int64_t timeout_ms;
	int64_t max_folder; /* the most bytes that the folder may hold meanwhile; 0: any */
	int cancel_fd;      /* readable: end it; -1: none */
};

enum command_how {
	COMMAND_EXITED,
	COMMAND_KILLED,    /* by a signal that was not ours: a crash */
	COMMAND_TIMEOUT,   /* by us, at the time limit */
	COMMAND_CANCELLED, /* by us, cancel_fd */
	COMMAND_OVERFULL,  /* by us, max_folder */
	COMMAND_CROWDED,   /* by us, more processes than CROWD_MAX */
};

struct command_end {
	enum command_how how;
	int code; /* the exit code, or the signal */
	int64_t ran_ms, cpu_ms, rss_kb;
};

/*
 * RC_OK once the command ran, however it ended; then every process that came of it is gone.
 * RC_RETRY when it never started, code "exec" (not executable, missing interpreter) or "sandbox".
 */
enum rc command_run(const struct sandbox *s, const struct command *c, struct tail *out,
                    struct command_end *ret, struct fault *f) MUST_USE;

#endif
