/* child.h -- starting and ending processes that must not outlive us. */
#ifndef DEV_CHILD_H
#define DEV_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"

struct child_spec {
	char *const *argv; /* argv[0] is the path of the program */
	char *const *envp;
	const char *log; /* where its stdout and stderr are appended; created 0600 */
	const char *cwd; /* NULL: ours */
	uid_t uid;       /* who it runs as; ours unless become is set */
	gid_t gid;
	bool become;
	int death_signal; /* what it gets when we die without stopping it */
};

/*
 * In a session of its own, so that Ctrl-C at our terminal reaches it only through us; stdin is
 * /dev/null. Call from the main thread only: the death signal belongs to the thread. RC_PERMANENT:
 * names the program and what failed, an exec that fails included.
 */
enum rc child_start(const struct child_spec *spec, pid_t *ret, struct fault *f) MUST_USE;

/* True once it has ended, with waitpid's status. */
bool child_ended(pid_t pid, int *ret_status);
/* The same, waiting at most ms. */
bool child_wait(pid_t pid, int64_t ms, int *ret_status);
/* "exit code 1", "signal 9 (Killed)". */
#define CHILD_STATUS_MAX 64
char *child_status_text(int status, char buf[CHILD_STATUS_MAX]);
/* Starts it, waits for its end. RC_OK: exit code 0. Otherwise names the log. */
enum rc child_run(const struct child_spec *spec, int64_t ms, struct fault *f) MUST_USE;

#endif
