/* s3.c -- the calls of the S3 client. */
#include "net/s3_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"

#include "net/coded.h"
#include "net/hash.h"
#include "net/sigv4.h"

#include "base/banned.h"

#define HEADER_MAX ((size_t)8 * 1024)
#define URL_MAX ((size_t)64 * 1024)
/* The most that one PUT may hold. */
#define PUT_MAX (INT64_C(5) * 1024 * 1024 * 1024)
#define REPLY_MAX (INT64_C(64) * 1024)

static const char *
env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *
first(const char *a, const char *b, const char *c)
{
	if (a != NULL)
		return a;
	return b != NULL ? b : c;
}

static void
destroy(struct s3 *s)
{
	struct bucket_region *next;

	if (s == NULL)
		return;
	http_close(s->http);
	credentials_free(&s->keys);
	for (struct bucket_region *r = s->regions; r != NULL; r = next) {
		next = r->next;
		free(r->bucket);
		str_free(&r->region);
		free(r);
	}
	free(s->endpoint);
	free(s->region);
	free(s->ca_file);
	free(s->access_key_file);
	free(s->secret_key_file);
	free(s);
}

void
s3_close(struct s3 *s)
{
	destroy(s);
}

static bool
copy(const char *text, char **ret)
{
	*ret = text == NULL ? NULL : strdup(text);
	return text == NULL || *ret != NULL;
}

static enum rc
fill(struct s3 *s, const struct s3_conf *c, struct fault *f)
{
	const char *endpoint =
		first(c->endpoint, env("AWS_ENDPOINT_URL_S3"), env("AWS_ENDPOINT_URL"));
	const char *region = first(c->region, env("AWS_REGION"), env("AWS_DEFAULT_REGION"));

	if (endpoint != NULL) {
		s->endpoint = s3_endpoint_read(endpoint, f);
		if (s->endpoint == NULL)
			return RC_PERMANENT;
	}
	if (!copy(region != NULL ? region : "us-east-1", &s->region) ||
	    !copy(env("AWS_CA_BUNDLE"), &s->ca_file) ||
	    !copy(c->access_key_file, &s->access_key_file) ||
	    !copy(c->secret_key_file, &s->secret_key_file))
		return fault_set(f, RC_RETRY, "no memory for an S3 client");
	s->http = http_open(f);
	return s->http == NULL ? RC_RETRY : RC_OK;
}

struct s3 *
s3_open(const struct s3_conf *c, struct fault *f)
{
	struct s3 *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		fault_set(f, RC_RETRY, "no memory for an S3 client");
		return NULL;
	}
	s->end_fd = -1;
	if (fill(s, c, f) == RC_OK)
		return s;
	destroy(s);
	return NULL;
}

void
s3_bound(struct s3 *s, int end_fd, int64_t until_ms)
{
	s->end_fd = end_fd;
	s->until_ms = until_ms;
}

static void
add_header(struct s3_call *c, const char *name, const char *value)
{
	c->headers[c->header_count++] = (struct http_header){ name, value };
}

/* A call that reads; quoted must live as long as it. */
static struct s3_call
reading(const char *method, const struct s3_ref *o, struct http_header *version, struct str *quoted)
{
	struct s3_call c = { .method = method,
		             .bucket = o->bucket,
		             .key = o->key,
		             .payload_sha256 = SIGV4_EMPTY_SHA256,
		             .body_fd = -1,
		             .sink_fd = -1 };

	if (o->version_id != NULL && o->version_id[0] != '\0') {
		*version = (struct http_header){ "versionId", o->version_id };
		c.query = version;
		c.query_count = 1;
	} else if (o->etag != NULL && str_addf(quoted, "\"%s\"", o->etag)) {
		add_header(&c, "If-Match", quoted->data);
	}
	return c;
}

static const char *
keep(struct arena *a, const struct http_reply *r, const char *name)
{
	struct str buf CLEANUP(str_free) = STR_INIT(HEADER_MAX);
	const char *value = http_reply_header(r, name, &buf);

	return value == NULL || value[0] == '\0' ? NULL : arena_strdup(a, value);
}

static const char *
keep_etag(struct arena *a, const struct http_reply *r)
{
	const char *etag = keep(a, r, "ETag");
	size_t n;

	if (etag == NULL)
		return NULL;
	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	n = strlen(etag);
	if (n >= 2 && etag[0] == '"' && etag[n - 1] == '"')
		return arena_strndup(a, etag + 1, n - 2);
	return etag;
}

static enum rc
read_meta(const struct http_reply *r, const struct s3_ref *o, struct arena *a, struct s3_meta *ret,
          struct fault *f)
{
	struct s3_meta m = { .size = r->received };
	const char *length = keep(a, r, "Content-Length"), *modified = keep(a, r, "Last-Modified");

	if (length != NULL && !num_parse(length, 0, INT64_MAX, &m.size))
		return fault_set(f, RC_RETRY, "the store's Content-Length is no number");
	if (modified != NULL && !http_date_ms(modified, &m.modified_ms))
		m.modified_ms = 0;
	m.etag = keep_etag(a, r);
	m.version_id = keep(a, r, "x-amz-version-id");
	if (m.version_id != NULL && strcmp(m.version_id, "null") == 0)
		m.version_id = NULL;
	m.content_type = keep(a, r, "Content-Type");
	m.trace_id = keep(a, r, "x-amz-meta-trace-id");
	/* Not every store looks at If-Match. */
	if (o->version_id == NULL && o->etag != NULL && m.etag != NULL &&
	    strcmp(o->etag, m.etag) != 0)
		return FAULT(f, RC_PERMANENT, "Replaced",
		             "s3://%s/%.200s has been replaced: etag %s, not %s", o->bucket, o->key,
		             m.etag, o->etag);
	*ret = m;
	return RC_OK;
}

enum rc
s3_head(struct s3 *s, const struct s3_ref *o, struct arena *a, struct s3_meta *ret, struct fault *f)
{
	struct str quoted CLEANUP(str_free) = STR_INIT(HEADER_MAX);
	struct http_header version;
	struct s3_call c = reading("HEAD", o, &version, &quoted);
	struct http_reply reply CLEANUP(http_reply_free) = { .status = 0 };
	enum rc rc = s3_send(s, &c, &reply, f);

	return rc == RC_OK ? read_meta(&reply, o, a, ret, f) : rc;
}

enum rc
s3_get(struct s3 *s, const struct s3_ref *o, int fd, int64_t max_bytes, struct arena *a,
       struct s3_meta *ret, struct fault *f)
{
	struct str quoted CLEANUP(str_free) = STR_INIT(HEADER_MAX);
	struct http_header version;
	struct s3_call c = reading("GET", o, &version, &quoted);
	struct http_reply reply CLEANUP(http_reply_free) = { .status = 0 };
	struct s3_meta meta;
	enum rc rc;

	c.sink_fd = fd;
	c.max_reply = max_bytes;
	rc = s3_send(s, &c, &reply, f);
	if (rc == RC_OK)
		rc = read_meta(&reply, o, a, &meta, f);
	if (rc != RC_OK)
		return rc;
	if (meta.size != reply.received)
		return fault_set(f, RC_RETRY, "s3://%s/%.200s: %lld of %lld bytes came", o->bucket,
		                 o->key, (long long)reply.received, (long long)meta.size);
	*ret = meta;
	return RC_OK;
}

enum rc
s3_get_head(struct s3 *s, const struct s3_ref *o, void *buf, size_t n, size_t *ret_n,
            struct fault *f)
{
	struct str quoted CLEANUP(str_free) = STR_INIT(HEADER_MAX);
	struct str range CLEANUP(str_free) = STR_INIT(64);
	struct http_header version;
	struct s3_call c = reading("GET", o, &version, &quoted);
	struct http_reply reply CLEANUP(http_reply_free) = { .status = 0 };
	struct fault what = { .rc = RC_OK };
	enum rc rc;

	str_addf(&range, "bytes=0-%zu", n > 0 ? n - 1 : 0);
	add_header(&c, "Range", str_text(&range));
	c.max_reply = (int64_t)n;
	rc = s3_send(s, &c, &reply, &what);
	/* An object of no bytes has no first one. */
	if (rc != RC_OK && what.http == 416) {
		*ret_n = 0;
		return RC_OK;
	}
	if (rc != RC_OK) {
		if (f != NULL)
			*f = what;
		return rc;
	}
	memcpy(buf, str_text(&reply.body), reply.body.len);
	*ret_n = reply.body.len;
	return RC_OK;
}

static enum rc
need_hash(const struct s3_upload *u, char buf[SHA256_HEX_MAX], const char **ret, struct fault *f)
{
	int64_t size = u->size;
	enum rc rc;

	if (u->sha256_hex != NULL) {
		*ret = u->sha256_hex;
		return RC_OK;
	}
	rc = hash_sha256_fd(u->fd, buf, &size, f);
	if (rc == RC_OK && size != u->size)
		rc = fault_set(f, RC_RETRY, "the file has %lld bytes, not %lld", (long long)size,
		               (long long)u->size);
	if (rc == RC_OK)
		*ret = buf;
	return rc;
}

enum rc
s3_put(struct s3 *s, const struct s3_upload *u, struct fault *f)
{
	struct s3_call c = { .method = "PUT",
		             .bucket = u->bucket,
		             .key = u->key,
		             .body_fd = u->fd,
		             .body_size = u->size,
		             .sink_fd = -1,
		             .max_reply = REPLY_MAX };
	struct http_reply reply CLEANUP(http_reply_free) = { .status = 0 };
	char hash[SHA256_HEX_MAX];
	enum rc rc;

	if (u->size > PUT_MAX)
		return FAULT(f, RC_PERMANENT, "TooLarge",
		             "s3://%s/%.200s: %lld bytes do not fit in one PUT", u->bucket, u->key,
		             (long long)u->size);
	rc = need_hash(u, hash, &c.payload_sha256, f);
	if (rc != RC_OK)
		return rc;
	if (u->content_type != NULL)
		add_header(&c, "Content-Type", u->content_type);
	if (u->trace_id != NULL)
		add_header(&c, "x-amz-meta-trace-id", u->trace_id);
	return s3_send(s, &c, &reply, f);
}

enum rc
s3_presign(struct s3 *s, const char *method, const char *bucket, const char *key, int64_t expires_s,
           struct str *out, struct fault *f)
{
	struct s3_target t CLEANUP(s3_target_free) = { .region = NULL };
	struct http_header host = { .name = "host" };
	struct sigv4_request rq = { .method = method,
		                    .headers = &host,
		                    .header_count = 1,
		                    .payload_sha256 = SIGV4_UNSIGNED };
	struct sigv4_key k = { .service = "s3" };
	char time[CLOCK_TEXT_MAX];
	enum rc rc = s3_need_keys(s, f);

	if (rc == RC_OK)
		rc = s3_target_find(s, bucket, key, &t, f);
	if (rc != RC_OK)
		return rc;
	host.value = str_text(&t.host);
	rq.path = str_text(&t.path);
	k.access_key = str_text(&s->keys.access_key);
	k.secret_key = str_text(&s->keys.secret_key);
	k.session_token = s->keys.session_token.len > 0 ? str_text(&s->keys.session_token) : NULL;
	k.region = t.region;
	clock_basic(clock_wall_us() + s->skew_ms * 1000, time);
	if (str_addf(out, "%s%s?", str_text(&t.origin), rq.path) &&
	    sigv4_presign(&rq, &k, time, expires_s, out))
		return RC_OK;
	return fault_set(f, RC_PERMANENT, "the URL of s3://%s/%.200s is too long", bucket, key);
}
