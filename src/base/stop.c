/* stop.c -- SIGTERM and SIGINT as something that threads can wait for. */
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "base/banned.h"

/* A pipe that is written once and never read, so that every poll sees it. */
static int pipe_fds[2] = { -1, -1 };
static atomic_bool requested;
static volatile sig_atomic_t signal_seen;

void
stop_request(void)
{
	if (atomic_exchange(&requested, true) || pipe_fds[1] < 0)
		return;
	ssize_t ignored = write(pipe_fds[1], "x", 1);
	(void)ignored;
}

static void
on_signal(int number)
{
	int saved = errno;
	signal_seen = number;
	stop_request();
	errno = saved;
}

enum rc
stop_setup(struct fault *f)
{
	bool first = pipe_fds[0] < 0;
	if (first && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return fault_set(f, RC_RETRY, "cannot make a pipe: %s", strerror(errno));
	struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	if (sigaction(SIGTERM, &stop, NULL) != 0 || sigaction(SIGINT, &stop, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		return fault_set(f, RC_BUG, "cannot set signal handlers: %s", strerror(errno));
	/* A stop may have been asked for before there was a pipe. */
	if (first && atomic_exchange(&requested, false))
		stop_request();
	return RC_OK;
}

bool
stop_requested(void)
{
	return atomic_load(&requested);
}

int
stop_signal(void)
{
	return (int)signal_seen;
}

int
stop_fd(void)
{
	return pipe_fds[0];
}

bool
stop_wait_ms(int64_t ms)
{
	int64_t deadline;
	if (__builtin_add_overflow(clock_mono_ms(), ms, &deadline))
		deadline = INT64_MAX;
	struct pollfd p = { .fd = pipe_fds[0], .events = POLLIN };
	while (!stop_requested()) {
		int64_t left = deadline - clock_mono_ms();
		if (left <= 0)
			break;
		/* A signal may end poll early; the loop looks again. */
		poll(&p, 1, left > 60000 ? 60000 : (int)left);
	}
	return stop_requested();
}
