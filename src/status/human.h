/* human.h -- times, durations and sizes as people read them, the exact value beside them. */
#ifndef STATUS_HUMAN_H
#define STATUS_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Unix microseconds of "2026-01-02T03:04:05[.678901](Z|+00:00)"; false, *ret untouched, for NULL
 * and anything else. */
bool human_parse_time(const char *rfc3339, int64_t *ret_us);
/* "340 ms", "1.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"; a negative one counts as 0. */
void human_duration(struct str *out, int64_t us);
/* "812 B", "48.2 KiB", "1.5 GiB". */
void human_size(struct str *out, int64_t bytes);
/* The same as HTML: "48.2 KiB" with the exact bytes as title. */
void human_size_html(struct str *out, int64_t bytes);
/* "12,345". */
void human_count(struct str *out, int64_t n);
/* <time> with the exact value as title: the clock to the second, the date before it unless it is
 * the day of now. A dash for NULL. */
void human_time_html(struct str *out, const char *rfc3339, int64_t now_us);
/* <time>: "12 s ago". */
void human_ago_html(struct str *out, const char *rfc3339, int64_t now_us);

#endif
