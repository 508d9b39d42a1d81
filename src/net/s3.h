/* s3.h -- an S3 client: one object at a time. Belongs to one thread. */
#ifndef NET_S3_H
#define NET_S3_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

struct s3;

/* Every text is copied; NULL: not set. */
struct s3_conf {
	const char *endpoint; /* "http://127.0.0.1:9000", path style; NULL: AWS_ENDPOINT_URL_S3,
	                         AWS_ENDPOINT_URL, or AWS itself */
	const char *region;   /* NULL: AWS_REGION, AWS_DEFAULT_REGION, us-east-1 */
	const char *access_key_file, *secret_key_file; /* NULL: the environment */
};

void s3_close(struct s3 *s);
/* RC_PERMANENT for a bad endpoint; keys are looked for at the first request. */
struct s3 *s3_open(const struct s3_conf *c, struct fault *f) OWNS(s3_close);

/* From now on a request ends with RC_STOP, within a second, when end_fd (-1: none) is readable, and
 * with RC_RETRY at until_ms of clock_mono_ms (0: never). end_fd is borrowed. */
void s3_bound(struct s3 *s, int end_fd, int64_t until_ms);

struct s3_ref {
	const char *bucket, *key;
	const char *version_id; /* NULL: the newest */
	const char *etag;       /* without quotes; NULL: any. Not looked at with a version_id */
};

/* Texts are in the arena given; NULL when the store has none. */
struct s3_meta {
	int64_t size;
	int64_t modified_ms; /* Unix; 0: not known */
	const char *etag, *version_id, *content_type, *trace_id;
};

struct s3_upload {
	const char *bucket, *key, *content_type, *trace_id; /* the last two may be NULL */
	int fd;                                             /* sent from its start */
	int64_t size;
	const char *sha256_hex; /* NULL: computed here */
};

/*
 * A request is sent up to three times, within seconds, when the store is busy or the connection
 * breaks; a wrong region, a wrong clock and keys that were rotated are mended once. Faults:
 * RC_RETRY (away, 5xx, throttled, truncated, keys refused, no such bucket, "NoCredentials"),
 * RC_STOP (while waiting to try again), RC_PERMANENT with code "NotFound", "Replaced",
 * "AccessDenied", "BadKey", "TooLarge" or what the store called it.
 */
enum rc s3_head(struct s3 *s, const struct s3_ref *o, struct arena *a, struct s3_meta *ret,
                struct fault *f) MUST_USE;
/* Into fd from its start (cut to 0 first). */
enum rc s3_get(struct s3 *s, const struct s3_ref *o, int fd, int64_t max_bytes, struct arena *a,
               struct s3_meta *ret, struct fault *f) MUST_USE;
enum rc s3_get_head(struct s3 *s, const struct s3_ref *o, void *buf, size_t n, size_t *ret_n,
                    struct fault *f) MUST_USE;
enum rc s3_put(struct s3 *s, const struct s3_upload *u, struct fault *f) MUST_USE;
/* A URL that lets its holder do one method on one object for expires_s seconds (1 to 604,800). */
enum rc s3_presign(struct s3 *s, const char *method, const char *bucket, const char *key,
                   int64_t expires_s, struct str *out, struct fault *f) MUST_USE;

#endif
