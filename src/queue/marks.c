/* marks.c -- what a session remembers: how far its claims came, and what it holds of each. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "base/banned.h"

void
marks_clear(struct marks *m)
{
	for (size_t i = 0; i < MARK_CLASSES; i++)
		m->of[i] = (struct mark){ .now = -1, .aging = -1, .settled = -1, .stored = -1 };
}

static void
settle(struct mark *m, int64_t now_ms)
{
	if (now_ms - m->aging_since_ms < MARK_SETTLE_MS)
		return;
	m->settled = m->aging;
	m->aging = m->now;
	m->aging_since_ms = now_ms;
}

void
marks_advance(struct marks *m, int16_t class, int64_t position, int64_t now_ms)
{
	assert(class >= 0 && class < MARK_CLASSES);
	struct mark *mark = &m->of[class];
	if (mark->now < 0) {
		*mark = (struct mark){ position, position, -1, now_ms, -1 };
		return;
	}
	settle(mark, now_ms);
	if (position > mark->now)
		mark->now = position;
	/* The tickets of one claim come one by one: the last one says how far it came. */
	if (now_ms == mark->aging_since_ms)
		mark->aging = mark->now;
}

int64_t
marks_frontier(struct marks *m, int16_t class, bool settled, int64_t now_ms)
{
	assert(class >= 0 && class < MARK_CLASSES);
	struct mark *mark = &m->of[class];
	if (mark->now < 0)
		return -1;
	settle(mark, now_ms);
	return settled ? mark->settled : mark->now;
}

void
grants_free(struct grants *g)
{
	free(g->at);
	*g = (struct grants){ 0 };
}

void
grants_clear(struct grants *g)
{
	g->n = 0;
}

static struct grant *
find(struct grants *g, int64_t number)
{
	for (size_t i = g->n; i-- > 0;)
		if (g->at[i].number == number)
			return &g->at[i];
	return NULL;
}

bool
grants_add(struct grants *g, int64_t number)
{
	struct grant *known = find(g, number);
	if (known) {
		known->left++;
		return true;
	}
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 16;
		struct grant *at = realloc(g->at, cap * sizeof(*at));
		if (!at)
			return false;
		g->at = at;
		g->cap = cap;
	}
	g->at[g->n++] = (struct grant){ number, 1 };
	return true;
}

void
grants_drop(struct grants *g, int64_t number)
{
	struct grant *known = find(g, number);
	if (known && known->left > 0)
		known->left--;
}

void
grants_undo(struct grants *g, int64_t number)
{
	struct grant *known = find(g, number);
	if (known)
		known->left++;
}

void
grants_finished(const struct grants *g, struct str *array)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->at[i].left == 0)
			db_array_int(array, g->at[i].number);
}

void
grants_forget_finished(struct grants *g)
{
	size_t kept = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->at[i].left > 0)
			g->at[kept++] = g->at[i];
	g->n = kept;
}

size_t
grants_held(const struct grants *g)
{
	size_t sum = 0;
	for (size_t i = 0; i < g->n; i++)
		sum += g->at[i].left;
	return sum;
}
