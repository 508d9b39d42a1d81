/* log.h -- one JSON object (or one readable line) per event on stderr. Only stations and cmd/ log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

/* Process-wide; set once before threads start. role is borrowed for good ("worker", "receiver", …).
 */
void log_setup(const char *role, enum log_level least, bool json);

/* What prefixes every line of a job; any field may be NULL or 0. All borrowed for the call. */
struct log_ctx {
	const char *trace_id; /* trace_… */
	const char *job_id;   /* trace_…/step */
	const char *kind;
	const char *worker;
	int attempt;
	int64_t duration_ms;       /* -1 or 0: not shown */
	const struct fault *fault; /* shown as error.type and error.message */
};

/* event is a short constant with no variables in it ("job done"); details go to the format, which
 * may be NULL. A line is written by one write(2); control bytes and invalid UTF-8 are escaped. */
void log_event(const struct log_ctx *ctx, enum log_level level, const char *event, const char *fmt,
               ...) PRINTF_LIKE(4, 5);
/* The level by its name (debug, info, warn, error); false if there is none such. */
bool log_level_parse(const char *name, enum log_level *ret);

#define log_debug(...) log_event(NULL, LOG_DEBUG_, __VA_ARGS__)
#define log_info(...) log_event(NULL, LOG_INFO_, __VA_ARGS__)
#define log_warn(...) log_event(NULL, LOG_WARN_, __VA_ARGS__)
#define log_error(...) log_event(NULL, LOG_ERROR_, __VA_ARGS__)

#endif
