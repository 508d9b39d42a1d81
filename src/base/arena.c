/* arena.c -- memory that is released at once. */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BLOCK_BYTES ((size_t)8192)

struct block {
	struct block *next;
	size_t size;
	size_t used;
	max_align_t data[];
};

struct arena {
	struct block *first; /* owned; the newest that has room */
	size_t max;
	size_t used;
};

struct arena *
arena_new(size_t max)
{
	struct arena *a = calloc(1, sizeof(*a));
	if (a)
		a->max = max;
	return a;
}

static void
free_blocks(struct block *b)
{
	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
}

static void
destroy(struct arena *a)
{
	if (!a)
		return;
	free_blocks(a->first);
	free(a);
}

void
arena_free(struct arena *a)
{
	destroy(a);
}

void
arena_freep(struct arena **a)
{
	destroy(*a);
	*a = NULL;
}

static struct block *
add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct block *b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->used = 0;
	b->next = a->first;
	a->first = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	if (n > SIZE_MAX - align)
		return NULL;
	size_t rounded = n == 0 ? align : (n + align - 1) / align * align;
	if (rounded > a->max || a->used > a->max - rounded)
		return NULL;
	struct block *b = a->first;
	if (!b || b->size - b->used < rounded)
		b = add_block(a, rounded);
	if (!b)
		return NULL;
	void *p = (char *)b->data + b->used;
	b->used += rounded;
	a->used += rounded;
	memset(p, 0, rounded);
	return p;
}

char *
arena_strndup(struct arena *a, const char *text, size_t n)
{
	if (!text || n == SIZE_MAX)
		return NULL;
	char *copy = arena_alloc(a, n + 1);
	if (copy)
		memcpy(copy, text, n);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *text)
{
	return text ? arena_strndup(a, text, strlen(text)) : NULL;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void
arena_reset(struct arena *a)
{
	struct block *last = a->first;
	while (last && last->next) {
		struct block *next = last->next;
		free(last);
		last = next;
	}
	a->first = last;
	a->used = 0;
	if (last)
		last->used = 0;
}
