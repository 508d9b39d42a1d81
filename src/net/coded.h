/* coded.h -- a fault with its machine-readable code. */
#ifndef NET_CODED_H
#define NET_CODED_H

#include <stdio.h>

#include "base/compiler.h"
#include "base/fault.h"

/* After fault_set, which answered rc: gives f its code and returns rc. f may be NULL. */
static inline enum rc
coded(struct fault *f, enum rc rc, const char *code)
{
	if (f != NULL)
		snprintf(f->code, sizeof(f->code), "%s", code);
	return rc;
}

/* One expression for both: FAULT(f, RC_PERMANENT, "NotFound", "no such bucket: %s", name). */
#define FAULT(f, rc, code, ...) coded((f), fault_set((f), (rc), __VA_ARGS__), (code))

#endif
