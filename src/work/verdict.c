/* verdict.c -- what an attempt's end means to the queue; pure. */
#include "work/verdict.h"

#include <signal.h>
#include <string.h>

#include "base/utf8.h"
#include "work/crowd.h"
#include "base/banned.h"

#define QUOTE_MAX 500

static enum job_outcome
outcome_of(const char *stage, const struct fault *f)
{
	switch (f->rc) {
	case RC_STOP:
	case RC_LOST:
		return JOB_INTERRUPTED;
	case RC_RETRY:
		return JOB_ERROR;
	case RC_OK:
	case RC_PERMANENT:
	case RC_BUG:
		break;
	}
	if (strcmp(stage, "input") == 0 && strcmp(f->code, "NotFound") == 0)
		return JOB_SOURCE_GONE;
	if (strcmp(stage, "input") == 0 && strcmp(f->code, "Replaced") == 0)
		return JOB_SUPERSEDED;
	return JOB_PERMANENT;
}

/* What the far side called it, except where that is a detail of one kind of trouble. */
static const char *
class_of(const char *stage, const struct fault *f, struct arena *a)
{
	bool store = strcmp(stage, "handler") != 0;
	if (f->rc == RC_STOP || f->rc == RC_LOST)
		return "interrupted";
	if (f->code[0])
		return arena_strdup(a, f->code);
	return store ? "store" : "handler";
}

void
verdict_fault(struct job_result *r, const char *stage, const struct fault *f, struct arena *a)
{
	r->outcome = outcome_of(stage, f);
	r->stage = stage;
	r->error_class = class_of(stage, f, a);
	r->error = arena_strdup(a, f->message);
	if (f->retry_after_ms > 0)
		r->delay_ms = f->retry_after_ms;
}

/* The last line of what the handler printed is usually what it died of. */
static const char *
last_line(const char *tail, struct arena *a)
{
	size_t end = tail ? strlen(tail) : 0;
	while (end > 0 && (tail[end - 1] == '\n' || tail[end - 1] == '\r'))
		end--;
	size_t start = end;
	while (start > 0 && tail[start - 1] != '\n' && end - start < QUOTE_MAX)
		start--;
	start += utf8_rest(tail + start, end - start);
	return end > start ? arena_strndup(a, tail + start, end - start) : NULL;
}

static void
say(struct job_result *r, enum job_outcome o, const char *class, const char *what, struct arena *a)
{
	const char *line = last_line(r->tail, a);
	r->outcome = o;
	r->error_class = class;
	r->stage = "handler";
	r->error = line ? arena_printf(a, "%s: %s", what, line) : what;
}

static void
exited(struct job_result *r, int code, int64_t retry_after_ms, bool full, struct arena *a)
{
	const char *what = arena_printf(a, "exit code %d", code);
	if (full)
		say(r, JOB_ERROR, "scratch", "the scratch folder's disk is full", a);
	else if (code == EXIT_REFUSED)
		say(r, JOB_PERMANENT, "refused", "refused", a);
	else if (code == EXIT_LATER)
		say(r, JOB_SNOOZED, "later", "asked to be run later", a);
	else
		say(r, JOB_ERROR, "exit", what, a);
	r->delay_ms = code == EXIT_LATER ? retry_after_ms : -1;
}

static void
killed(struct job_result *r, int sig, int64_t max_output, struct arena *a)
{
	const char *name = sigabbrev_np(sig);
	const char *what = name ? arena_printf(a, "killed by SIG%s", name)
	                        : arena_printf(a, "killed by signal %d", sig);
	if (sig == SIGXFSZ)
		say(r, JOB_PERMANENT, "output",
		    arena_printf(a, "wrote a file of more than %lld bytes", (long long)max_output),
		    a);
	else if (sig == SIGXCPU)
		say(r, JOB_TIMEOUT, "timeout", "used up its processor time", a);
	else
		say(r, JOB_CRASH, "signal", what, a);
}

bool
verdict_command(struct job_result *r, const struct command_end *end, int64_t retry_after_ms,
                bool full, int64_t max_output, int64_t timeout_ms, struct arena *a)
{
	switch (end->how) {
	case COMMAND_EXITED:
		if (end->code == 0)
			return true;
		/* How a shell tells of a command's death by it. */
		if (end->code == 128 + SIGXFSZ) {
			killed(r, SIGXFSZ, max_output, a);
			return false;
		}
		exited(r, end->code, retry_after_ms, full, a);
		return false;
	case COMMAND_KILLED:
		killed(r, end->code, max_output, a);
		return false;
	case COMMAND_TIMEOUT:
		say(r, JOB_TIMEOUT, "timeout",
		    arena_printf(a, "not done after %lld ms", (long long)timeout_ms), a);
		return false;
	case COMMAND_CANCELLED:
		say(r, JOB_INTERRUPTED, "interrupted", "stopped by its worker", a);
		return false;
	case COMMAND_OVERFULL:
		say(r, JOB_PERMANENT, "output",
		    arena_printf(a,
		                 "filled its folder past what input and %lld bytes of output need",
		                 (long long)max_output),
		    a);
		return false;
	case COMMAND_CROWDED:
		say(r, JOB_PERMANENT, "processes",
		    arena_printf(a, "had more than %d processes at once", CROWD_MAX), a);
		return false;
	}
	return false;
}
