/* secrets.h -- the one or two secrets of a source, read again when their files change. */
#ifndef INTAKE_SECRETS_H
#define INTAKE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"

/* Any thread may match while one refreshes. */
struct secrets;

void secrets_free(struct secrets *s); /* accepts NULL */
/* second may be NULL. RC_PERMANENT when a file cannot be read or holds nothing: an empty secret
 * would let everybody in. The paths are borrowed for good. */
struct secrets *secrets_open(const char *first, const char *second, struct fault *f)
	OWNS(secrets_free);
/* Reads what changed (time, inode or size). On failure the old secrets stay valid. */
enum rc secrets_refresh(struct secrets *s, struct fault *f) MUST_USE;
/* In constant time, except for the lengths. */
bool secrets_match(struct secrets *s, const char *given, size_t n);

#endif
