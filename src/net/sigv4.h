/* sigv4.h -- signing requests as AWS does (version 4), by header or in the URL. Pure: the time is
 * passed in. */
#ifndef NET_SIGV4_H
#define NET_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"
#include "net/http.h"

#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_key {
	const char *access_key, *secret_key;
	const char *session_token; /* NULL: none; used by sigv4_presign only, by header it is one
	                              of the headers */
	const char *region, *service;
};

struct sigv4_request {
	const char *method;
	const char *path; /* percent-encoded, exactly as it is sent; begins with '/' */
	/* Names and values as they are before encoding, in any order. */
	const struct http_header *query;
	size_t query_count;
	/* What is signed: host, x-amz-date and every x-amz-…; names in any case, any order. */
	const struct http_header *headers;
	size_t header_count;
	const char *payload_sha256; /* hex, or SIGV4_UNSIGNED */
};

/* All append to a string; false when it is full or memory ends. time is 20260102T030405Z. */
bool sigv4_query(const struct http_header *query, size_t n, struct str *out) MUST_USE;
bool sigv4_canonical(const struct sigv4_request *rq, struct str *out) MUST_USE;
/* The value of the Authorization header. */
bool sigv4_authorization(const struct sigv4_request *rq, const struct sigv4_key *k,
                         const char *time, struct str *out) MUST_USE;
/* The whole query of the URL, X-Amz-Signature last. */
bool sigv4_presign(const struct sigv4_request *rq, const struct sigv4_key *k, const char *time,
                   int64_t expires_s, struct str *out) MUST_USE;

#endif
