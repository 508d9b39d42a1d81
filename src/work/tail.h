/* tail.h -- the end of what a handler prints, in bounded memory. */
#ifndef WORK_TAIL_H
#define WORK_TAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define TAIL_MAX 65536

/* A ring of the last TAIL_MAX bytes; zero-initialise. */
struct tail {
	char *data;    /* owned; made at the first byte */
	uint64_t seen; /* how many bytes there were in all */
};

void tail_free(struct tail *t);
/* What finds no memory is counted and dropped. */
void tail_add(struct tail *t, const void *bytes, size_t n);
/* The bytes kept, in order, from a character's start, each NUL as a space, NUL-terminated; NULL
 * when there were none. */
char *tail_text(const struct tail *t, struct arena *a);

#endif
