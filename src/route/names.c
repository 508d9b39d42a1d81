/* names.c -- names that are looked up, however many: a table with open places. */
#include "route/names.h"

#include <string.h>

#include "base/banned.h"

bool
names_init(struct names *t, struct reader *r, size_t most)
{
	size_t size = 2;
	while (size / 2 < most)
		size *= 2;
	*t = (struct names){ .slots = reader_alloc(r, size, sizeof(*t->slots)), .mask = size - 1 };
	return t->slots != NULL;
}

/* FNV-1a; its high bits are the better mixed ones. */
static size_t
place_of(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (const char *c = text; *c; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return (size_t)(h ^ (h >> 32));
}

static struct name *
slot_of(const struct names *t, const char *text)
{
	size_t i = place_of(text) & t->mask;
	while (t->slots[i].text && strcmp(t->slots[i].text, text) != 0)
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

size_t
names_add(struct names *t, const char *text, size_t number)
{
	struct name *slot = slot_of(t, text);
	if (!slot->text)
		*slot = (struct name){ .text = text, .number = number };
	return slot->number;
}

size_t
names_find(const struct names *t, const char *text)
{
	const struct name *slot = slot_of(t, text);
	return slot->text ? slot->number : NAMES_NONE;
}
