/* router.h -- turns accepted uploads into jobs by the pipeline file. */
#ifndef ROUTE_ROUTER_H
#define ROUTE_ROUTER_H

#include "route/decide.h"
#include "store/store.h"

/* All borrowed until router_run returns. */
struct router_conf {
	const char *name, *host, *version; /* as in session_conf */
	const char *database_url, *listen_url;
	const char *pipeline; /* the file */
	struct decide_limits limits;
	const struct store_conf *stores;
	size_t store_count;
};

/*
 * Until a stop is requested: claims, decides, expands. RC_OK after a drain; RC_PERMANENT when the
 * pipeline file is no good at the start, or when the database refuses us for good. Everything that
 * passes is waited for.
 */
enum rc router_run(const struct router_conf *c, struct fault *f) MUST_USE;
/* For the probe: has a session and a pipeline, and is not stopping. arg is not used. */
bool router_ready(void *arg);

#endif
