/* station.h -- what the commands that run a role have in common. */
#ifndef CMD_STATION_H
#define CMD_STATION_H

#include "base/conf.h"
#include "base/fault.h"

/*
 * Waits until the database has the schema of this binary (somebody runs `millrace migrate`), on a
 * connection of its own; logs what it waits for. RC_PERMANENT: the database is newer than this
 * binary, or refuses us. RC_STOP: asked to stop meanwhile.
 */
enum rc station_await_schema(const struct conf *c, const char *app, struct fault *f) MUST_USE;

#endif
