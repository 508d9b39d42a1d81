/* settings.h -- the configuration file that all of dev's roles read. */
#ifndef DEV_SETTINGS_H
#define DEV_SETTINGS_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "dev/dev.h"
#include "dev/state.h"

struct settings {
	const char *pipeline;
	const char *handlers;
	const char *kinds;  /* those of the handlers folder, separated by commas */
	const char *root;   /* what is watched, NULL with S3; its folders are buckets */
	const char *bucket; /* the only one; NULL: all */
	const char *store;  /* the name of the store that uploads are in */
};

/* Finds what was not given. RC_PERMANENT names what is missing and where it was looked for. */
enum rc settings_find(const struct dev_conf *conf, const struct state *state, struct settings *ret,
                      struct fault *f) MUST_USE;
/* Writes STATE/millrace.conf: with it the CLI works on this database too. */
enum rc settings_write(const struct dev_conf *conf, const struct state *state,
                       const struct settings *settings, const char *database_url,
                       const char *public_url, struct fault *f) MUST_USE;

#endif
