/* environment.c -- what a handler command finds in its environment. */
#include "work/environment.h"

#include <string.h>

#include "base/handler_names.h"
#include "net/hash.h"
#include "base/banned.h"

/* W3C: the trace is the upload, the parent span is this attempt. */
static char *
traceparent(const struct job *j, struct arena *a)
{
	char trace[ULID_HEX_MAX], span[SHA256_HEX_MAX];
	char *id = arena_printf(a, "%s/%s/%d", j->trace_id, j->step, j->ticket.attempt);
	if (!id)
		return NULL;
	hash_sha256_hex(id, strlen(id), span);
	return arena_printf(a, "TRACEPARENT=00-%s-%.16s-01",
	                    ulid_hex_text(&j->ticket.upload, trace), span);
}

char **
environment_of(const struct job *j, const char *home, struct arena *a)
{
	char *const vars[] = {
		arena_strdup(a,
		             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
		arena_strdup(a, "LANG=C.UTF-8"),
		arena_printf(a, "HOME=%s", home),
		arena_printf(a, "TMPDIR=%s", home),
		arena_printf(a, HANDLER_TRACE_ID "=%s", j->trace_id),
		arena_printf(a, HANDLER_JOB "=%s/%s", j->trace_id, j->step),
		arena_printf(a, HANDLER_KIND "=%s", j->kind),
		arena_printf(a, HANDLER_ATTEMPT "=%d", j->ticket.attempt),
		arena_printf(a, HANDLER_KEY "=%s", j->key),
		arena_printf(a, HANDLER_CONTENT_TYPE "=%s", j->content_type ? j->content_type : ""),
		traceparent(j, a),
	};
	char **env = arena_alloc(a, (ARRAY_LEN(vars) + 1) * sizeof *env);
	for (size_t i = 0; env && i < ARRAY_LEN(vars); i++) {
		if (!vars[i])
			return NULL;
		env[i] = vars[i];
	}
	return env;
}
