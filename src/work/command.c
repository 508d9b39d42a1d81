/* command.c -- runs one handler command to its end. */
#include "work/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "work/crowd.h"
#include "work/nanny.h"
#include "work/folder.h"
#include "base/banned.h"

/* Past SIGTERM and SIGKILL: a process that even the kernel cannot end just now. */
#define PATIENCE_MS (NANNY_TERM_MS + 8000)
#define LOOK_AT_FOLDER_MS 500
#define LOOK_AT_CROWD_MS 200

struct run {
	const struct command *command;
	struct tail *out;
	pid_t nanny;
	int out_fd, report_fd; /* -1 once closed */
	int64_t started_ms;
	int64_t look_ms;         /* when to measure the folder next */
	int64_t crowd_ms;        /* when to count the processes next */
	int64_t ending_ms;       /* when we asked it to end; 0: not yet */
	enum command_how reason; /* why we asked */
	struct nanny_report last;
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
read_output(struct run *r)
{
	char buf[8192];
	ssize_t n;
	/* Bounded, so that a flood does not keep us from the clock. */
	for (int i = 0; i < 128; i++) {
		n = read(r->out_fd, buf, sizeof buf);
		if (n <= 0)
			break;
		tail_add(r->out, buf, (size_t)n);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&r->out_fd);
}

static void
read_reports(struct run *r)
{
	struct nanny_report news;
	ssize_t n;
	while ((n = read(r->report_fd, &news, sizeof news)) == (ssize_t)sizeof news)
		/* The end of a handler that could not start says nothing new. */
		if (r->last.news != NANNY_UNABLE)
			r->last = news;
	if (n == 0)
		close_fd(&r->report_fd);
}

static void
end_softly(struct run *r, enum command_how reason, int64_t now)
{
	if (r->ending_ms)
		return;
	r->reason = reason;
	r->ending_ms = now;
	kill(r->nanny, SIGTERM);
}

/* The kernel counts a user's processes, not a handler's: one that multiplies takes those of all the
 * others, so it gets no time to say goodbye. */
static void
check_crowd(struct run *r, int64_t now)
{
	if (now < r->crowd_ms || r->ending_ms)
		return;
	r->crowd_ms = now + LOOK_AT_CROWD_MS;
	if (crowd_count(r->nanny) <= CROWD_MAX)
		return;
	r->reason = COMMAND_CROWDED;
	r->ending_ms = now;
	kill(r->nanny, SIGHUP);
}

static void
check_limits(struct run *r, int64_t now)
{
	const struct command *c = r->command;
	if (now - r->started_ms >= c->timeout_ms)
		end_softly(r, COMMAND_TIMEOUT, now);
	if (c->max_folder > 0 && now >= r->look_ms && !r->ending_ms) {
		if (folder_bytes(c->dir_fd, c->max_folder) > c->max_folder)
			end_softly(r, COMMAND_OVERFULL, now);
		r->look_ms = now + LOOK_AT_FOLDER_MS;
	}
	check_crowd(r, now);
	if (r->ending_ms && now - r->ending_ms >= PATIENCE_MS) {
		kill(r->nanny, SIGKILL);
		close_fd(&r->report_fd);
	}
}

static int
next_wait(const struct run *r, int64_t now)
{
	int64_t until =
		r->ending_ms ? r->ending_ms + PATIENCE_MS : r->started_ms + r->command->timeout_ms;
	if (r->command->max_folder > 0 && !r->ending_ms && r->look_ms < until)
		until = r->look_ms;
	if (!r->ending_ms && r->crowd_ms < until)
		until = r->crowd_ms;
	int64_t wait = until - now;
	return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

static void
attend(struct run *r)
{
	while (r->report_fd >= 0) {
		int64_t now = clock_mono_ms();
		struct pollfd p[] = {
			{ .fd = r->report_fd, .events = POLLIN },
			{ .fd = r->out_fd, .events = POLLIN },
			{ .fd = r->ending_ms ? -1 : r->command->cancel_fd, .events = POLLIN },
		};
		if (poll(p, ARRAY_LEN(p), next_wait(r, now)) > 0) {
			if (p[1].revents)
				read_output(r);
			if (p[0].revents)
				read_reports(r);
			if (p[2].revents)
				end_softly(r, COMMAND_CANCELLED, now);
		}
		check_limits(r, clock_mono_ms());
	}
	if (r->out_fd >= 0)
		read_output(r);
}

static enum rc
judge(const struct run *r, struct command_end *ret, struct fault *f)
{
	static const char *const steps[] = {
		[NANNY_EXEC] = "run",
		[NANNY_IDS] = "map its user for",
		[NANNY_FORK] = "fork for",
		[NANNY_FOLDER] = "enter the folder of",
		[NANNY_SANDBOX] = "set the limits of",
	};
	const struct nanny_report *last = &r->last;
	struct command_end end = {
		.how = COMMAND_KILLED, .code = SIGKILL, .cpu_ms = -1, .rss_kb = -1
	};
	end.ran_ms = clock_mono_ms() - r->started_ms;
	if (last->news == NANNY_UNABLE) {
		fault_set(f, RC_RETRY, "cannot %s %s: %s", steps[last->step], r->command->path,
		          strerrordesc_np(last->value));
		snprintf(f->code, sizeof f->code, "%s",
		         last->step == NANNY_EXEC ? "exec" : "sandbox");
		return f->rc;
	}
	if (last->news == NANNY_ENDED) {
		bool exited = WIFEXITED(last->value);
		end.how = exited ? COMMAND_EXITED : COMMAND_KILLED;
		end.code = exited ? WEXITSTATUS(last->value) : WTERMSIG(last->value);
		end.cpu_ms = last->cpu_ms;
		end.rss_kb = last->rss_kb;
	}
	if (r->ending_ms)
		end.how = r->reason;
	*ret = end;
	return RC_OK;
}

static enum rc
no_start(struct fault *f, const char *what)
{
	fault_set(f, RC_RETRY, "cannot start a handler: %s: %s", what, strerrordesc_np(errno));
	snprintf(f->code, sizeof f->code, "sandbox");
	return f->rc;
}

enum rc
command_run(const struct sandbox *s, const struct command *c, struct tail *out,
            struct command_end *ret, struct fault *f)
{
	int output[2], reports[2];
	if (pipe2(output, O_CLOEXEC) != 0)
		return no_start(f, "pipe");
	if (pipe2(reports, O_CLOEXEC) != 0) {
		close(output[0]);
		close(output[1]);
		return no_start(f, "pipe");
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	fcntl(reports[0], F_SETFL, O_NONBLOCK);
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int exe_fd = open(c->path, O_PATH | O_CLOEXEC);
	struct run r = { .command = c, .out = out, .out_fd = output[0], .report_fd = reports[0] };
	r.started_ms = clock_mono_ms();
	r.look_ms = r.started_ms + LOOK_AT_FOLDER_MS;
	r.crowd_ms = r.started_ms + LOOK_AT_CROWD_MS;
	const struct nanny nanny = {
		.sandbox = s,
		.path = c->path,
		.env = c->env,
		/* What is wrong with the path, exec says best. */
		.exe_fd = exe_fd < 0 ? null_fd : exe_fd,
		.dir_fd = c->dir_fd,
		.null_fd = null_fd,
		.out_fd = output[1],
		.report_fd = reports[1],
		/* A backstop for what the clock on the wall does not see. */
		.cpu_seconds = (c->timeout_ms / 1000 + 1) * sysconf(_SC_NPROCESSORS_ONLN) + 5,
	};
	r.nanny = null_fd < 0 ? -1 : nanny_start(&nanny);
	enum rc rc = r.nanny < 0 ? no_start(f, "fork") : RC_OK;
	close_fd(&null_fd);
	close_fd(&exe_fd);
	close(output[1]);
	close(reports[1]);
	if (rc == RC_OK) {
		attend(&r);
		while (waitpid(r.nanny, NULL, 0) < 0 && errno == EINTR)
			;
		rc = judge(&r, ret, f);
	}
	close_fd(&r.out_fd);
	close_fd(&r.report_fd);
	return rc;
}
