/* role.h -- what the roles' commands share: stores, lists, names, the probe. */
#ifndef CMD_ROLE_H
#define CMD_ROLE_H

#include <stdbool.h>

#include "base/conf.h"
#include "store/store.h"

/* "0.1.0" */
extern const char cmd_version[];

/* The [store NAME] sections, in the file's order; with none at all, one store "s3" that the AWS_*
 * variables describe. The array is the caller's (free), its texts are c's. NULL + RC_PERMANENT: one
 * has no url. */
struct store_conf *cmd_stores(const struct conf *c, size_t *ret_n, struct fault *f) MUST_USE;

/* "a,b , c" as texts of their own; empty parts are left out. */
struct cmd_list {
	char *text;         /* owned */
	const char **items; /* owned; point into text */
	size_t n;
};
void cmd_list_free(struct cmd_list *l);
struct cmd_list cmd_list_split(const char *text); /* NULL: none */

/* How a role ends: asked to stop, while it waited for the database too, is as good an end as any.
 */
int cmd_role_end(const char *command, enum rc rc, const struct fault *f);

/* Who this process is: --name, else host-pid. Owned by it, for good. */
struct cmd_self {
	char *name, *host;
};
void cmd_self_free(struct cmd_self *s);
struct cmd_self cmd_self_make(const struct conf *c);

#endif
