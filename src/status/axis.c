/* axis.c -- a timeline's scale. */
#include "status/axis.h"

#include <stdlib.h>

#include "base/banned.h"

#define QUIET_LEAST_US INT64_C(3000000)
#define CUT_WIDTH 5.0

static int
by_time(const void *a, const void *b)
{
	const struct axis_point *x = a;
	const struct axis_point *y = b;
	return x->us < y->us ? -1 : x->us > y->us;
}

/* The time in which something ran, or that is too short to matter. */
static int64_t
lively_us(const struct axis_point *points, size_t n)
{
	int64_t sum = 0;
	int busy = 0;
	for (size_t i = 0; i + 1 < n; i++) {
		int64_t d = points[i + 1].us - points[i].us;
		busy += points[i].busy;
		if (busy > 0 || d < QUIET_LEAST_US)
			sum += d;
	}
	return sum;
}

static void
add_span(struct axis *a, int64_t from, int64_t to, bool cut)
{
	struct axis_span *last = a->count > 0 ? &a->spans[a->count - 1] : NULL;
	if (last && last->cut == cut)
		last->to_us = to;
	else
		a->spans[a->count++] =
			(struct axis_span){ .from_us = from, .to_us = to, .cut = cut };
}

static void
place(struct axis *a)
{
	int64_t shown = 0;
	double room = 100;
	for (size_t i = 0; i < a->count; i++) {
		if (a->spans[i].cut)
			room -= CUT_WIDTH;
		else
			shown += a->spans[i].to_us - a->spans[i].from_us;
	}
	double x = 0;
	for (size_t i = 0; i < a->count; i++) {
		struct axis_span *s = &a->spans[i];
		double length = (double)(s->to_us - s->from_us);
		s->from_x = x;
		x += s->cut ? CUT_WIDTH : shown > 0 ? room * length / (double)shown : 0;
		s->to_x = x;
	}
}

void
axis_make(struct axis *ret, struct axis_point *points, size_t n)
{
	int busy = 0;
	size_t cuts = 0;
	*ret = (struct axis){ 0 };
	if (n == 0)
		return;
	qsort(points, n, sizeof(points[0]), by_time);
	int64_t lively = lively_us(points, n);
	for (size_t i = 0; i + 1 < n; i++) {
		int64_t d = points[i + 1].us - points[i].us;
		busy += points[i].busy;
		/* What is too short to be quiet is lively itself. */
		bool cut = busy <= 0 && lively > 0 && d > 2 * lively && cuts < AXIS_CUTS_MAX;
		cuts += cut;
		if (d > 0)
			add_span(ret, points[i].us, points[i + 1].us, cut);
	}
	place(ret);
}

double
axis_x(const struct axis *a, int64_t us)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct axis_span *s = &a->spans[i];
		if (us <= s->from_us)
			return s->from_x;
		if (us < s->to_us)
			return s->from_x + (s->to_x - s->from_x) * (double)(us - s->from_us) /
			                           (double)(s->to_us - s->from_us);
	}
	return a->count > 0 ? 100 : 0;
}

int64_t
axis_step_us(int64_t length_us, int parts)
{
	static const int64_t steps[] = { 1, 2, 5 };
	for (int64_t unit = 1; unit < INT64_MAX / 100; unit *= 10)
		for (size_t i = 0; i < ARRAY_LEN(steps); i++)
			if (length_us / (unit * steps[i]) <= parts)
				return unit * steps[i];
	return length_us;
}
