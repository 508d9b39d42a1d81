/* probe.h -- the listener of its own that every role has for /livez, /readyz and /metrics. */
#ifndef STATUS_PROBE_H
#define STATUS_PROBE_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"

struct probe;

void probe_stop(struct probe *p); /* accepts NULL */
/*
 * listen as in httpd_conf. /livez answers 200 as long as the process can answer at all and asks
 * nobody; /readyz 200 while ready(arg) is true, else 503; ready NULL: always ready. ready is called
 * from another thread, must be quick and must not wait; keep an atomic flag for it.
 */
struct probe *probe_start(const char *listen, bool (*ready)(void *arg), void *arg, struct fault *f)
	OWNS(probe_stop);
/* The port that it listens on (useful with port 0). */
unsigned probe_port(const struct probe *p);

#endif
