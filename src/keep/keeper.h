/* keeper.h -- the keeper station: what has to be done again and again, by whoever gets to it. */
#ifndef KEEP_KEEPER_H
#define KEEP_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"

struct keeper_conf {
	const char *database_url; /* NULL: PG* variables */
	const char *name;
	int64_t silent_ms; /* a worker silent for this long loses its jobs */
};

/* Until a stop is requested (RC_OK). RC_PERMANENT: it could not start, RC_STOP: stopped before it
 * was ready. Any number may run: each duty takes a lock of its own for its transaction. */
enum rc keeper_run(const struct keeper_conf *c, struct fault *f) MUST_USE;
/* True while it is connected: for the probe; from any thread. */
bool keeper_ready(void *unused);

#endif
