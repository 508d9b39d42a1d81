/* num.h -- numbers, sizes and durations from text; all of it or an error, no locale. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal, optional '-', no blanks, within [min, max]; *ret untouched on failure. */
bool num_parse(const char *text, int64_t min, int64_t max, int64_t *ret);
/* Bytes: "4096", "64k", "50MB", "1GiB" (k/M/G/T with or without B or iB, all powers of 1024). */
bool num_parse_size(const char *text, int64_t *ret_bytes);
/* Milliseconds: "250ms", "10s", "5m", "2h", "14d"; a bare number is seconds. */
bool num_parse_duration(const char *text, int64_t *ret_ms);
/* Hex digits to bytes; exactly 2*n digits. */
bool num_parse_hex(const char *text, void *ret, size_t n);

#endif
