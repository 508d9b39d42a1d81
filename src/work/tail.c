/* tail.c -- the end of what a handler prints, in bounded memory. */
#include "work/tail.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/banned.h"

void
tail_free(struct tail *t)
{
	free(t->data);
	*t = (struct tail){ 0 };
}

void
tail_add(struct tail *t, const void *bytes, size_t n)
{
	const char *p = bytes;
	if (!t->data)
		t->data = malloc(TAIL_MAX);
	if (t->data && n > TAIL_MAX) {
		p += n - TAIL_MAX;
		t->seen += n - TAIL_MAX;
		n = TAIL_MAX;
	}
	size_t at = (size_t)(t->seen % TAIL_MAX);
	size_t first = n < TAIL_MAX - at ? n : TAIL_MAX - at;
	t->seen += n;
	if (!t->data)
		return;
	memcpy(t->data + at, p, first);
	memcpy(t->data, p + first, n - first);
}

/* A text ends at its first NUL, and what a handler died of is at the end of what it printed. */
static void
drop_nuls(char *text, size_t n)
{
	for (char *p = text; (p = memchr(p, '\0', n - (size_t)(p - text)));)
		*p++ = ' ';
}

char *
tail_text(const struct tail *t, struct arena *a)
{
	if (!t->data || t->seen == 0)
		return NULL;
	size_t n = t->seen < TAIL_MAX ? (size_t)t->seen : TAIL_MAX;
	size_t start = t->seen < TAIL_MAX ? 0 : (size_t)(t->seen % TAIL_MAX);
	char *text = arena_alloc(a, n + 1);
	if (!text)
		return NULL;
	memcpy(text, t->data + start, n - start);
	memcpy(text + n - start, t->data, start);
	drop_nuls(text, n);
	size_t cut = t->seen > TAIL_MAX ? utf8_rest(text, n) : 0;
	return text + cut;
}
