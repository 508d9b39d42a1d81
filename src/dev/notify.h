/* notify.h -- files as S3 notifications to our own receiver. */
#ifndef DEV_NOTIFY_H
#define DEV_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"
#include "net/http.h"

struct notify_file {
	const char *bucket, *key; /* key as it is: the source says key_encoding = raw */
	const char *etag;
	const char *trace_id; /* NULL: none */
	int64_t size;
	struct timespec modified;
};

/* Records of a body: begin once, add each, end once. Look at body->failed at the end. */
void notify_begin(struct str *body);
void notify_add(struct str *body, const struct notify_file *file);
void notify_end(struct str *body);

/* Where they go. All borrowed. */
struct notify_target {
	const char *url;   /* …/v1/events/SOURCE */
	const char *token; /* bearer */
};
/*
 * RC_OK only after the receiver's 2xx. Anything that may pass (no connection, 408, 429, 5xx) is
 * RC_RETRY; RC_PERMANENT: the receiver refused it, and says why.
 */
enum rc notify_post(struct http *http, const struct notify_target *to, const struct str *body,
                    struct fault *f) MUST_USE;

#endif
