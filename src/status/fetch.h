/* fetch.h -- threads of their own for what asks a store: one that hangs takes no page with it. */
#ifndef STATUS_FETCH_H
#define STATUS_FETCH_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"

#define FETCH_THREADS 3

struct visit;
struct fetchers;

/* Waits for what is under way; nobody may put any more. Accepts NULL. */
void fetchers_stop(struct fetchers *f);
struct fetchers *fetchers_start(struct fault *f) OWNS(fetchers_stop);
/* True: v, which must lie in its own arena, is answered and freed with it by one of the threads.
 * False: too many wait; v stays the caller's. */
bool fetchers_put(struct fetchers *f, struct visit *v) MUST_USE;

#endif
