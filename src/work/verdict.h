/* verdict.h -- what an attempt's end means to the queue; pure. */
#ifndef WORK_VERDICT_H
#define WORK_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "queue/job.h"
#include "work/command.h"

#define EXIT_REFUSED 65 /* EX_DATAERR: this input will never do */
#define EXIT_LATER 75   /* EX_TEMPFAIL */

/* A failure of ours: of the store, the scratch folder, the sandbox, the outputs, a built-in. */
void verdict_fault(struct job_result *r, const char *stage, const struct fault *f, struct arena *a);
/*
 * How a command ended. True when it is done, so that its outputs count. r->tail is quoted in the
 * error. full: the disk was, at its end, so that whatever it says is not the input's fault.
 */
bool verdict_command(struct job_result *r, const struct command_end *end, int64_t retry_after_ms,
                     bool full, int64_t max_output, int64_t timeout_ms, struct arena *a);

#endif
