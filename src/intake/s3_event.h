/* s3_event.h -- notification body to uploads, pure: S3 `Records[]` as AWS, MinIO, RustFS, Ceph and
 * StorageGRID write it, arrays of such envelopes, and s3:TestEvent. */
#ifndef INTAKE_S3_EVENT_H
#define INTAKE_S3_EVENT_H

#include "base/arena.h"
#include "queue/upload.h"

enum key_encoding {
	KEYS_AUTO, /* by eventSource: raw from Ceph and from folders, else form-encoded */
	KEYS_FORM,
	KEYS_RAW,
};

struct s3_event_conf {
	const char *store; /* the store that the sender's buckets are in; borrowed by the events */
	enum key_encoding keys;
	size_t max_records; /* in one body; 0: 1,000 */
	int max_depth;      /* of the JSON; 0: 32 */
};

/*
 * Every body gives at least one event: what cannot be understood, as a whole or one record of it,
 * becomes an EVENT_REFUSED whose reason names the place ("Records[2].s3.object.key: …"), and
 * harms no other record. *ret lives in the arena. RC_RETRY only when the arena is exhausted.
 */
enum rc s3_event_parse(const struct s3_event_conf *c, const char *body, size_t n, struct arena *a,
                       struct upload_event **ret, size_t *ret_n, struct fault *f) MUST_USE;

#endif
