/* handler.h -- which function or command a kind runs; the worker's own configuration. */
#ifndef WORK_HANDLER_H
#define WORK_HANDLER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "net/hash.h"
#include "queue/job.h"
#include "store/store.h"

/* What a built-in handler is given; all borrowed for the call. */
struct builtin_call {
	const struct job *job;
	struct store_set *stores;
	struct arena *arena; /* for what the result points to */
	int cancel_fd;       /* readable: give up with RC_STOP */
};

/*
 * A handler within this process. RC_OK: ret holds the outcome (JOB_DONE, no outputs, as it comes);
 * RC_RETRY and RC_PERMANENT become errors of the fault's code, RC_STOP hands the job back.
 */
struct builtin {
	const char *kind;
	enum rc (*run)(const struct builtin_call *c, struct job_result *ret, struct fault *f);
};

/* Does nothing, successfully: for measuring the queue. */
extern const struct builtin builtin_noop;

struct handler;
struct handlers;

void handlers_free(struct handlers *h);
void handlers_freep(struct handlers **h);
/*
 * One for each kind: a built-in of that name, else the executable dir/KIND. RC_PERMANENT that names
 * kind and path if one is missing. builtins is borrowed for good, the rest is copied. Shared by
 * threads.
 */
struct handlers *handlers_new(const char *const *kinds, size_t n, const char *dir,
                              const struct builtin *builtins, size_t builtin_n, struct fault *f)
	OWNS(handlers_free);
/* NULL: none such. */
const struct handler *handlers_find(const struct handlers *h, const char *kind);
/* NULL for a command. */
const struct builtin *handler_builtin(const struct handler *h);
/* Absolute; NULL for a built-in. */
const char *handler_path(const struct handler *h);
/* The sha-256 of the command as it is now (read again when the file changes), in the arena; NULL
 * for a built-in or a file that cannot be read. */
const char *handler_digest(const struct handler *h, struct arena *a);

#endif
