/* log.c -- one line per event, by one write(2). */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

#include "base/banned.h"

#define LINE_MAX_BYTES ((size_t)128 * 1024)

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static struct {
	const char *role;
	enum log_level least;
	bool json;
} setup = { "millrace", LOG_INFO_, true };

void
log_setup(const char *role, enum log_level least, bool json)
{
	setup.role = role;
	setup.least = least;
	setup.json = json;
}

bool
log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void
add_field(struct str *line, const char *name, const char *value)
{
	if (!value)
		return;
	str_addf(line, ",\"%s\":", name);
	str_add_json(line, value);
}

static void
add_number(struct str *line, const char *name, int64_t value)
{
	if (value > 0)
		str_addf(line, ",\"%s\":%lld", name, (long long)value);
}

static void
write_json(struct str *line, const struct log_ctx *ctx, enum log_level level, const char *event,
           const char *message)
{
	char now[CLOCK_TEXT_MAX];
	str_addf(line, "{\"timestamp\":\"%s\",\"level\":\"%s\",\"service\":\"millrace\"",
	         clock_rfc3339(clock_wall_us(), now), level_names[level]);
	add_field(line, "role", setup.role);
	add_field(line, "event", event);
	add_field(line, "message", message);
	if (ctx) {
		add_field(line, "trace_id", ctx->trace_id);
		add_field(line, "job_id", ctx->job_id);
		add_field(line, "kind", ctx->kind);
		add_number(line, "attempt", ctx->attempt);
		add_field(line, "worker", ctx->worker);
		add_number(line, "duration_ms", ctx->duration_ms);
		if (ctx->fault) {
			const struct fault *f = ctx->fault;
			add_field(line, "error.type", f->code[0] ? f->code : rc_name(f->rc));
			add_field(line, "error.message", f->message);
			add_field(line, "sqlstate", f->sqlstate[0] ? f->sqlstate : NULL);
		}
	}
	str_add(line, "}\n");
}

/* The same escapes as in JSON, so that no byte of it moves a cursor or starts a line. */
static void
add_plain(struct str *line, const char *prefix, const char *text)
{
	if (!text)
		return;
	str_add(line, prefix);
	size_t start = line->len;
	if (!str_add_json(line, text))
		return;
	memmove(line->data + start, line->data + start + 1, line->len - start - 2);
	line->len -= 2;
	line->data[line->len] = '\0';
}

static void
write_text(struct str *line, const struct log_ctx *ctx, enum log_level level, const char *event,
           const char *message)
{
	char now[CLOCK_TEXT_MAX];
	str_addf(line, "%.12s %-5s %-8s ", clock_rfc3339(clock_wall_us(), now) + 11,
	         level_names[level], setup.role);
	add_plain(line, "", event);
	add_plain(line, ": ", message);
	if (ctx) {
		add_plain(line, " ", ctx->job_id ? ctx->job_id : ctx->trace_id);
		if (ctx->attempt > 0)
			str_addf(line, " attempt %d", ctx->attempt);
		if (ctx->duration_ms > 0)
			str_addf(line, " %lld ms", (long long)ctx->duration_ms);
		if (ctx->fault)
			add_plain(line, " -- ", ctx->fault->message);
	}
	str_addc(line, '\n');
}

void
log_event(const struct log_ctx *ctx, enum log_level level, const char *event, const char *fmt, ...)
{
	if (level < setup.least)
		return;
	struct str message = STR_INIT(LINE_MAX_BYTES);
	struct str line = STR_INIT(LINE_MAX_BYTES * 8);
	if (fmt) {
		va_list ap;
		va_start(ap, fmt);
		str_vaddf(&message, fmt, ap);
		va_end(ap);
	}
	const char *text = fmt ? str_text(&message) : NULL;
	if (setup.json)
		write_json(&line, ctx, level, event, text);
	else
		write_text(&line, ctx, level, event, text);
	/* Nobody is left to tell when stderr itself fails. */
	ssize_t ignored = write(STDERR_FILENO, str_text(&line), line.len);
	(void)ignored;
	str_free(&message);
	str_free(&line);
}
