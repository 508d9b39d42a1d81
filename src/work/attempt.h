/* attempt.h -- one attempt of one job: input, handler, output. */
#ifndef WORK_ATTEMPT_H
#define WORK_ATTEMPT_H

#include "work/handler.h"
#include "work/sandbox.h"
#include "work/scratch.h"

/* What all attempts of a worker share; borrowed. */
struct attempt_env {
	const struct sandbox *sandbox;
	const struct handlers *handlers;
	struct scratch *scratch;   /* NULL when every kind is built in */
	const char *results_store; /* NULL: handlers may not leave files */
	const char *results_bucket;
	const char *results_prefix; /* "" or with a slash at its end */
	int64_t max_size;           /* of the input */
	int64_t max_output;         /* of all outputs together */
};

/*
 * Runs it to its end; whatever happens is in *ret, whose texts are in the arena and whose ticket is
 * left to the caller. cancel_fd readable: everything is given up, JOB_INTERRUPTED. Files are stored
 * as PREFIX TRACE/STEP/ATTEMPT/NAME, so no two attempts ever write the same.
 */
void attempt_run(const struct attempt_env *env, struct store_set *stores, const struct job *job,
                 int cancel_fd, struct arena *a, struct job_result *ret);

#endif
