/* upload.h -- uploads come in and are routed: millrace.accept_uploads, claim_routes,
 * expand_uploads. */
#ifndef QUEUE_UPLOAD_H
#define QUEUE_UPLOAD_H

#include "base/arena.h"
#include "queue/session.h"

/* One record of a notification, parsed. Texts are borrowed; NULL is unknown. */
struct upload_event {
	size_t body; /* which of the bodies it came from */
	enum event_what { EVENT_CREATED, EVENT_REMOVED, EVENT_OTHER, EVENT_REFUSED } what;
	const char *name;   /* the event's name as sent, for people */
	const char *reason; /* of EVENT_REFUSED: what is wrong with the record, and where */
	const char *store, *bucket, *key; /* key decoded, valid UTF-8, 1 to 1,024 bytes */
	const char *version_id, *etag, *content_type;
	int64_t size;          /* -1: unknown */
	int64_t event_time_us; /* Unix microseconds; 0: unknown or unreadable */
	const char
		*origin; /* "aws", "minio", "ceph", "file", …: sequencers compare only within one */
	const char *sequencer;  /* brought to a form that compares as text; NULL when the origin has
	                           none that orders */
	const char *request_id; /* the write's, responseElements.x-amz-request-id */
	const char *trace_id;   /* an ID in the notification, as found: adopted if it may be, else
	                           kept as client_trace_id */
	bool trace_foreign;   /* trace_id is another system's (traceparent): kept, never adopted */
	const char *metadata; /* a JSON object of user metadata (names in lower case without
	                         x-amz-meta-), or NULL */
};

struct upload_body {
	const char *source; /* the configured sender */
	const void *bytes;
	size_t n;
};

enum upload_outcome { UPLOAD_ACCEPTED, UPLOAD_DUPLICATE, UPLOAD_REFUSED, UPLOAD_NOTED };

struct upload_verdict {
	enum upload_outcome outcome;
	struct ulid id; /* of ACCEPTED and DUPLICATE, and of REFUSED when a `rejected` upload was
	                   made; else zero */
};

/* All in one transaction, then wakes the routers. */
enum rc upload_accept(struct db *db, const struct upload_body *bodies, size_t body_n,
                      const struct upload_event *events, size_t n, struct upload_verdict *ret,
                      struct fault *f) MUST_USE;
/* millrace.expect_upload: the parent before the file; the event that carries its ID joins it. */
enum rc upload_expect(struct db *db, const char *store, const char *bucket, const char *key,
                      struct ulid *ret, struct fault *f) MUST_USE;

/* What the router needs to route one upload. */
struct route_item {
	struct ticket ticket;
	const char *store, *bucket, *key, *version_id, *etag, *content_type;
	int64_t size;
	const char *metadata; /* JSON object or NULL */
	char trace_id[TRACE_TEXT_MAX];
};

enum rc upload_claim_routes(struct session *s, struct db *db, size_t limit, bool fresh,
                            struct arena *a, struct route_item **ret, size_t *ret_n,
                            struct fault *f) MUST_USE;

enum route_outcome {
	ROUTE_EXPAND,      /* rule_no says by which rule */
	ROUTE_REJECTED,    /* reason: "type", "size", "no_rule", …, detail for people */
	ROUTE_IGNORED,     /* reason: the rule that matched */
	ROUTE_SOURCE_GONE, /* skipped */
	ROUTE_SUPERSEDED,  /* skipped */
	ROUTE_RETRY,       /* the store is away: again after delay_ms */
	ROUTE_INTERRUPTED, /* handed back */
};

struct route_result {
	struct ticket ticket;
	enum route_outcome outcome;
	int16_t rule_no;          /* index of the rule in the file, from 0; -1 unless EXPAND */
	const char *reason;       /* short code; NULL for EXPAND */
	const char *detail;       /* a sentence; NULL */
	const char *sniffed_type; /* NULL when not read */
	const char *etag, *version_id, *content_type,
		*client_trace_id; /* learnt from the store; NULL: nothing new */
	int64_t size;             /* learnt from the store; -1: nothing new */
	int64_t delay_ms;         /* of RETRY; -1: the queue's backoff */
};

/* One transaction for all. verdicts[i] false: stale, nothing was changed for it. */
enum rc upload_expand(struct session *s, struct db *db, int pipeline_no,
                      const struct route_result *results, size_t n, bool *ret_accepted,
                      struct fault *f) MUST_USE;

/* millrace.register_pipeline: records the file by its hash, once; answers its number. */
enum rc upload_register_pipeline(struct db *db, const char *sha256_hex, const char *body_json,
                                 int *ret_pipeline_no, struct fault *f) MUST_USE;

/* As the database names them, "duplicate", "rejected" and so on; static. */
const char *upload_outcome_name(enum upload_outcome o);
const char *route_outcome_name(enum route_outcome o);

#endif
