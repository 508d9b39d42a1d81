/* clock.h -- this machine's clocks. Monotonic for deadlines, wall only for logs and signatures:
 * what the queue decides, it decides by the database's clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* Unix milliseconds */
int64_t clock_wall_us(void);

#define CLOCK_TEXT_MAX 40
/* RFC 3339 in UTC with microseconds, e.g. 2026-01-02T03:04:05.678901Z, into buf; returns buf. */
char *clock_rfc3339(int64_t wall_us, char buf[CLOCK_TEXT_MAX]);
/* 20260102T030405Z, as SigV4 writes it. */
char *clock_basic(int64_t wall_us, char buf[CLOCK_TEXT_MAX]);

#endif
