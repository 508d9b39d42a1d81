/* notify.c -- files as S3 notifications to our own receiver. */
#include "dev/notify.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/banned.h"

#define POST_MS (60 * 1000)
#define REPLY_MAX (64 * 1024)

void
notify_begin(struct str *body)
{
	str_reset(body);
	str_add(body, "{\"Records\":[");
}

static void
add_time(struct str *body, const struct timespec *at)
{
	char text[CLOCK_TEXT_MAX];
	clock_rfc3339((int64_t)at->tv_sec * 1000000, text);
	/* The clock's text has microseconds: take it up to the seconds. */
	str_addf(body, "\"%.19s.%09ldZ\"", text, at->tv_nsec);
}

void
notify_add(struct str *body, const struct notify_file *file)
{
	if (body->data && body->len > 0 && body->data[body->len - 1] != '[')
		str_addc(body, ',');
	str_add(body, "{\"eventVersion\":\"2.2\",\"eventSource\":\"file:s3\",\"awsRegion\":\"\","
	              "\"eventName\":\"ObjectCreated:Put\",\"eventTime\":");
	add_time(body, &file->modified);
	str_add(body, ",\"s3\":{\"s3SchemaVersion\":\"1.0\",\"configurationId\":\"watch\","
	              "\"bucket\":{\"name\":");
	str_add_json(body, file->bucket);
	str_add(body, "},\"object\":{\"key\":");
	str_add_json(body, file->key);
	str_addf(body, ",\"size\":%" PRId64 ",\"eTag\":", file->size);
	str_add_json(body, file->etag);
	if (file->trace_id) {
		str_add(body, ",\"metadata\":[{\"key\":\"x-amz-meta-trace-id\",\"val\":");
		str_add_json(body, file->trace_id);
		str_add(body, "}]");
	}
	str_add(body, "}}}");
}

void
notify_end(struct str *body)
{
	str_add(body, "]}");
}

static bool
may_pass(int status)
{
	return status == 408 || status == 429 || status >= 500;
}

enum rc
notify_post(struct http *http, const struct notify_target *to, const struct str *body,
            struct fault *f)
{
	struct str bearer = STR_INIT(4096);
	str_addf(&bearer, "Bearer %s", to->token);
	const struct http_header headers[] = {
		{ "Content-Type", "application/json" },
		{ "Authorization", str_text(&bearer) },
	};
	struct http_call call = {
		.method = "POST",
		.url = to->url,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.body = body->data,
		.body_fd = -1,
		.body_size = (int64_t)body->len,
		.sink_fd = -1,
		.max_reply = REPLY_MAX,
		.total_ms = POST_MS,
	};
	struct http_reply reply = { 0 };
	enum rc rc = http_request(http, &call, &reply, f);
	if (rc == RC_OK && (reply.status < 200 || reply.status > 299))
		rc = fault_set(f, may_pass(reply.status) ? RC_RETRY : RC_PERMANENT,
		               "the receiver answered %d: %.200s", reply.status,
		               str_text(&reply.body));
	http_reply_free(&reply);
	str_free(&bearer);
	return rc;
}
