/* s3_judge.c -- what a refusal of an S3 store means, and whether it can be mended at once. */
#include "net/s3_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"

#include "net/coded.h"
#include "net/s3_error.h"

#include "base/banned.h"

#define SKEW_ALLOWED_MS (INT64_C(5) * 60 * 1000)
#define SHORT_TEXT 256

/* The code of a reply that has no body by its method. */
#define BODILESS "-"

struct verdict {
	int status;       /* 0: any */
	const char *code; /* NULL: any */
	enum rc rc;
	const char *name; /* the fault's code; NULL: the store's own */
	enum s3_mend mend;
};

/* The first row that fits decides. A refusal of our keys or of our clock, a bucket that is not
 * there, or a 404 of something that is no store, says nothing about the object, so it must not end
 * a job at once. */
static const struct verdict verdicts[] = {
	{ 0, "SlowDown", RC_RETRY, NULL, S3_MEND_WAIT },
	{ 0, "Throttling", RC_RETRY, NULL, S3_MEND_WAIT },
	{ 0, "ThrottlingException", RC_RETRY, NULL, S3_MEND_WAIT },
	{ 0, "RequestLimitExceeded", RC_RETRY, NULL, S3_MEND_WAIT },
	{ 0, "RequestTimeout", RC_RETRY, NULL, S3_MEND_WAIT },
	{ 0, "PriorRequestNotComplete", RC_RETRY, NULL, S3_MEND_WAIT },
	{ 0, "RequestTimeTooSkewed", RC_RETRY, NULL, S3_MEND_NONE },
	{ 0, "ExpiredToken", RC_RETRY, NULL, S3_MEND_NONE },
	{ 0, "InvalidAccessKeyId", RC_RETRY, NULL, S3_MEND_NONE },
	{ 0, "SignatureDoesNotMatch", RC_RETRY, NULL, S3_MEND_NONE },
	{ 429, NULL, RC_RETRY, "SlowDown", S3_MEND_WAIT },
	{ 500, NULL, RC_RETRY, NULL, S3_MEND_WAIT },
	{ 501, NULL, RC_PERMANENT, NULL, S3_MEND_NONE },
	{ 502, NULL, RC_RETRY, NULL, S3_MEND_WAIT },
	{ 503, NULL, RC_RETRY, NULL, S3_MEND_WAIT },
	{ 504, NULL, RC_RETRY, NULL, S3_MEND_WAIT },
	{ 301, NULL, RC_RETRY, "WrongRegion", S3_MEND_NONE },
	{ 307, NULL, RC_RETRY, "WrongRegion", S3_MEND_NONE },
	{ 403, "InvalidObjectState", RC_PERMANENT, NULL, S3_MEND_NONE },
	{ 403, NULL, RC_PERMANENT, "AccessDenied", S3_MEND_NONE },
	{ 404, "NoSuchKey", RC_PERMANENT, "NotFound", S3_MEND_NONE },
	{ 404, "NoSuchVersion", RC_PERMANENT, "NotFound", S3_MEND_NONE },
	{ 404, BODILESS, RC_PERMANENT, "NotFound", S3_MEND_NONE },
	{ 404, "NoSuchBucket", RC_RETRY, NULL, S3_MEND_NONE },
	{ 404, NULL, RC_RETRY, "UnclearNotFound", S3_MEND_NONE },
	{ 405, "MethodNotAllowed", RC_PERMANENT, "NotFound", S3_MEND_NONE }, /* a delete marker */
	{ 409, NULL, RC_RETRY, NULL, S3_MEND_NONE },
	{ 410, NULL, RC_PERMANENT, "NotFound", S3_MEND_NONE },
	{ 412, NULL, RC_PERMANENT, "Replaced", S3_MEND_NONE },
	{ 0, NULL, RC_PERMANENT, NULL, S3_MEND_NONE },
};

static const struct verdict *
find_verdict(int status, const char *code)
{
	const struct verdict *v = verdicts;

	while ((v->status != 0 && v->status != status) ||
	       (v->code != NULL && strcmp(v->code, code) != 0))
		v++;
	return v;
}

static void
fill(const struct s3_call *c, const struct http_reply *r, const struct s3_error *e,
     const struct verdict *v, struct fault *f)
{
	const char *code = str_text(&e->code), *words = str_text(&e->message);
	struct str buf CLEANUP(str_free) = STR_INIT(SHORT_TEXT);
	const char *after;
	int64_t seconds;

	fault_set(f, v->rc, "%s s3://%s/%.200s: %d%s%.64s%s%.200s", c->method, c->bucket, c->key,
	          r->status, code[0] == '\0' ? "" : " ", code, words[0] == '\0' ? "" : ": ", words);
	coded(f, v->rc, v->name != NULL ? v->name : code);
	f->http = r->status;
	after = http_reply_header(r, "Retry-After", &buf);
	if (after != NULL && num_parse(after, 0, 86400, &seconds))
		f->retry_after_ms = seconds * 1000;
}

static bool
mend_region(struct s3 *s, const struct s3_call *c, const struct http_reply *r,
            const struct s3_error *e)
{
	struct str buf CLEANUP(str_free) = STR_INIT(SHORT_TEXT);
	const char *region = http_reply_header(r, "x-amz-bucket-region", &buf);

	if (r->status != 301 && r->status != 307 && r->status != 400)
		return false;
	if (region == NULL)
		region = str_text(&e->region);
	return s3_region_learn(s, c->bucket, region);
}

/* The reply to a HEAD has no body that would name the reason; its Date does. */
static bool
mend_clock(struct s3 *s, const struct http_reply *r)
{
	struct str buf CLEANUP(str_free) = STR_INIT(SHORT_TEXT);
	const char *date = http_reply_header(r, "Date", &buf);
	int64_t theirs, off;

	if (r->status != 403 || date == NULL || !http_date_ms(date, &theirs))
		return false;
	off = theirs - clock_wall_ms() - s->skew_ms;
	if (off < SKEW_ALLOWED_MS && off > -SKEW_ALLOWED_MS)
		return false;
	s->skew_ms += off;
	return true;
}

static bool
same(const struct str *a, const struct str *b)
{
	return strcmp(str_text(a), str_text(b)) == 0;
}

static bool
mend_keys(struct s3 *s, const struct http_reply *r, const struct s3_error *e)
{
	const struct credentials_conf conf = { s->access_key_file, s->secret_key_file };
	struct credentials fresh;

	if (r->status != 403 && strcmp(str_text(&e->code), "ExpiredToken") != 0)
		return false;
	if (credentials_load(&conf, &fresh, NULL) != RC_OK)
		return false;
	if (same(&fresh.access_key, &s->keys.access_key) &&
	    same(&fresh.secret_key, &s->keys.secret_key) &&
	    same(&fresh.session_token, &s->keys.session_token)) {
		credentials_free(&fresh);
		return false;
	}
	credentials_free(&s->keys);
	s->keys = fresh;
	return true;
}

enum s3_mend
s3_judge(struct s3 *s, const struct s3_call *c, const struct http_reply *r, struct fault *f)
{
	struct s3_error e CLEANUP(s3_error_free);
	const struct verdict *v;

	s3_error_parse(str_text(&r->body), r->body.len, &e);
	v = find_verdict(r->status, strcmp(c->method, "HEAD") == 0 ? BODILESS : str_text(&e.code));
	fill(c, r, &e, v, f);
	if (mend_region(s, c, r, &e) || mend_clock(s, r) || mend_keys(s, r, &e))
		return S3_MEND_AGAIN;
	return v->mend;
}
