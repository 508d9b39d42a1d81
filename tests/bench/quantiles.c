/* quantiles.c -- p50, p99 and the worst of many times. */
#include "quantiles.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

void
quantiles_print(const char *name, int64_t *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), compare);
	printf("%s_p50_ms %.3f\n", name, (double)values[n / 2] / 1e3);
	printf("%s_p99_ms %.3f\n", name, (double)values[n * 99 / 100] / 1e3);
	printf("%s_max_ms %.3f\n", name, (double)values[n - 1] / 1e3);
}
