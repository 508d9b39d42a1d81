/* seen.h -- a set of 16-byte digests: which files were already told to the receiver. */
#ifndef DEV_SEEN_H
#define DEV_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_BYTES 16

struct seen {
	uint8_t (*slots)[SEEN_BYTES]; /* all zero: free */
	size_t count, cap;
};

void seen_free(struct seen *s);
bool seen_has(const struct seen *s, const uint8_t digest[SEEN_BYTES]);
/* False when memory ends: the file is only told once more. */
bool seen_add(struct seen *s, const uint8_t digest[SEEN_BYTES]);

#endif
