/* fault.h -- the one error type: a class that is the queue's policy, and a message. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdint.h>

#include "base/compiler.h"

/*
 * What the caller should do about a failure.
 * RC_RETRY      passing: try again later, with backoff
 * RC_PERMANENT  will never work with this input: dead at once, or refuse it
 * RC_LOST       the lease or the session is gone: drop the result, change nothing
 * RC_STOP       we were asked to stop: hand back what is held, burn no attempt
 * RC_BUG        a programmer's error; treated as permanent and logged loudly
 */
enum rc { RC_OK, RC_RETRY, RC_PERMANENT, RC_LOST, RC_STOP, RC_BUG };

/* Owned by the caller, usually on its stack; zero-initialise it. Messages longer than the
 * field are cut at a character boundary. sqlstate is "" unless PostgreSQL gave one; http is 0 or
 * the status of the reply that caused it; retry_after_ms is -1 or the delay that the far side asked
 * for (0-initialised faults read as "no wish" too, see fault_retry_after_ms). */
struct fault {
	enum rc rc;
	char sqlstate[6];
	int http;
	int64_t retry_after_ms;
	char code[64]; /* a short machine-readable class, e.g. "NoSuchKey", or "" */
	char message[512];
};

/* Sets class and message, clears the rest, returns rc, so that `return fault_set(f, RC_RETRY, …)`
 * works. f may be NULL. RC_OK is no class of a fault: it becomes RC_BUG. */
enum rc fault_set(struct fault *f, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Shows that the answer is never RC_OK to analyzers, who see one file at a time. */
static inline enum rc
fault_never_ok(enum rc rc)
{
	return rc == RC_OK ? RC_BUG : rc;
}
#define fault_set(...) fault_never_ok(fault_set(__VA_ARGS__))

/* Puts "context: " before the message; keeps class and codes. Returns f->rc. */
enum rc fault_context(struct fault *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The delay that the far side asked for; -1: it asked for none. */
static inline int64_t
fault_retry_after_ms(const struct fault *f)
{
	return f->retry_after_ms > 0 ? f->retry_after_ms : -1;
}

/* "ok", "retry", "permanent", "lost", "stop", "bug"; static. */
const char *rc_name(enum rc rc);

/* For a result that is deliberately not looked at; say why beside it. */
static inline void
ignore_rc(enum rc rc)
{
	(void)rc;
}

#endif
