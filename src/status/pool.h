/* pool.h -- what one request works with: a database connection and the stores, for it alone. */
#ifndef STATUS_POOL_H
#define STATUS_POOL_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "db/db.h"
#include "store/store.h"

/* Neither a connection nor a store may be used by two threads at once: whoever took a seat has it
 * for itself until it is given back. */
struct seat {
	struct db *db;            /* owned by the seat; NULL until somebody asked for it */
	struct store_set *stores; /* owned by the seat */
	struct seat *next;
};

struct pool;

void pool_free(struct pool *d); /* all must have been given back; accepts NULL */
/* confs are borrowed for good. Nothing is opened yet. */
struct pool *pool_new(size_t count, const char *database_url, const struct store_conf *confs,
                      size_t conf_count, struct fault *f) OWNS(pool_free);
/* Waits at most 2 s for a free one. NULL + RC_RETRY: all are busy. */
struct seat *pool_take(struct pool *d, struct fault *f) MUST_USE;
void pool_give(struct pool *d, struct seat *seat);
/* The seat's connection, opened (again) if need be. NULL + RC_RETRY: the database is away; right
 * after a failure this answers at once, so that many requests do not all wait for it. */
struct db *seat_db(struct pool *d, struct seat *seat, struct fault *f) MUST_USE;

#endif
