/* duty.h -- the keeper's duties: one function each, and how often. Private to the keeper. */
#ifndef KEEP_DUTY_H
#define KEEP_DUTY_H

#include <stddef.h>

#include "keep/keeper.h"
#include "queue/keep.h"

struct turn {
	int64_t seen;      /* the duty's own, kept from run to run; 0 at first */
	int64_t waited_ms; /* how long after the last run this one was due */
	int64_t done;      /* out: how many rows it handled */
	int64_t next_ms;   /* out: period_ms, or sooner when it knows better */
};

struct duty {
	const char *name;
	int64_t period_ms; /* at most this long between two runs */
	bool waits;        /* only from silent_ms after a connection was made */
	enum rc (*run)(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f);
};

extern const struct duty duties[];
extern const size_t duties_count;

#endif
