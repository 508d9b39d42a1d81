/* child.c -- starting and ending processes that must not outlive us. */
#include "dev/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/banned.h"

/* Everything that can fail before exec is told through the pipe, as errno and a step. */
enum step { STEP_LOG, STEP_USER, STEP_FOLDER, STEP_EXEC };
struct report {
	enum step step;
	int error;
};

static const char *const step_names[] = { "open its log", "become its user", "enter its folder",
	                                  "start" };

static _Noreturn void
give_up(int pipe_fd, enum step step)
{
	struct report report = { .step = step, .error = errno };
	/* If even this fails there is nobody left to tell: the exit code says so. */
	if (write(pipe_fd, &report, sizeof(report)) != (ssize_t)sizeof(report))
		_exit(126);
	_exit(127);
}

static bool
become(const struct child_spec *spec)
{
	return !spec->become ||
	       (setgroups(0, NULL) == 0 && setgid(spec->gid) == 0 && setuid(spec->uid) == 0);
}

/* Between fork and exec: async-signal-safe calls only, other threads may hold locks. */
static _Noreturn void
child_main(const struct child_spec *spec, pid_t parent, int pipe_fd, int log_fd, int null_fd)
{
	setsid();
	if (dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
		give_up(pipe_fd, STEP_LOG);
	if (!become(spec))
		give_up(pipe_fd, STEP_USER);
	if (spec->cwd && chdir(spec->cwd) < 0)
		give_up(pipe_fd, STEP_FOLDER);
	/* After the change of user, which clears it. */
	prctl(PR_SET_PDEATHSIG, spec->death_signal);
	if (getppid() != parent)
		_exit(0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execve(spec->argv[0], spec->argv, spec->envp);
	give_up(pipe_fd, STEP_EXEC);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

enum rc
child_start(const struct child_spec *spec, pid_t *ret, struct fault *f)
{
	CLEANUP(close_fd) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(close_fd)
	int log_fd = open(spec->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (null_fd < 0 || log_fd < 0)
		return fault_set(f, RC_PERMANENT, "%s: %s", spec->log, strerror(errno));
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fault_set(f, RC_RETRY, "pipe: %s", strerror(errno));
	CLEANUP(close_fd) int from_child = ends[0];
	CLEANUP(close_fd) int to_parent = ends[1];

	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return fault_set(f, RC_RETRY, "fork for %s: %s", spec->argv[0], strerror(errno));
	if (pid == 0)
		child_main(spec, parent, to_parent, log_fd, null_fd);
	close_fd(&to_parent);

	struct report report;
	ssize_t n;
	do
		n = read(from_child, &report, sizeof(report));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(report)) {
		waitpid(pid, NULL, 0);
		return fault_set(f, RC_PERMANENT, "cannot %s of %s: %s", step_names[report.step],
		                 spec->argv[0], strerror(report.error));
	}
	*ret = pid;
	return RC_OK;
}

bool
child_ended(pid_t pid, int *ret_status)
{
	return waitpid(pid, ret_status, WNOHANG) == pid;
}

bool
child_wait(pid_t pid, int64_t ms, int *ret_status)
{
	int64_t end = clock_mono_ms() + ms;
	while (!child_ended(pid, ret_status)) {
		if (clock_mono_ms() >= end)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	return true;
}

char *
child_status_text(int status, char buf[CHILD_STATUS_MAX])
{
	if (WIFSIGNALED(status))
		snprintf(buf, CHILD_STATUS_MAX, "signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	else
		snprintf(buf, CHILD_STATUS_MAX, "exit code %d", WEXITSTATUS(status));
	return buf;
}

enum rc
child_run(const struct child_spec *spec, int64_t ms, struct fault *f)
{
	pid_t pid;
	enum rc rc = child_start(spec, &pid, f);
	if (rc != RC_OK)
		return rc;
	int status;
	if (!child_wait(pid, ms, &status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return fault_set(f, RC_RETRY, "%s did not end within %lld s; see %s", spec->argv[0],
		                 (long long)(ms / 1000), spec->log);
	}
	char text[CHILD_STATUS_MAX];
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fault_set(f, RC_PERMANENT, "%s ended with %s; see %s", spec->argv[0],
		                 child_status_text(status, text), spec->log);
	return RC_OK;
}
