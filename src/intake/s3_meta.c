/* s3_meta.c -- user metadata inside a record, and the trace ID in it. */
#include "intake/s3_meta.h"

#include <string.h>
#include <strings.h>

#include "base/banned.h"

#define META_MAX (64u * 1024)
#define TRACE_ID_MAX 256

static const char prefix[] = "x-amz-meta-";

struct meta {
	struct str json;
	const char *trace_id, *traceparent, *content_type; /* borrowed from the document */
};

static void
add_name(struct str *json, const char *name)
{
	struct str lower = STR_INIT(META_MAX);
	for (const char *p = name; *p; p++)
		str_addc(&lower, *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p);
	str_add_json(json, str_text(&lower));
	json->failed |= lower.failed;
	str_free(&lower);
}

static void
meta_add(struct meta *m, const char *name, const char *value)
{
	if (!name || !value)
		return;
	if (strcasecmp(name, "content-type") == 0)
		m->content_type = value;
	if (strncasecmp(name, prefix, sizeof(prefix) - 1) != 0)
		return;
	name += sizeof(prefix) - 1;
	if (strcasecmp(name, "trace-id") == 0)
		m->trace_id = value;
	else if (strcasecmp(name, "traceparent") == 0)
		m->traceparent = value;
	str_addc(&m->json, m->json.len == 0 ? '{' : ',');
	add_name(&m->json, name);
	str_addc(&m->json, ':');
	str_add_json(&m->json, value);
}

/* The trace part of 00-<32 hex>-<16 hex>-<2 hex>. */
static const char *
trace_part(struct arena *a, const char *traceparent)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *id = strchr(traceparent, '-');
	if (!id || strspn(id + 1, hex) != 32 || id[33] != '-')
		return arena_strdup(a, traceparent);
	return arena_strndup(a, id + 1, 32);
}

static bool
usable_trace(const char *text)
{
	return text && *text != '\0' && strlen(text) <= TRACE_ID_MAX;
}

static enum rc
meta_finish(struct meta *m, struct arena *a, struct upload_event *e, struct fault *f)
{
	if (m->json.len > 0) {
		str_addc(&m->json, '}');
		/* Metadata past the limit is left out: the store still has it. */
		if (!m->json.failed && !(e->metadata = arena_strdup(a, str_text(&m->json))))
			return fault_set(f, RC_RETRY, "out of memory for metadata");
	}
	if (usable_trace(m->trace_id)) {
		if (!(e->trace_id = arena_strdup(a, m->trace_id)))
			return fault_set(f, RC_RETRY, "out of memory for a trace ID");
	} else if (usable_trace(m->traceparent)) {
		e->trace_foreign = true;
		if (!(e->trace_id = trace_part(a, m->traceparent)))
			return fault_set(f, RC_RETRY, "out of memory for a trace ID");
	}
	if (!e->content_type && m->content_type && strlen(m->content_type) <= 255 &&
	    !(e->content_type = arena_strdup(a, m->content_type)))
		return fault_set(f, RC_RETRY, "out of memory for a content type");
	return RC_OK;
}

enum rc
s3_meta_read(const struct json *object, struct arena *a, struct upload_event *e, struct fault *f)
{
	struct meta m = { .json = STR_INIT(META_MAX) };
	const struct json *map = json_get(object, "userMetadata");
	const struct json *list = json_get(object, "metadata");

	for (size_t i = 0; i < json_count(map); i++) {
		const char *name = NULL;
		const struct json *value = json_member(map, i, &name);
		meta_add(&m, name, json_text(value));
	}
	if (json_type(list) == JSON_ARRAY_)
		for (size_t i = 0; i < json_count(list); i++) {
			const struct json *pair = json_at(list, i);
			meta_add(&m, json_text(json_get(pair, "key")),
			         json_text(json_get(pair, "val")));
		}
	enum rc rc = meta_finish(&m, a, e, f);
	str_free(&m.json);
	return rc;
}
