/* ulid.h -- trace IDs: 128 bits, the first 48 the time of making in milliseconds, the rest random.
 */
#ifndef BASE_ULID_H
#define BASE_ULID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"

struct ulid {
	uint8_t bytes[16];
};

#define TRACE_TEXT_MAX 33 /* "trace_" + 26 characters + NUL */
#define ULID_UUID_MAX 37  /* 8-4-4-4-12 + NUL */
#define ULID_HEX_MAX 33

/* RC_RETRY if the kernel gives no random bytes. */
enum rc ulid_new(struct ulid *ret, struct fault *f) MUST_USE;
char *ulid_trace_text(const struct ulid *u, char buf[TRACE_TEXT_MAX]); /* trace_01J8… */
char *ulid_uuid_text(const struct ulid *u, char buf[ULID_UUID_MAX]);   /* as PostgreSQL writes it */
char *ulid_hex_text(const struct ulid *u, char buf[ULID_HEX_MAX]);     /* the W3C trace ID */
/* Reads trace_ + 26 Crockford characters, the 26 alone, 32 hex digits or a UUID, in any case.
 * False for anything else, an overflowing first character and all-zero included. */
bool ulid_parse(const char *text, struct ulid *ret);

#endif
