/* say.h -- what dev tells the person who started it: one line per step on stdout, with the time
 * since the start. */
#ifndef DEV_SAY_H
#define DEV_SAY_H

#include "base/compiler.h"
#include "base/fault.h"

/* From here on times are counted. */
void say_begin(void);
/* "   1.4 s  postgres ready". Control bytes are shown escaped; a line is written at once. */
void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The same without the time. */
void say_plain(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* On stderr, with the time: what went wrong. */
void say_problem(const struct fault *f);

#endif
