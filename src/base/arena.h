/* arena.h -- memory that is released at once; for all that lives as long as one message or one
 * attempt. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/compiler.h"

struct arena;

/* max is the most that it will ever hand out, in bytes. NULL when memory ends. */
void arena_free(struct arena *a);
struct arena *arena_new(size_t max) OWNS(arena_free);
void arena_freep(struct arena **a); /* for CLEANUP */

/* Aligned for any type, zeroed; NULL past max or when memory ends. */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;
char *arena_strdup(struct arena *a, const char *text) MUST_USE; /* NULL for NULL */
char *arena_strndup(struct arena *a, const char *text, size_t n) MUST_USE;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Forgets everything handed out; keeps the first block. */
void arena_reset(struct arena *a);

#endif
