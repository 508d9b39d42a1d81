/* fault.c -- the one error type. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#include "base/banned.h"

/* vsnprintf cuts anywhere; a message must stay valid UTF-8. */
static void
cut_message(struct fault *f, size_t wanted)
{
	if (wanted >= sizeof(f->message)) {
		size_t end = utf8_cut(f->message, sizeof(f->message) - 1);
		f->message[end] = '\0';
	}
}

#undef fault_set
enum rc
fault_set(struct fault *f, enum rc rc, const char *fmt, ...)
{
	rc = fault_never_ok(rc);
	if (!f)
		return rc;
	char message[sizeof(f->message)];
	va_list ap;
	va_start(ap, fmt);
	/* Into a copy first: an argument may be the old message. */
	int wanted = vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	memset(f, 0, sizeof(*f));
	f->rc = rc;
	f->retry_after_ms = -1;
	memcpy(f->message, message, sizeof(message));
	cut_message(f, wanted < 0 ? 0 : (size_t)wanted);
	return rc;
}

enum rc
fault_context(struct fault *f, const char *fmt, ...)
{
	if (!f)
		return RC_BUG;
	char message[sizeof(f->message)];
	va_list ap;
	va_start(ap, fmt);
	int wanted = vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	size_t n = wanted < 0 ? 0 : (size_t)wanted;
	if (n >= sizeof(message))
		n = sizeof(message) - 1;
	int rest = snprintf(message + n, sizeof(message) - n, ": %s", f->message);
	memcpy(f->message, message, sizeof(message));
	cut_message(f, n + (rest < 0 ? 0 : (size_t)rest));
	return f->rc;
}

const char *
rc_name(enum rc rc)
{
	static const char *const names[] = { "ok", "retry", "permanent", "lost", "stop", "bug" };
	return (size_t)rc < ARRAY_LEN(names) ? names[rc] : "unknown";
}
