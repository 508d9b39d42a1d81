/* s3_event.c -- notification body to uploads, pure. */
#include "intake/s3_event.h"

#include <string.h>

#include "base/num.h"
#include "intake/s3_field.h"
#include "intake/s3_meta.h"
#include "net/json.h"
#include "base/banned.h"

#define DEFAULT_RECORDS 1000
#define DEFAULT_DEPTH 32
#define TEXT_MAX 1024

/* One body on its way to events. */
struct reader {
	const struct s3_event_conf *conf;
	struct arena *arena;
	struct upload_event *events;
	size_t n, room;
	struct fault *fault;
	bool broken; /* the arena is exhausted; fault says so */
};

/* Where in the body: the envelope's index (-1: the body is the envelope) and the record's. */
struct place {
	long envelope, record;
};

static void
out_of_memory(struct reader *r)
{
	r->broken = true;
	fault_set(r->fault, RC_RETRY, "out of memory for a notification");
}

static struct upload_event *
add_event(struct reader *r)
{
	if (r->n == r->room) {
		out_of_memory(r);
		return NULL;
	}
	struct upload_event *e = &r->events[r->n++];
	e->what = EVENT_OTHER;
	e->store = r->conf->store;
	e->size = -1;
	return e;
}

static void
refuse(struct reader *r, struct upload_event *e, const char *reason)
{
	e->what = EVENT_REFUSED;
	e->reason = reason;
	if (!reason)
		out_of_memory(r);
}

static const char *
reason_at(struct reader *r, const struct place *at, const char *field, const char *problem)
{
	if (at->envelope >= 0)
		return arena_printf(r->arena, "[%ld].Records[%ld]%s: %s", at->envelope, at->record,
		                    field, problem);
	return arena_printf(r->arena, "Records[%ld]%s: %s", at->record, field, problem);
}

/* A copy of a text member; NULL when it is no text, empty, or longer than max. */
static const char *
copy_text(struct reader *r, const struct json *object, const char *name, size_t max)
{
	const char *text = json_text(json_get(object, name));
	if (!text || *text == '\0' || strlen(text) > max)
		return NULL;
	const char *copy = arena_strdup(r->arena, text);
	if (!copy)
		out_of_memory(r);
	return copy;
}

static const char *
read_etag(struct reader *r, const struct json *object)
{
	const char *text = json_text(json_get(object, "eTag"));
	if (!text)
		return NULL;
	size_t n = strlen(text);
	if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
		text++;
		n -= 2;
	}
	if (n == 0 || n > TEXT_MAX)
		return NULL;
	const char *etag = arena_strndup(r->arena, text, n);
	if (!etag)
		out_of_memory(r);
	return etag;
}

/* A size that is there but no number is unknown: the store is asked, nothing is lost. */
static int64_t
read_size(const struct json *object, const struct upload_event *e)
{
	const struct json *v = json_get(object, "size");
	int64_t size = 0;
	if (json_int(v, &size) && size >= 0)
		return size;
	const char *text = json_text(v);
	if (text && num_parse(text, 0, INT64_MAX, &size))
		return size;
	/* MinIO leaves a zero out. */
	if (!v && e->what == EVENT_CREATED && strcmp(e->origin, "minio") == 0)
		return 0;
	return -1;
}

static bool
keys_are_raw(const struct s3_event_conf *c, const char *origin)
{
	if (c->keys != KEYS_AUTO)
		return c->keys == KEYS_RAW;
	return strcmp(origin, "ceph") == 0 || strcmp(origin, "file") == 0;
}

/* NULL, or what is wrong with the key. */
static const char *
read_key(struct reader *r, const struct json *object, struct upload_event *e)
{
	const char *text = json_text(json_get(object, "key"));
	if (!text)
		return "is missing";
	size_t n = strlen(text);
	const char *key = keys_are_raw(r->conf, e->origin) ? arena_strdup(r->arena, text)
	                                                   : s3_decode_form(r->arena, text, &n);
	if (!key) {
		out_of_memory(r);
		return "is missing";
	}
	const char *problem = s3_key_problem(key, n);
	if (!problem)
		e->key = key;
	return problem;
}

static const char *
read_bucket(struct reader *r, const struct json *bucket, struct upload_event *e)
{
	const char *name = json_text(json_get(bucket, "name"));
	const char *problem = name ? s3_bucket_problem(name) : "is missing";
	if (problem)
		return problem;
	if (!(e->bucket = arena_strdup(r->arena, name)))
		out_of_memory(r);
	return NULL;
}

static const char *
read_version(struct reader *r, const struct json *object, struct upload_event *e)
{
	const char *text = s3_version(e->origin, json_text(json_get(object, "versionId")));
	if (!text)
		return NULL;
	if (strlen(text) > TEXT_MAX)
		return "is longer than 1,024 bytes";
	if (!(e->version_id = arena_strdup(r->arena, text)))
		out_of_memory(r);
	return NULL;
}

static void
read_object(struct reader *r, const struct json *object, struct upload_event *e)
{
	e->etag = read_etag(r, object);
	e->content_type = copy_text(r, object, "contentType", 255);
	e->size = read_size(object, e);
	e->sequencer = s3_sequencer(r->arena, e->origin, json_text(json_get(object, "sequencer")));
	if (s3_meta_read(object, r->arena, e, r->fault) != RC_OK)
		r->broken = true;
}

static const char *
version_problem(const struct json *record)
{
	const struct json *v = json_get(record, "eventVersion");
	const char *text = json_text(v);
	if (!v || (text && strncmp(text, "2.", 2) == 0))
		return NULL;
	return "is not 2.x";
}

static void
read_record(struct reader *r, const struct json *record, const struct place *at)
{
	struct upload_event *e = add_event(r);
	if (!e)
		return;
	const struct json *s3 = json_get(record, "s3");
	const struct json *object = json_get(s3, "object");
	struct {
		const char *field, *problem;
	} checks[5] = { { ".eventVersion", version_problem(record) },
		        { ".eventName", NULL },
		        { ".s3.bucket.name", NULL },
		        { ".s3.object.key", NULL },
		        { ".s3.object.versionId", NULL } };

	e->name = copy_text(r, record, "eventName", TEXT_MAX);
	e->what = e->name ? s3_event_what(e->name) : EVENT_OTHER;
	if (!e->name)
		checks[1].problem = "is missing";
	e->origin = s3_origin(r->arena, json_text(json_get(record, "eventSource")));
	if (!e->origin) {
		out_of_memory(r);
		return;
	}
	checks[2].problem = read_bucket(r, json_get(s3, "bucket"), e);
	checks[3].problem = read_key(r, object, e);
	checks[4].problem = read_version(r, object, e);
	e->event_time_us = s3_event_time(json_text(json_get(record, "eventTime")));
	e->request_id = copy_text(r, json_get(record, "responseElements"), "x-amz-request-id", 256);
	read_object(r, object, e);

	/* What makes no upload need not be complete. */
	if (e->name && e->what == EVENT_OTHER)
		return;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i].problem) {
			refuse(r, e, reason_at(r, at, checks[i].field, checks[i].problem));
			return;
		}
}

static void
refuse_body(struct reader *r, const char *reason)
{
	struct upload_event *e = add_event(r);
	if (e)
		refuse(r, e, reason);
}

static const char *
envelope_reason(struct reader *r, long envelope, const char *problem)
{
	return envelope < 0 ? arena_strdup(r->arena, problem)
	                    : arena_printf(r->arena, "[%ld]: %s", envelope, problem);
}

static void
note_test_event(struct reader *r, const struct json *v)
{
	struct upload_event *e = add_event(r);
	if (!e)
		return;
	e->name = "s3:TestEvent";
	e->bucket = copy_text(r, v, "Bucket", 255);
	e->request_id = copy_text(r, v, "RequestId", 256);
	e->event_time_us = s3_event_time(json_text(json_get(v, "Time")));
}

static void
read_envelope(struct reader *r, const struct json *v, long envelope)
{
	const struct json *records = json_get(v, "Records");
	const char *event = json_text(json_get(v, "Event"));

	if (event && strcmp(event, "s3:TestEvent") == 0) {
		note_test_event(r, v);
		return;
	}
	if (json_type(records) != JSON_ARRAY_) {
		refuse_body(r, envelope_reason(r, envelope,
		                               "is no S3 notification: it has no Records array"));
		return;
	}
	if (json_count(records) == 0)
		refuse_body(r, envelope_reason(r, envelope, "Records is empty"));
	for (size_t i = 0; i < json_count(records) && !r->broken; i++)
		read_record(r, json_at(records, i),
		            &(struct place){ .envelope = envelope, .record = (long)i });
}

/* How many events the body will give at most; one per envelope that has no record. */
static size_t
count_events(const struct json *root)
{
	if (json_type(root) != JSON_ARRAY_) {
		size_t n = json_count(json_get(root, "Records"));
		return n > 0 ? n : 1;
	}
	size_t total = 0;
	for (size_t i = 0; i < json_count(root); i++) {
		size_t n = json_count(json_get(json_at(root, i), "Records"));
		total += n > 0 ? n : 1;
	}
	return total > 0 ? total : 1;
}

static void
read_root(struct reader *r, const struct json *root)
{
	if (json_type(root) == JSON_ARRAY_) {
		if (json_count(root) == 0)
			refuse_body(r, "the body is an empty array");
		for (size_t i = 0; i < json_count(root) && !r->broken; i++)
			read_envelope(r, json_at(root, i), (long)i);
	} else if (json_type(root) == JSON_OBJECT_) {
		read_envelope(r, root, -1);
	} else {
		refuse_body(r, "the body is neither an object nor an array");
	}
}

enum rc
s3_event_parse(const struct s3_event_conf *c, const char *body, size_t n, struct arena *a,
               struct upload_event **ret, size_t *ret_n, struct fault *f)
{
	struct fault parse = { 0 };
	struct reader r = { .conf = c, .arena = a, .fault = f };
	size_t max = c->max_records ? c->max_records : DEFAULT_RECORDS;
	CLEANUP(json_freep)
	struct json_doc *doc =
		json_parse(body, n, c->max_depth ? c->max_depth : DEFAULT_DEPTH, &parse);
	size_t events = doc ? count_events(json_root(doc)) : 1;

	r.room = events <= max ? events : 1;
	r.events = arena_alloc(a, r.room * sizeof(*r.events));
	if (!r.events)
		return fault_set(f, RC_RETRY, "out of memory for a notification");
	if (!doc)
		refuse_body(&r, arena_strdup(a, parse.message));
	else if (events > max)
		refuse_body(&r, arena_printf(a, "holds %zu records, more than the %zu allowed",
		                             events, max));
	else
		read_root(&r, json_root(doc));
	if (r.broken)
		return RC_RETRY;
	*ret = r.events;
	*ret_n = r.n;
	return RC_OK;
}
