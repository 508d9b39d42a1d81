/* desk.h -- what one request works with: a database connection and the stores, for it alone. */
#ifndef STATUS_DESK_H
#define STATUS_DESK_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "db/db.h"
#include "store/store.h"

/* Neither a connection nor a store may be used by two threads at once: whoever took a desk has it
 * for itself until it is given back. */
struct desk {
	struct db *db;            /* owned by the desk; NULL until somebody asked for it */
	struct store_set *stores; /* owned by the desk */
	struct desk *next;
};

struct desks;

void desks_free(struct desks *d); /* all must have been given back; accepts NULL */
/* confs are borrowed for good. Nothing is opened yet. */
struct desks *desks_new(size_t count, const char *database_url, const struct store_conf *confs,
                        size_t conf_count, struct fault *f) OWNS(desks_free);
/* Waits at most 2 s for a free one. NULL + RC_RETRY: all are busy. */
struct desk *desks_take(struct desks *d, struct fault *f) MUST_USE;
void desks_give(struct desks *d, struct desk *desk);
/* The desk's connection, opened (again) if need be. NULL + RC_RETRY: the database is away; right
 * after a failure this answers at once, so that many requests do not all wait for it. */
struct db *desk_db(struct desks *d, struct desk *desk, struct fault *f) MUST_USE;

#endif
