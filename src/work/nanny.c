/* nanny.c -- the small process between the worker and a handler. It is a fork of a process with
 * threads: system calls only, no memory, no locks. */
#include "work/nanny.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/banned.h"

/* Where the descriptors are in the nanny and, up to OUT, in the handler. */
enum { FD_IN, FD_OUT, FD_ERR, FD_REPORT, FD_DIR, FD_EXE, FD_COUNT };

/* Past libc: what it, or a sanitizer, does besides belongs to the process that we are a copy of. */
static _Noreturn void
leave(int code)
{
	for (;;)
		syscall(SYS_exit_group, code);
}

static void
shut(int fd)
{
	syscall(SYS_close, fd);
}

static bool
report(const struct nanny_report *r)
{
	ssize_t n;
	while ((n = write(FD_REPORT, r, sizeof *r)) < 0 && errno == EINTR)
		;
	return n == (ssize_t)sizeof *r;
}

static _Noreturn void
unable(enum nanny_step step, int error)
{
	const struct nanny_report r = { .news = NANNY_UNABLE, .step = step, .value = error };
	report(&r);
	leave(127);
}

static void
close_from(unsigned first)
{
	if (close_range(first, ~0U, 0) == 0)
		return;
	struct rlimit l;
	unsigned end = getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < 65536
	                       ? (unsigned)l.rlim_cur
	                       : 65536;
	for (unsigned fd = first; fd < end; fd++)
		shut((int)fd);
}

/* Any of them may be in another's place: first all out of the way. */
static bool
place_descriptors(const struct nanny *n)
{
	const int from[FD_COUNT] = { n->null_fd,   n->out_fd, n->out_fd,
		                     n->report_fd, n->dir_fd, n->exe_fd };
	int high[FD_COUNT];
	for (int i = 0; i < FD_COUNT; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD, FD_COUNT)) < 0)
			return false;
	for (int i = 0; i < FD_COUNT; i++)
		if (syscall(SYS_dup3, high[i], i, 0) < 0)
			return false;
	close_from(FD_COUNT);
	return true;
}

static _Noreturn void
be_handler(const struct nanny *n)
{
	char *const argv[] = { strrchr(n->path, '/') ? strrchr(n->path, '/') + 1 : NULL, NULL };
	setsid();
	shut(FD_DIR);
	fcntl(FD_REPORT, F_SETFD, FD_CLOEXEC);
	fcntl(FD_EXE, F_SETFD, FD_CLOEXEC);
	int error = sandbox_enter(n->sandbox, n->cpu_seconds);
	if (error)
		unable(NANNY_SANDBOX, error);
	execve(n->path, argv, n->env);
	if (errno == EACCES) {
		/* A folder on the way is closed to the handler's user (a checkout below /root): by
		 * its descriptor the file can be run all the same. A script's interpreter opens it
		 * so. */
		fcntl(FD_EXE, F_SETFD, 0);
		syscall(SYS_execveat, FD_EXE, "", argv, n->env, AT_EMPTY_PATH);
	}
	unable(NANNY_EXEC, errno);
}

/* The parent's number in /proc/PID/stat: the second field after the last ')'. */
static pid_t
parent_of(const char *stat, size_t n)
{
	size_t at = n;
	while (at > 0 && stat[at - 1] != ')')
		at--;
	if (at == 0 || at + 3 >= n)
		return -1;
	pid_t parent = 0;
	for (at += 3; at < n && stat[at] >= '0' && stat[at] <= '9'; at++)
		parent = parent * 10 + (stat[at] - '0');
	return parent;
}

static pid_t
number(const char *name)
{
	pid_t v = 0;
	for (; *name >= '0' && *name <= '9'; name++)
		v = v * 10 + (*name - '0');
	return *name == '\0' ? v : 0;
}

static void
kill_if_ours(int proc, const char *name, pid_t self)
{
	char path[32], stat[512];
	size_t len = strlen(name);
	if (number(name) <= 0 || len > 16)
		return;
	memcpy(mempcpy(path, name, len), "/stat", sizeof "/stat");
	int fd = (int)syscall(SYS_openat, proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, stat, sizeof stat);
	shut(fd);
	if (n > 0 && parent_of(stat, (size_t)n) == self)
		kill(number(name), SIGKILL);
}

/* As laid out by getdents64(2). */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t length;
	uint8_t type;
	char name[];
};

static void
kill_children(void)
{
	_Alignas(struct entry) char buf[4096];
	const pid_t self = getpid();
	int proc = (int)syscall(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;
	if (proc < 0)
		return;
	while ((n = syscall(SYS_getdents64, proc, buf, sizeof buf)) > 0)
		for (long at = 0; at < n;) {
			const struct entry *e = (const void *)(buf + at);
			kill_if_ours(proc, e->name, self);
			at += e->length;
		}
	shut(proc);
}

struct watch {
	pid_t handler;
	bool ended;
	int status;
};

/* False when there is no child left. */
static bool
reap(struct watch *w, int flags)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, flags)) > 0 || (pid < 0 && errno == EINTR)) {
		if (pid == w->handler) {
			w->ended = true;
			w->status = status;
		}
		if (pid > 0)
			flags = WNOHANG;
	}
	return pid == 0;
}

/* Orphans become our children one generation after the other, until there is none. */
static void
end_all(struct watch *w, bool own_pids)
{
	do {
		if (own_pids)
			kill(-1, SIGKILL);
		else
			kill_children();
	} while (reap(w, 0));
}

static void
watch_handler(struct watch *w)
{
	sigset_t set;
	int64_t kill_at = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	for (;;) {
		int64_t left = kill_at ? kill_at - clock_mono_ms() : INT64_C(3600000);
		if (left <= 0)
			return;
		struct timespec t = { left / 1000, left % 1000 * 1000000 };
		int sig = sigtimedwait(&set, NULL, &t);
		reap(w, WNOHANG);
		if (w->ended || sig == SIGHUP)
			return;
		if (sig == SIGTERM && !kill_at) {
			/* Before its setsid there is no group yet. */
			if (kill(-w->handler, SIGTERM) != 0)
				kill(w->handler, SIGTERM);
			kill_at = clock_mono_ms() + NANNY_TERM_MS;
		}
	}
}

static void
report_end(const struct watch *w)
{
	struct nanny_report r = { .news = NANNY_ENDED, .value = w->status };
	struct rusage u;
	if (getrusage(RUSAGE_CHILDREN, &u) == 0) {
		r.cpu_ms = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
		           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
		r.rss_kb = u.ru_maxrss;
	}
	report(&r);
}

static _Noreturn void
be_nanny(const struct nanny *n, uid_t uid, gid_t gid)
{
	const bool own_pids = (n->sandbox->namespaces & CLONE_NEWPID) != 0;
	const struct nanny_report ready = { .news = NANNY_READY };
	struct watch w = { 0 };

	/* In a namespace of its own our end is everybody's; else we need time to clean up. */
	prctl(PR_SET_PDEATHSIG, own_pids ? SIGKILL : SIGHUP);
	prctl(PR_SET_NAME, "millrace-nanny");
	prctl(PR_SET_DUMPABLE, 0);
	/* A reader that is gone already: the parent died before the line above. */
	if (!place_descriptors(n) || !report(&ready))
		leave(127);
	int error = n->sandbox->namespaces & CLONE_NEWUSER ? sandbox_map_ids(uid, gid) : 0;
	if (error)
		unable(NANNY_IDS, error);
	if (fchdir(FD_DIR) != 0)
		unable(NANNY_FOLDER, errno);
	if (!own_pids)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	w.handler = sandbox_fork(0);
	if (w.handler == 0)
		be_handler(n);
	if (w.handler < 0)
		unable(NANNY_FORK, errno);
	watch_handler(&w);
	end_all(&w, own_pids);
	report_end(&w);
	leave(0);
}

pid_t
nanny_start(const struct nanny *n)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = sandbox_fork(n->sandbox->namespaces);
	if (pid == 0)
		be_nanny(n, uid, gid);
	int error = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return pid;
}
