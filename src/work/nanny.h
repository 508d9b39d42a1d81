/* nanny.h -- the small process between the worker and a handler, which lets no descendant of it
 * outlive the attempt, not even when the worker is killed. */
#ifndef WORK_NANNY_H
#define WORK_NANNY_H

#include <stdint.h>
#include <sys/types.h>

#include "work/sandbox.h"

/* All borrowed. */
struct nanny {
	const struct sandbox *sandbox;
	const char *path; /* of the handler; absolute */
	char *const *env;
	int exe_fd;    /* the same file, opened with O_PATH */
	int dir_fd;    /* the handler's working folder */
	int null_fd;   /* its stdin */
	int out_fd;    /* its stdout and stderr */
	int report_fd; /* reports come here, each one write */
	int64_t cpu_seconds;
};

enum nanny_news {
	NANNY_READY,  /* it lives */
	NANNY_UNABLE, /* the handler could not be started: value is the errno, step what failed */
	NANNY_ENDED,  /* the handler is over: value is its wait status; all its descendants are gone
	               */
};

enum nanny_step { NANNY_EXEC, NANNY_IDS, NANNY_FORK, NANNY_FOLDER, NANNY_SANDBOX };

struct nanny_report {
	enum nanny_news news;
	enum nanny_step step;
	int value;
	int64_t cpu_ms, rss_kb; /* of all descendants; ENDED only */
};

/* How long a handler has between SIGTERM and SIGKILL. */
#define NANNY_TERM_MS 2000

/*
 * Starts it. SIGTERM to the process ends the handler's group softly, then everything with SIGKILL;
 * SIGHUP, and the end of the thread that started it, at once. -1 with errno when it cannot fork.
 */
pid_t nanny_start(const struct nanny *n) MUST_USE;

#endif
