/* progress.h -- one line for each upload as it becomes final. */
#ifndef DEV_PROGRESS_H
#define DEV_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "dev/seen.h"

struct progress {
	const char *database_url; /* of a login that may read */
	const char *base_url;     /* of the status server */
	struct db *db;            /* opened at first use */
	struct seen told;
	bool began;      /* the first look is behind us */
	size_t seen_all; /* uploads at the last look */
	size_t open;     /* of them, not final */
	int64_t busy;    /* jobs and uploads that the queues still count */
	uint64_t queues_sum;
	bool moved, moved_since; /* since the last list, and since the last long one */
	int64_t list_at_ms;      /* when the next is due */
};

/* Looks once and says a line `STATE  KEY  open URL` for each upload that is final and was not told
 * yet; the first look tells of the newest 20 at most. RC_RETRY: the database is away. */
enum rc progress_look(struct progress *p, struct fault *f) MUST_USE;
void progress_close(struct progress *p);

#endif
