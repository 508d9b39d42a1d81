/* state.h -- the folder that outlives a run of dev: paths, the lock, the secret, the settings of
 * all roles. */
#ifndef DEV_STATE_H
#define DEV_STATE_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"

/* The bucket in the store `results`. */
#define STATE_RESULTS_BUCKET "files"

struct state {
	struct arena *arena;
	int lock_fd;
	const char *root;
	const char *postgres; /* the private cluster */
	const char *log;      /* folder, one file per process */
	const char *conf;     /* the file that all roles read */
	const char *secret;   /* file: the bearer token of the watch and of an S3 server */
	const char *token;    /* its content */
	const char *buckets;  /* folder whose folders are buckets */
	const char *results;  /* folder of the store `results` */
	const char *ready;    /* file: there while everything runs; holds the status server's URL */
};

/*
 * Makes the folder (NULL: $XDG_STATE_HOME/millrace or ~/.local/state/millrace) with what is in it
 * and locks it until state_close. RC_PERMANENT: another dev uses it, or which path cannot be made.
 */
enum rc state_open(const char *folder, struct state *ret, struct fault *f) MUST_USE;
void state_close(struct state *s);

#endif
