/* worker.h -- the worker station: claims jobs, runs their handlers, records what became of them. */
#ifndef WORK_WORKER_H
#define WORK_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/store.h"
#include "work/handler.h"

/* All borrowed until worker_run returns. */
struct worker_conf {
	const char *database_url; /* NULL: PG* variables */
	const char *listen_url;   /* NULL: database_url */
	const char *name;         /* as people see it; unique per process */
	const char *host, *version;
	const char *const *kinds;
	size_t kind_count;
	int slots;
	const char *handlers;                                        /* folder; NULL: none */
	const char *scratch;                                         /* folder */
	const char *results_store, *results_bucket, *results_prefix; /* as in attempt_env */
	int64_t max_size, max_output, max_memory, grace_ms;
	const struct store_conf *stores;
	size_t store_count;
	const struct builtin *builtins;
	size_t builtin_count;
};

/*
 * Runs until a stop is requested (base/stop.h), then drains: what runs may end within grace_ms, the
 * rest is handed back. RC_OK after that. Anything else: it could not start; RC_PERMANENT for a
 * setting (a kind without a handler, no scratch folder), RC_STOP for a stop before it was ready.
 */
enum rc worker_run(const struct worker_conf *c, struct fault *f) MUST_USE;
/* True while it has its session: for the probe; from any thread. */
bool worker_ready(void *unused);

#endif
