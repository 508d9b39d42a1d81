/* s3_private.h -- what the files of the S3 client share. */
#ifndef NET_S3_PRIVATE_H
#define NET_S3_PRIVATE_H

#include <stdbool.h>

#include "net/credentials.h"
#include "net/http.h"
#include "net/s3.h"

/* A bucket that turned out to be in another region. */
struct bucket_region {
	struct bucket_region *next;
	char *bucket;
	struct str region;
};

struct s3 {
	struct http *http;
	char *endpoint; /* scheme://authority/base without a slash at its end; NULL: AWS */
	char *region;
	char *ca_file; /* NULL: the system's */
	char *access_key_file, *secret_key_file;
	struct credentials keys;
	bool have_keys;
	int64_t skew_ms; /* the store's clock minus ours, once it refused ours */
	struct bucket_region *regions;
	int end_fd;       /* borrowed; -1: none */
	int64_t until_ms; /* monotonic; 0: none */
};

#define S3_HEADERS_MAX 16

/* One request, before it is signed. */
struct s3_call {
	const char *method, *bucket, *key;
	const struct http_header *query;
	size_t query_count;
	struct http_header headers[S3_HEADERS_MAX]; /* besides those that signing adds */
	size_t header_count;
	const char *payload_sha256;
	int body_fd; /* -1: none */
	int64_t body_size;
	int sink_fd; /* -1: into the reply */
	int64_t max_reply;
};

/* Where a call goes (s3_url.c). */
struct s3_target {
	struct str origin; /* scheme://authority */
	struct str host;   /* as the Host header says it */
	struct str path;   /* percent-encoded */
	const char *region;
};

char *s3_endpoint_read(const char *text, struct fault *f) MUST_USE; /* owned */
void s3_target_free(struct s3_target *t);
enum rc s3_target_find(const struct s3 *s, const char *bucket, const char *key,
                       struct s3_target *ret, struct fault *f) MUST_USE;
const char *s3_region_of(const struct s3 *s, const char *bucket);
/* False when it was known already, or memory ends. */
bool s3_region_learn(struct s3 *s, const char *bucket, const char *region);

/* Signs and sends, with the short retries (s3_send.c). RC_OK means a 2xx. */
enum rc s3_send(struct s3 *s, const struct s3_call *c, struct http_reply *ret,
                struct fault *f) MUST_USE;
enum rc s3_need_keys(struct s3 *s, struct fault *f) MUST_USE;

/* What became of a reply that is no 2xx (s3_judge.c): fills f. */
enum s3_mend { S3_MEND_NONE, S3_MEND_WAIT, S3_MEND_AGAIN };
enum s3_mend s3_judge(struct s3 *s, const struct s3_call *c, const struct http_reply *r,
                      struct fault *f);

#endif
