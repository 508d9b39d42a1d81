/* cluster.h -- a private PostgreSQL 15: its own folder, its own socket, no TCP, only our user. */
#ifndef DEV_CLUSTER_H
#define DEV_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"

struct cluster;

/*
 * Finds PostgreSQL 15's programs (PG_BINDIR, Debian's folder, PATH), makes home (the cluster's own
 * folder) and runs initdb in it unless that was done before; writes to log. As root everything runs
 * as `postgres`, and when that user cannot reach home the files go to /var/lib, with home a link to
 * them. RC_PERMANENT says what is missing and how to get it. All texts of c live in the arena.
 */
void cluster_free(struct cluster *c); /* accepts NULL; the server must be stopped */
void cluster_freep(struct cluster **c);
struct cluster *cluster_new(const char *home, const char *log, bool *ret_fresh, struct fault *f)
	OWNS(cluster_free);

/* Starts the server and returns at once; connecting tells when it is ready. A server left over from
 * a supervisor that was killed is waited for first. */
enum rc cluster_start(struct cluster *c, struct fault *f) MUST_USE;
/* False once the server has ended by itself; *ret_status is waitpid's. */
bool cluster_alive(struct cluster *c, int *ret_status);
/* Fast stop; after a deadline an immediate one. */
void cluster_stop(struct cluster *c);

/* A connection string for a database and a user of it, or NULL when memory ends. */
const char *cluster_conninfo(const struct cluster *c, const char *database, const char *user,
                             struct arena *a);

#endif
