/* readers.h -- a few threads that ask stores, so that a slow store keeps the router's own thread
 * from nothing. */
#ifndef ROUTE_READERS_H
#define ROUTE_READERS_H

#include "route/routing.h"

struct readers;

struct readers_conf {
	const struct store_conf *stores; /* borrowed for good */
	size_t store_count;
	const struct decide_limits *limits; /* borrowed for good */
	size_t threads;
	size_t capacity; /* routings with us at once */
};

void readers_free(struct readers *rs); /* after readers_close; accepts NULL */
struct readers *readers_start(const struct readers_conf *c, struct fault *f) OWNS(readers_free);
/* False: capacity is reached. */
bool readers_put(struct readers *rs, struct routing *r) MUST_USE;
/* Those that are decided by now, at most max; never waits. */
size_t readers_take(struct readers *rs, struct routing **ret, size_t max);
/* Readable while some are. */
int readers_fd(struct readers *rs);
/* Lets what is being read end, hands back the rest as interrupted, and joins the threads. */
void readers_close(struct readers *rs);

#endif
