/* seen.c -- a set of 16-byte digests: which files were already told to the receiver. */
#include "dev/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const uint8_t no_digest[SEEN_BYTES];

void
seen_free(struct seen *s)
{
	free(s->slots);
	*s = (struct seen){ 0 };
}

/* The slot that holds it or the free one where it belongs. cap is a power of two, never full. */
static size_t
slot_of(const struct seen *s, const uint8_t digest[SEEN_BYTES])
{
	uint64_t hash;
	memcpy(&hash, digest, sizeof(hash));
	size_t i = (size_t)hash & (s->cap - 1);
	while (memcmp(s->slots[i], no_digest, SEEN_BYTES) != 0 &&
	       memcmp(s->slots[i], digest, SEEN_BYTES) != 0)
		i = (i + 1) & (s->cap - 1);
	return i;
}

bool
seen_has(const struct seen *s, const uint8_t digest[SEEN_BYTES])
{
	return s->cap > 0 && memcmp(s->slots[slot_of(s, digest)], digest, SEEN_BYTES) == 0;
}

static bool
grow(struct seen *s)
{
	struct seen bigger = { .cap = s->cap ? s->cap * 2 : 1024, .count = s->count };
	bigger.slots = calloc(bigger.cap, SEEN_BYTES);
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < s->cap; i++)
		if (memcmp(s->slots[i], no_digest, SEEN_BYTES) != 0)
			memcpy(bigger.slots[slot_of(&bigger, s->slots[i])], s->slots[i],
			       SEEN_BYTES);
	free(s->slots);
	*s = bigger;
	return true;
}

bool
seen_add(struct seen *s, const uint8_t digest[SEEN_BYTES])
{
	if ((s->count + 1) * 2 > s->cap && !grow(s))
		return false;
	size_t i = slot_of(s, digest);
	if (memcmp(s->slots[i], digest, SEEN_BYTES) != 0)
		s->count++;
	memcpy(s->slots[i], digest, SEEN_BYTES);
	return true;
}
