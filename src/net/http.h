/* http.h -- an HTTP client on libcurl: one request, no retries, no redirects. One client per
 * thread; it keeps connections open. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

struct http;

struct http_header {
	const char *name, *value;
};

struct http_call {
	const char *method;
	const char *url; /* sent as it is: the path is not normalised */
	const struct http_header *headers;
	size_t header_count;
	/* The body: bytes, or fd from its start with body_size bytes, or none (both unset). */
	const void *body;
	int body_fd; /* -1: none */
	int64_t body_size;
	/* Where a 2xx body goes: fd (-1: into reply->body), at most max_reply bytes in either case.
	 * Other bodies go to reply->body, cut at 64 KiB. */
	int sink_fd;
	int64_t max_reply;
	int64_t connect_ms;  /* 0: 5,000 */
	int64_t stall_ms;    /* no byte for this long ends it; 0: 30,000 */
	int64_t total_ms;    /* 0: none */
	const int *end_fd;   /* readable: it ends, within a second; NULL: none */
	const char *ca_file; /* NULL: the system's */
};

struct http_reply {
	int status;
	struct str body;
	int64_t received;   /* bytes of body */
	struct str headers; /* raw lines */
};

void http_close(struct http *h);
struct http *http_open(struct fault *f) OWNS(http_close);
void http_reply_free(struct http_reply *r);
/* RC_OK for any status that arrived whole; RC_RETRY for a transport error, a short body or a sink
 * that cannot be written; RC_STOP when end_fd ended it; RC_PERMANENT for a bad URL, a header
 * with a line break, or more than max_reply bytes (code "TooLarge"). *ret need not be initialised
 * and is written on RC_OK only. */
enum rc http_request(struct http *h, const struct http_call *c, struct http_reply *ret,
                     struct fault *f) MUST_USE;
/* A header of the reply, into buf, or NULL. */
const char *http_reply_header(const struct http_reply *r, const char *name, struct str *buf);

/* The time of a Last-Modified or Date header in Unix milliseconds; false when it is none. */
bool http_date_ms(const char *text, int64_t *ret);

#endif
