/* s3_url.c -- the URL of an object: path style at an endpoint of one's own, the bucket's host at
 * AWS. */
#include "net/s3_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/coded.h"

#include "base/banned.h"

#define URL_MAX ((size_t)16 * 1024)
#define BUCKET_BYTES_MAX 255
#define REGION_MAX 100

static const char *
after_scheme(const char *url)
{
	if (strncmp(url, "http://", 7) == 0)
		return url + 7;
	if (strncmp(url, "https://", 8) == 0)
		return url + 8;
	return NULL;
}

char *
s3_endpoint_read(const char *text, struct fault *f)
{
	const char *rest = after_scheme(text);
	char *copy;
	size_t n;

	if (rest == NULL || rest[0] == '\0' || rest[0] == '/' ||
	    strpbrk(rest, "@?# \r\n") != NULL) {
		fault_set(f, RC_PERMANENT,
		          "the S3 endpoint must be http:// or https:// and an address, without "
		          "user, query or fragment: \"%.100s\"",
		          text);
		return NULL;
	}
	copy = strdup(text);
	if (copy == NULL) {
		fault_set(f, RC_RETRY, "no memory for an endpoint");
		return NULL;
	}
	for (n = strlen(copy); n > 0 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	return copy;
}

static struct bucket_region *
find_region(const struct s3 *s, const char *bucket)
{
	struct bucket_region *r = s->regions;

	while (r != NULL && strcmp(r->bucket, bucket) != 0)
		r = r->next;
	return r;
}

const char *
s3_region_of(const struct s3 *s, const char *bucket)
{
	const struct bucket_region *r = find_region(s, bucket);

	return r == NULL || r->region.len == 0 ? s->region : r->region.data;
}

static struct bucket_region *
add_region(struct s3 *s, const char *bucket)
{
	struct bucket_region *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->bucket = strdup(bucket);
	if (r->bucket == NULL) {
		free(r);
		return NULL;
	}
	str_init(&r->region, REGION_MAX);
	r->next = s->regions;
	s->regions = r;
	return r;
}

bool
s3_region_learn(struct s3 *s, const char *bucket, const char *region)
{
	struct bucket_region *r = find_region(s, bucket);

	if (region[0] == '\0' || strcmp(s3_region_of(s, bucket), region) == 0)
		return false;
	if (r == NULL)
		r = add_region(s, bucket);
	if (r == NULL)
		return false;
	str_reset(&r->region);
	return str_add(&r->region, region);
}

static enum rc
check_names(const char *bucket, const char *key, struct fault *f)
{
	size_t n = strlen(bucket);

	if (n == 0 || n > BUCKET_BYTES_MAX || strcmp(bucket, ".") == 0 ||
	    strcmp(bucket, "..") == 0 ||
	    strspn(bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
	            n)
		return FAULT(f, RC_PERMANENT, "BadKey", "not a bucket's name: \"%.100s\"", bucket);
	if (key[0] == '\0')
		return FAULT(f, RC_PERMANENT, "BadKey", "the key is empty");
	return RC_OK;
}

/* A name that is one label of a host: no dot, or the certificate would not fit. */
static bool
is_label(const char *bucket)
{
	size_t n = strlen(bucket);

	return n >= 3 && n <= 63 && bucket[0] != '-' && bucket[n - 1] != '-' &&
	       strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static void
aws_target(const char *bucket, const char *region, struct s3_target *t)
{
	const char *tail = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";

	if (is_label(bucket)) {
		str_addf(&t->host, "%s.s3.%s.amazonaws.com%s", bucket, region, tail);
	} else {
		str_addf(&t->host, "s3.%s.amazonaws.com%s", region, tail);
		str_addf(&t->path, "/%s", bucket);
	}
	str_addf(&t->origin, "https://%s", str_text(&t->host));
}

static void
endpoint_target(const char *endpoint, const char *bucket, struct s3_target *t)
{
	const char *authority = after_scheme(endpoint);
	size_t n;
	const char *port = strncmp(endpoint, "https", 5) == 0 ? ":443" : ":80";
	size_t port_n = strlen(port);

	assert(authority != NULL);
	n = strcspn(authority, "/");
	str_addn(&t->origin, endpoint, (size_t)(authority - endpoint) + n);
	str_addf(&t->path, "%s/%s", authority + n, bucket);
	/* The scheme's own port is not part of the Host header. */
	if (n > port_n && memcmp(authority + n - port_n, port, port_n) == 0)
		n -= port_n;
	str_addn(&t->host, authority, n);
}

void
s3_target_free(struct s3_target *t)
{
	str_free(&t->origin);
	str_free(&t->host);
	str_free(&t->path);
}

enum rc
s3_target_find(const struct s3 *s, const char *bucket, const char *key, struct s3_target *ret,
               struct fault *f)
{
	struct s3_target t = { .region = s3_region_of(s, bucket) };
	enum rc rc = check_names(bucket, key, f);

	if (rc != RC_OK)
		return rc;
	str_init(&t.origin, URL_MAX);
	str_init(&t.host, URL_MAX);
	str_init(&t.path, URL_MAX);
	if (s->endpoint == NULL)
		aws_target(bucket, t.region, &t);
	else
		endpoint_target(s->endpoint, bucket, &t);
	str_addc(&t.path, '/');
	str_add_uri(&t.path, key, strlen(key), true);
	if (t.origin.failed || t.host.failed || t.path.failed) {
		s3_target_free(&t);
		return FAULT(f, RC_PERMANENT, "BadKey", "the key is too long: %zu bytes",
		             strlen(key));
	}
	*ret = t;
	return RC_OK;
}
