/* s3_send.c -- signing one S3 request and sending it, a few times if need be. */
#include "net/s3_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/stop.h"

#include "net/coded.h"
#include "net/sigv4.h"

#include "base/banned.h"

#define URL_MAX ((size_t)64 * 1024)
/* Longer waits are the queue's. */
#define TRIES 3
#define WAIT_BASE_MS 100
#define WAIT_CAP_MS 2000
/* Region, clock and keys may each have to be mended. */
#define MENDS 3

enum rc
s3_need_keys(struct s3 *s, struct fault *f)
{
	const struct credentials_conf conf = { s->access_key_file, s->secret_key_file };
	enum rc rc;

	if (s->have_keys)
		return RC_OK;
	rc = credentials_load(&conf, &s->keys, f);
	s->have_keys = rc == RC_OK;
	return rc;
}

/* The call's own headers and the signer's; all of them are signed. */
static size_t
gather_headers(const struct s3 *s, const struct s3_call *c, const struct s3_target *t,
               const char *time, struct http_header *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->header_count; i++)
		ret[n++] = c->headers[i];
	ret[n++] = (struct http_header){ "Host", str_text(&t->host) };
	ret[n++] = (struct http_header){ "x-amz-date", time };
	ret[n++] = (struct http_header){ "x-amz-content-sha256", c->payload_sha256 };
	if (s->keys.session_token.len > 0)
		ret[n++] = (struct http_header){ "x-amz-security-token",
			                         str_text(&s->keys.session_token) };
	return n;
}

static bool
add_url(const struct s3_call *c, const struct s3_target *t, struct str *url)
{
	str_addf(url, "%s%s", str_text(&t->origin), str_text(&t->path));
	if (c->query_count > 0)
		str_addc(url, '?');
	return sigv4_query(c->query, c->query_count, url);
}

static enum rc
rewind_sink(int fd, struct fault *f)
{
	if (fd < 0 || (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0))
		return RC_OK;
	return fault_set(f, RC_RETRY, "emptying the file to fill: %s", strerror(errno));
}

static enum rc
time_left(const struct s3 *s, int64_t *ret_ms, struct fault *f)
{
	int64_t left = s->until_ms - clock_mono_ms();

	if (s->until_ms == 0)
		return RC_OK;
	if (left <= 0)
		return FAULT(f, RC_RETRY, "TooSlow", "the store took too long");
	*ret_ms = left;
	return RC_OK;
}

static enum rc
send_once(struct s3 *s, const struct s3_call *c, struct http_reply *ret, struct fault *f)
{
	struct s3_target t CLEANUP(s3_target_free) = { .region = NULL };
	struct str url CLEANUP(str_free) = STR_INIT(URL_MAX);
	struct str authorization CLEANUP(str_free) = STR_INIT(URL_MAX);
	struct http_header headers[S3_HEADERS_MAX + 5];
	char time[CLOCK_TEXT_MAX];
	struct sigv4_request rq = { .method = c->method,
		                    .query = c->query,
		                    .query_count = c->query_count,
		                    .headers = headers,
		                    .payload_sha256 = c->payload_sha256 };
	struct sigv4_key k = { .access_key = str_text(&s->keys.access_key),
		               .secret_key = str_text(&s->keys.secret_key),
		               .service = "s3" };
	struct http_call call = { .method = c->method,
		                  .headers = headers,
		                  .body_fd = c->body_fd,
		                  .body_size = c->body_size,
		                  .sink_fd = c->sink_fd,
		                  .max_reply = c->max_reply,
		                  .end_fd = s->end_fd >= 0 ? &s->end_fd : NULL,
		                  .ca_file = s->ca_file };
	enum rc rc = time_left(s, &call.total_ms, f);

	if (rc == RC_OK)
		rc = s3_target_find(s, c->bucket, c->key, &t, f);
	if (rc == RC_OK)
		rc = rewind_sink(c->sink_fd, f);
	if (rc != RC_OK)
		return rc;
	clock_basic(clock_wall_us() + s->skew_ms * 1000, time);
	rq.header_count = gather_headers(s, c, &t, time, headers);
	rq.path = str_text(&t.path);
	k.region = t.region;
	if (!add_url(c, &t, &url) || !sigv4_authorization(&rq, &k, time, &authorization))
		return fault_set(f, RC_PERMANENT, "the request is too long to be signed");
	headers[rq.header_count] = (struct http_header){ "Authorization", authorization.data };
	call.header_count = rq.header_count + 1;
	call.url = url.data;
	return http_request(s->http, &call, ret, f);
}

static enum s3_mend
attempt(struct s3 *s, const struct s3_call *c, struct http_reply *ret, struct fault *f)
{
	enum rc rc = send_once(s, c, ret, f);
	enum s3_mend mend;

	if (rc != RC_OK) {
		ignore_rc(fault_context(f, "s3://%s/%.200s", c->bucket, c->key));
		return strcmp(f->code, "Transport") == 0 ? S3_MEND_WAIT : S3_MEND_NONE;
	}
	if (ret->status >= 200 && ret->status <= 299) {
		f->rc = RC_OK;
		return S3_MEND_NONE;
	}
	mend = s3_judge(s, c, ret, f);
	http_reply_free(ret);
	return mend;
}

/* False when there is no use in waiting here. */
static bool
wait_a_little(int tries, uint64_t seed, struct fault *f)
{
	const struct backoff b = { .base_ms = WAIT_BASE_MS, .cap_ms = WAIT_CAP_MS };
	int64_t ms = backoff_ms(&b, tries, seed);

	if (tries >= TRIES || f->retry_after_ms > WAIT_CAP_MS)
		return false;
	if (ms < f->retry_after_ms)
		ms = f->retry_after_ms;
	if (!stop_wait_ms(ms))
		return true;
	f->rc = RC_STOP;
	return false;
}

enum rc
s3_send(struct s3 *s, const struct s3_call *c, struct http_reply *ret, struct fault *f)
{
	struct fault own = { .rc = RC_OK }, *what = f == NULL ? &own : f;
	struct http_reply reply;
	uint64_t seed = backoff_seed();
	int tries = 0, mends = 0;
	enum s3_mend mend;
	enum rc rc = s3_need_keys(s, what);

	assert(c->header_count <= S3_HEADERS_MAX);
	while (rc == RC_OK) {
		*what = (struct fault){ .rc = RC_OK };
		mend = attempt(s, c, &reply, what);
		if (what->rc == RC_OK) {
			*ret = reply;
			return RC_OK;
		}
		if (mend == S3_MEND_AGAIN && mends++ < MENDS)
			continue;
		if (mend != S3_MEND_WAIT || !wait_a_little(++tries, seed, what))
			return what->rc;
	}
	return rc;
}
