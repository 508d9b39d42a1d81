/* duty.h -- the keeper's duties: one function each, and how often. Private to the keeper. */
#ifndef KEEP_DUTY_H
#define KEEP_DUTY_H

#include <stddef.h>

#include "keep/keeper.h"
#include "queue/keep.h"

struct duty {
	const char *name;
	int64_t period_ms; /* at most this long between two runs */
	bool waits;        /* only from silent_ms after a connection was made */
	/* *ret: how many rows it handled; *next_ms: period_ms, or sooner when it knows better. */
	enum rc (*run)(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms,
	               struct fault *f);
};

extern const struct duty duties[];
extern const size_t duties_count;

#endif
