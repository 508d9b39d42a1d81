/* details.c -- what a call tells as JSON: how a try ended, what a router found, what arrived. */
#include <inttypes.h>
#include <string.h>

#include "queue/internal.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "base/banned.h"

#define ERROR_MAX 4096
#define TAIL_MAX 65536

/* "key": — with a comma unless it is the first of its object. */
static void
add_key(struct str *out, const char *key)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		str_addc(out, ',');
	str_addf(out, "\"%s\":", key);
}

/* Unknown values are left out. */
static void
add_text(struct str *out, const char *key, const char *text)
{
	if (!text)
		return;
	add_key(out, key);
	str_add_json(out, text);
}

static void
add_raw(struct str *out, const char *key, const char *json)
{
	if (!json)
		return;
	add_key(out, key);
	str_add(out, json);
}

static void
add_number(struct str *out, const char *key, int64_t v)
{
	if (v < 0)
		return;
	add_key(out, key);
	str_addf(out, "%" PRId64, v);
}

static void
add_head(struct str *out, const char *key, const char *text, size_t max)
{
	if (!text)
		return;
	size_t n = strlen(text);
	add_key(out, key);
	str_add_jsonn(out, text, n > max ? utf8_cut(text, max) : n);
}

/* The end, starting at a character. */
static void
add_tail(struct str *out, const char *key, const char *text, size_t max)
{
	if (!text)
		return;
	size_t n = strlen(text), skip = n > max ? n - max : 0;
	if (skip > 0)
		skip += utf8_rest(text + skip, n - skip);
	add_key(out, key);
	str_add_jsonn(out, text + skip, n - skip);
}

static void
add_outputs(struct str *out, const struct job_result *r)
{
	if (r->output_count == 0)
		return;
	add_key(out, "outputs");
	str_addc(out, '[');
	for (size_t i = 0; i < r->output_count; i++) {
		const struct job_output *o = &r->outputs[i];
		str_add(out, i ? ",{" : "{");
		add_text(out, "name", o->name);
		add_text(out, "uri", o->uri);
		add_number(out, "size", o->size);
		add_text(out, "sha256", o->sha256);
		add_text(out, "content_type", o->content_type);
		str_addc(out, '}');
	}
	str_addc(out, ']');
}

void
details_of_job(const struct job_result *r, struct str *out)
{
	str_addc(out, '{');
	add_text(out, "error_class", r->error_class);
	add_head(out, "error", r->error, ERROR_MAX);
	add_text(out, "stage", r->stage);
	add_tail(out, "tail", r->tail, TAIL_MAX);
	add_raw(out, "result", r->result);
	add_outputs(out, r);
	add_text(out, "input_version", r->input_version);
	add_text(out, "handler_digest", r->handler_digest);
	add_number(out, "cpu_ms", r->cpu_ms);
	add_number(out, "rss_kb", r->rss_kb);
	add_number(out, "bytes_in", r->bytes_in);
	add_number(out, "bytes_out", r->bytes_out);
	str_addc(out, '}');
}

void
details_of_route(const struct route_result *r, struct str *out)
{
	str_addc(out, '{');
	add_text(out, "reason", r->reason);
	add_head(out, "detail", r->detail, ERROR_MAX);
	add_text(out, "sniffed_type", r->sniffed_type);
	add_text(out, "etag", r->etag);
	add_text(out, "version_id", r->version_id);
	add_text(out, "content_type", r->content_type);
	add_text(out, "client_trace_id", r->client_trace_id);
	add_number(out, "size", r->size);
	add_number(out, "delay_ms", r->delay_ms);
	str_addc(out, '}');
}

static void
add_event(struct str *out, const struct upload_event *e, const struct ulid *id)
{
	static const char *const what[] = {
		[EVENT_CREATED] = "created",
		[EVENT_REMOVED] = "removed",
		[EVENT_OTHER] = "other",
		[EVENT_REFUSED] = "refused",
	};
	char uuid[ULID_UUID_MAX], when[CLOCK_TEXT_MAX];
	struct ulid given;
	str_addc(out, '{');
	add_number(out, "body", (int64_t)e->body);
	add_text(out, "what", what[e->what]);
	add_text(out, "name", e->name);
	add_text(out, "reason", e->reason);
	add_text(out, "id", ulid_uuid_text(id, uuid));
	add_text(out, "store", e->store);
	add_text(out, "bucket", e->bucket);
	add_text(out, "key", e->key);
	add_text(out, "version_id", e->version_id);
	add_text(out, "etag", e->etag);
	add_number(out, "size", e->size);
	add_text(out, "content_type", e->content_type);
	if (e->event_time_us != 0)
		add_text(out, "event_time", clock_rfc3339(e->event_time_us, when));
	add_text(out, "origin", e->origin);
	add_text(out, "sequencer", e->sequencer);
	add_text(out, "request_id", e->request_id);
	if (e->trace_id && !e->trace_foreign && ulid_parse(e->trace_id, &given))
		add_text(out, "trace_uuid", ulid_uuid_text(&given, uuid));
	add_text(out, "trace_text", e->trace_id);
	add_raw(out, "metadata", e->metadata);
	str_addc(out, '}');
}

void
events_json(const struct upload_event *events, size_t n, const struct ulid *ids, struct str *out)
{
	str_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			str_addc(out, ',');
		add_event(out, &events[i], &ids[i]);
	}
	str_addc(out, ']');
}
