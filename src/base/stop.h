/* stop.h -- SIGTERM and SIGINT as something that threads can wait for. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* Process-wide; call before threads start. Blocks nothing; ignores SIGPIPE. */
enum rc stop_setup(struct fault *f);
/* True from the first SIGTERM or SIGINT, or stop_request(), on. */
bool stop_requested(void);
void stop_request(void);
/* The signal that asked, 0 if none did (or stop_request). */
int stop_signal(void);
/* Readable (and never drained) once a stop is requested: for poll(2). */
int stop_fd(void);
/* Sleeps at most ms; true if a stop ended it. */
bool stop_wait_ms(int64_t ms);

#endif
