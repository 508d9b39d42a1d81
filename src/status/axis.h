/* axis.h -- where a moment stands on a timeline: in proportion, but long quiet times are cut short
 * so that what happened before and after them can still be seen. */
#ifndef STATUS_AXIS_H
#define STATUS_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define AXIS_CUTS_MAX 8

struct axis_span {
	int64_t from_us, to_us;
	double from_x, to_x; /* percent */
	bool cut;
};

struct axis {
	struct axis_span spans[2 * AXIS_CUTS_MAX + 1];
	size_t count;
};

/* A moment at which something happened; busy is +1 where an attempt starts, -1 where it ends, else
 * 0. */
struct axis_point {
	int64_t us;
	int busy;
};

/* Sorts points. */
void axis_make(struct axis *ret, struct axis_point *points, size_t n);
/* Percent from the left; a moment outside is put at the nearer end. */
double axis_x(const struct axis *a, int64_t us);
/* The step between labels of an uncut axis: 1, 2 or 5 times a power of ten, about parts of them. */
int64_t axis_step_us(int64_t length_us, int parts);

#endif
