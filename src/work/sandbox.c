/* sandbox.c -- what stands between a handler and the machine. */
#include "work/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define NOBODY 65534
#define MAX_FILES 256
/* A user namespace counts a handler's processes by themselves; without one the kernel counts all of
 * the user's, on the whole machine. */
#define PROCESSES_OWN 256
#define PROCESSES_SHARED 2048

pid_t
sandbox_fork(int namespaces)
{
#if defined(__SANITIZE_THREAD__)
	/* It has locks of its own and must know of a fork; such builds run without namespaces. */
	errno = ENOSYS;
	return namespaces ? -1 : fork();
#endif
	return (pid_t)syscall(SYS_clone, (unsigned long)namespaces | SIGCHLD, NULL, NULL, NULL, 0);
}

static int
write_file(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = write(fd, text, n) == (ssize_t)n ? 0 : errno;
	close(fd);
	return error;
}

/* "ID ID 1": snprintf may take locks or memory, which a child of threads must not. */
static size_t
map_line(char *buf, unsigned id)
{
	char digits[12];
	size_t n = 0, len = 0;
	do
		digits[n++] = (char)('0' + id % 10);
	while ((id /= 10) > 0);
	for (int twice = 0; twice < 2; twice++) {
		for (size_t i = n; i > 0; i--)
			buf[len++] = digits[i - 1];
		buf[len++] = ' ';
	}
	buf[len++] = '1';
	return len;
}

int
sandbox_map_ids(uid_t uid, gid_t gid)
{
	char line[32];
	/* A process that may not be looked into owns none of its files in /proc either. */
	prctl(PR_SET_DUMPABLE, 1);
	int error = write_file("/proc/self/setgroups", "deny", 4);
	if (!error)
		error = write_file("/proc/self/uid_map", line, map_line(line, uid));
	if (!error)
		error = write_file("/proc/self/gid_map", line, map_line(line, gid));
	prctl(PR_SET_DUMPABLE, 0);
	return error;
}

static int
limit(__rlimit_resource_t what, int64_t value)
{
	struct rlimit now, l = { (rlim_t)value, (rlim_t)value };
	/* Raising needs a privilege that a container rarely has; the lower bound holds anyway. */
	if (getrlimit(what, &now) == 0 && now.rlim_max < l.rlim_max)
		l.rlim_cur = l.rlim_max = now.rlim_max;
	return setrlimit(what, &l) == 0 ? 0 : errno;
}

static int
set_limits(const struct sandbox *s, int64_t cpu_seconds)
{
	int error = limit(RLIMIT_CORE, 0);
	if (!error)
		error = limit(RLIMIT_CPU, cpu_seconds);
	if (!error)
		error = limit(RLIMIT_FSIZE, s->max_file);
	if (!error)
		error = limit(RLIMIT_NOFILE, MAX_FILES);
	if (!error)
		error = limit(RLIMIT_NPROC, s->max_processes);
	return error;
}

/* By system call: glibc's own would wait for the threads that fork left behind. */
static int
become(const struct sandbox *s)
{
	if (!s->drop)
		return 0;
	if (syscall(SYS_setgroups, 0, NULL) != 0 ||
	    syscall(SYS_setresgid, s->gid, s->gid, s->gid) != 0 ||
	    syscall(SYS_setresuid, s->uid, s->uid, s->uid) != 0)
		return errno;
	return 0;
}

static void
reset_signals(void)
{
	/* The kernel's own struct, all zero: SIG_DFL. Past libc, which hides two signals of its own
	 * that whoever started us may have left ignored. SIGKILL and SIGSTOP refuse: fine. */
	const unsigned long dfl[8] = { 0 };
	sigset_t none;
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, (size_t)_NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
sandbox_enter(const struct sandbox *s, int64_t cpu_seconds)
{
	umask(022);
	int error = set_limits(s, cpu_seconds);
	if (!error)
		error = become(s);
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		error = errno;
	/* After the change of user, which clears it. */
	if (!error && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		error = errno;
	if (!error)
		reset_signals();
	/* Last: a sanitizer that has no memory cannot say what it saw. */
	return error ? error : limit(RLIMIT_AS, s->max_memory);
}

void
sandbox_hide_self(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

static bool
works(const struct sandbox *s, int namespaces)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = sandbox_fork(namespaces);
	if (pid == 0) {
		int error = namespaces & CLONE_NEWUSER ? sandbox_map_ids(uid, gid) : 0;
		if (!error)
			error = become(s);
		_exit(error ? 1 : 0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	int status = 0;
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static enum rc
find_user(const char *name, struct sandbox *s, struct fault *f)
{
	s->uid = s->gid = NOBODY;
	if (!name)
		return RC_OK;
	/* cppcheck-suppress getpwnamCalled ; nobody else calls it, and there are no slots yet */
	const struct passwd *p = getpwnam(name);
	if (!p)
		return fault_set(f, RC_PERMANENT, "there is no user '%s' to run handlers as", name);
	s->uid = p->pw_uid;
	s->gid = p->pw_gid;
	return RC_OK;
}

enum rc
sandbox_probe(const struct sandbox_conf *c, struct sandbox *ret, struct fault *f)
{
	struct sandbox s = { .max_memory = c->max_memory, .max_file = c->max_file };
	enum rc rc = find_user(c->user, &s, f);
	if (rc != RC_OK)
		return rc;
	s.drop = geteuid() == 0 && s.uid != 0;
	if (s.drop && !works(&s, 0))
		s.drop = false;
	if (!s.drop) {
		s.uid = geteuid();
		s.gid = getegid();
	}
	const int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
	const int net = c->network ? 0 : CLONE_NEWNET;
	const int tries[] = { user | CLONE_NEWPID | CLONE_NEWIPC | net, user | CLONE_NEWPID | net,
		              user | CLONE_NEWPID, user | net };
	for (size_t i = 0; i < ARRAY_LEN(tries) && s.namespaces == 0; i++)
		if ((tries[i] & ~CLONE_NEWUSER) != 0 && works(&s, tries[i]))
			s.namespaces = tries[i];
	s.max_processes = c->max_processes               ? c->max_processes
	                  : s.namespaces & CLONE_NEWUSER ? PROCESSES_OWN
	                                                 : PROCESSES_SHARED;
	*ret = s;
	return RC_OK;
}

static const char *
on(bool yes)
{
	return yes ? "on" : "off";
}

void
sandbox_describe(const struct sandbox *s, struct str *out)
{
	str_addf(out,
	         "uid=%u own_user=%s pid_namespace=%s network_namespace=%s ipc_namespace=%s "
	         "user_namespace=%s ",
	         (unsigned)s->uid, on(s->drop), on((s->namespaces & CLONE_NEWPID) != 0),
	         on((s->namespaces & CLONE_NEWNET) != 0), on((s->namespaces & CLONE_NEWIPC) != 0),
	         on((s->namespaces & CLONE_NEWUSER) != 0));
	str_addf(out, "process_limit=%s no_new_privs=on memory_limit=on file_limit=on cpu_limit=on",
	         on(s->uid != 0));
}
