/* station.h -- what the commands that run a role have in common. */
#ifndef CMD_STATION_H
#define CMD_STATION_H

#include "base/arena.h"
#include "base/conf.h"
#include "base/fault.h"
#include "store/store.h"

/*
 * Waits until the database has the schema of this binary (somebody runs `millrace migrate`), on a
 * connection of its own; logs what it waits for. RC_PERMANENT: the database is newer than this
 * binary, or refuses us. RC_STOP: asked to stop meanwhile.
 */
enum rc station_await_schema(const struct conf *c, const char *app, struct fault *f) MUST_USE;
/* The [store NAME] sections; without any, one store "s3" that the AWS_* variables describe.
 * NULL when memory ends. Everything lives as long as c and a. */
const struct store_conf *station_stores(const struct conf *c, struct arena *a, size_t *ret_n);
/* "a, b,c" to its parts; *ret_n 0 for NULL and blanks. NULL when memory ends. */
const char *const *station_list(const char *text, struct arena *a, size_t *ret_n);

#endif
