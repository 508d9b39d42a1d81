/* database.h -- the database in the private cluster: made, migrated, with a login for each
 * component. */
#ifndef DEV_DATABASE_H
#define DEV_DATABASE_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "dev/cluster.h"

/* Waits until the server answers. RC_PERMANENT if it ends instead. */
enum rc database_await(struct cluster *c, struct arena *a, struct fault *f) MUST_USE;
/* Makes what is missing; harmless when all is there. *ret_applied: how many migrations ran. */
enum rc database_prepare(const struct cluster *c, struct arena *a, size_t *ret_applied,
                         struct fault *f) MUST_USE;
/* How a component logs in: receiver, router, worker, keeper, reader, operator. NULL: no memory. */
const char *database_url(const struct cluster *c, const char *component, struct arena *a);

#endif
