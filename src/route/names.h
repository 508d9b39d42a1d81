/* names.h -- private to the pipeline file's parser: names that are looked up, however many. */
#ifndef ROUTE_NAMES_H
#define ROUTE_NAMES_H

#include <stdint.h>

#include "route/reader.h"

struct name {
	const char *text; /* borrowed; NULL: free */
	size_t number;
};

struct names {
	struct name *slots; /* in the arena; a power of two, at most half of them taken */
	size_t mask;
};

#define NAMES_NONE SIZE_MAX

/* Room for so many; false (and noted) on exhaustion. */
bool names_init(struct names *t, struct reader *r, size_t most) MUST_USE;
/* The number under which it was added first: the given one if it is new. */
size_t names_add(struct names *t, const char *text, size_t number);
/* NAMES_NONE: it is not there. */
size_t names_find(const struct names *t, const char *text) MUST_USE;

#endif
