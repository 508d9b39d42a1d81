/* quantiles.h -- p50, p99 and the worst of many times. */
#ifndef BENCH_QUANTILES_H
#define BENCH_QUANTILES_H

#include <stddef.h>
#include <stdint.h>

/* Sorts the values (microseconds, at least one) and prints "NAME_p50_ms", "NAME_p99_ms" and
 * "NAME_max_ms". */
void quantiles_print(const char *name, int64_t *values, size_t n);

#endif
