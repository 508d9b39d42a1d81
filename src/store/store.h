/* store.h -- object stores behind one interface: S3 and a directory tree. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"

/* A store belongs to one thread. */
struct store;

struct store_conf {
	const char *name;     /* as in [store NAME] */
	const char *url;      /* file:///root (percent-encoded where need be; buckets are its
	                         folders), s3:// (AWS_* decide),
	                         s3://ENDPOINT-URL is given by endpoint */
	const char *endpoint; /* NULL: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or AWS itself */
	const char *region;   /* NULL: AWS_REGION, AWS_DEFAULT_REGION, us-east-1 */
	const char *access_key_file; /* NULL: AWS_ACCESS_KEY_ID … */
	const char *secret_key_file;
};

void store_close(struct store *s);
struct store *store_open(const struct store_conf *c, struct fault *f) OWNS(store_close);
/* Is url that of a directory store? */
bool store_is_folder(const char *url);
/* The folder of such a url, percent-decoded, in memory of its own; RC_PERMANENT for a % that is
 * not followed by a byte. */
char *store_url_folder(const char *url, struct fault *f) MUST_USE;

/* From now on a get or a put ends with RC_STOP, soon, when end_fd (-1: none) is readable, and with
 * RC_RETRY at until_ms of clock_mono_ms (0: never). end_fd is borrowed. */
void store_bound(struct store *s, int end_fd, int64_t until_ms);

struct store_ref {
	const char *bucket, *key;
	const char *version_id; /* NULL: the newest */
	const char *etag;       /* NULL: any; else the object must still be this one */
};

struct store_meta {
	int64_t size;
	const char *etag, *version_id,
		*content_type; /* in the arena given; NULL when the store has none */
	const char *trace_id;  /* x-amz-meta-trace-id, or the file's user.millrace.trace-id; NULL */
	int64_t modified_ms;   /* Unix */
};

/*
 * Faults of all: RC_RETRY (away, 5xx, throttled, truncated, no such bucket); RC_PERMANENT with code
 * "NotFound" (no such object or version), "Replaced" (etag differs: 412), "AccessDenied", "BadKey"
 * (a directory refuses what cannot be a path: "..", an empty or over-long part, NUL), "TooLarge".
 */
enum rc store_head(struct store *s, const struct store_ref *o, struct arena *a,
                   struct store_meta *ret, struct fault *f) MUST_USE;
/* Writes the object from fd's start; at most max_bytes; the length is checked against what the
 * store said. */
enum rc store_get(struct store *s, const struct store_ref *o, int fd, int64_t max_bytes,
                  struct arena *a, struct store_meta *ret, struct fault *f) MUST_USE;
/* The first n bytes into buf; *ret_n may be less. */
enum rc store_get_head(struct store *s, const struct store_ref *o, void *buf, size_t n,
                       size_t *ret_n, struct fault *f) MUST_USE;

struct store_put {
	const char *bucket, *key, *content_type;
	const char *trace_id; /* kept as metadata; NULL: none */
	int fd;               /* from its start */
	int64_t size;
	const char *sha256_hex; /* of the bytes */
};
/* Creates missing folders of a directory store below the bucket, which must be there; a file
 * appears whole or not at all (written beside it, fsynced, renamed). */
enum rc store_put(struct store *s, const struct store_put *p, struct fault *f) MUST_USE;
/* The etag of a file in a directory store: inode, size and time of change in nanoseconds, as hex
 * numbers joined by "-". What watches a directory makes the same of its own stat. */
#define STORE_DIR_ETAG_MAX 52
struct stat;
char *store_dir_etag(const struct stat *st, char buf[STORE_DIR_ETAG_MAX]);
/* Files that a directory store is still writing begin with this; no key may. */
#define STORE_DIR_TEMP ".millrace-tmp-"

/* The type that a key's suffix stands for; static; NULL when it says nothing. */
const char *store_content_type(const char *key);
/* "s3://bucket/key" or "file:///root/bucket/key". */
const char *store_uri(struct store *s, const char *bucket, const char *key, struct arena *a);

/* The stores of the configuration by name: opened at first use, kept. One per thread. */
struct store_set;
void store_set_free(struct store_set *set);
struct store_set *store_set_new(const struct store_conf *confs, size_t n)
	OWNS(store_set_free); /* confs are borrowed for good */
/* Borrowed. NULL + RC_RETRY when it cannot be opened; code "NoStore" for a name that is not
 * configured. */
struct store *store_set_get(struct store_set *set, const char *name, struct fault *f);
/* Before a role starts: can each be opened? A server is not asked, a folder is. */
enum rc store_check(const struct store_conf *confs, size_t n, struct fault *f) MUST_USE;

#endif
