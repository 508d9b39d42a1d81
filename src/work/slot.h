/* slot.h -- the threads that run handlers, and the jobs on their way through them. */
#ifndef WORK_SLOT_H
#define WORK_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "work/attempt.h"

/* The jobs of one claim; freed with the last of them. */
struct batch {
	struct arena *arena; /* owned */
	size_t left;
};

/*
 * One job in this worker. The thread that talks to the queue owns it, except that from slots_give
 * to slots_take a slot reads `job` and writes `result` and `arena`.
 */
struct work {
	struct batch *batch; /* NULL: free */
	const struct job *job;
	struct ticket ticket; /* as the session sees it now */
	struct arena *arena;  /* owned; of the result */
	int cancel_fd;        /* owned; an eventfd */
	bool running;         /* given and not yet taken */
	bool lost;            /* the ticket is somebody else's: drop the result */
	struct job_result result;
};

/* As many works as threads: what is claimed always has a thread to go to. */
struct slots;

/* Closes the queue of what waits and joins the threads; works must have been taken back, or be
 * about to end. */
void slots_free(struct slots *s);
struct slots *slots_new(int count, const struct attempt_env *env, const struct store_conf *stores,
                        size_t store_count, struct fault *f) OWNS(slots_free);
size_t slots_count(const struct slots *s);
struct work *slots_work(struct slots *s, size_t i);

/* How many works are free, one of them (NULL: none) bound to a job, and back. */
size_t slots_idle(const struct slots *s);
struct work *slots_bind(struct slots *s, struct batch *b, const struct job *j);
void slots_release(struct slots *s, struct work *w);

void slots_give(struct slots *s, struct work *w);
/* Those that are done, at once. */
size_t slots_take(struct slots *s, struct work **ret, size_t max);
/* Ends its handler soon; harmless when it is done. */
void slots_cancel(struct work *w);
/* Readable when slots_take would answer something. */
int slots_fd(struct slots *s);

#endif
