/* dev.h -- the whole of Millrace on one machine: a private PostgreSQL, all roles, a folder or an S3
 * server as buckets. */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"

struct dev_conf {
	const char *folder;    /* the one bucket to watch; NULL: every folder in STATE/buckets */
	const char *state_dir; /* NULL: the XDG state folder */
	const char *listen;    /* of the status server; NULL: 127.0.0.1:8471 or a free port */
	const char *pipeline;  /* NULL: STATE/pipeline.json, else the one that came along */
	const char *handlers;  /* NULL: those that came along */
	const char *s3;        /* endpoint; NULL: folders */
	const char *s3_buckets;
	bool exit_when_done;
};

/*
 * Runs until SIGINT or SIGTERM, or until every upload is final if so asked; then stops everything,
 * roles first. Speaks on stdout (say.h). RC_OK after an orderly stop.
 */
enum rc dev_run(const struct dev_conf *conf, struct fault *f) MUST_USE;

#endif
