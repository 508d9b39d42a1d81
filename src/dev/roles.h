/* roles.h -- the role processes of dev: started, looked after, stopped. */
#ifndef DEV_ROLES_H
#define DEV_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"

struct role_conf {
	const char *command;      /* the subcommand */
	const char *database_url; /* with this role's own login */
	const char *listen;       /* NULL: none */
};

struct roles;

void roles_free(struct roles *r); /* accepts NULL; all must be stopped */
/* conf_file is what all read; log_folder gets one file each. Texts are borrowed. */
struct roles *roles_new(const struct role_conf *confs, size_t n, const char *conf_file,
                        const char *log_folder, struct fault *f) OWNS(roles_free);
/* Starts all and waits until each says on its probe listener that it is ready. RC_PERMANENT names
 * the one that ended or was not ready in time, and its log. ready is told of each. */
enum rc roles_start(struct roles *r, void (*ready)(const char *command), struct fault *f) MUST_USE;
/* Starts those again that ended, with growing delays; problem is told of each end. Never blocks. */
void roles_look_after(struct roles *r, void (*problem)(const struct fault *f));
/* SIGTERM to all, then the end of each; SIGKILL after the deadline. False if any had to be killed
 * or did not exit with 0. */
bool roles_stop(struct roles *r, int64_t ms);

/* A loopback port that is free now: preferred if it is, else one that the kernel chooses. */
unsigned roles_free_port(unsigned preferred);

#endif
