/* s3.c -- an S3 server as a store. */
#include "store/private.h"

#include <stdlib.h>

#include "net/s3.h"

#include "base/banned.h"

struct store_s3 {
	struct store store;
	struct s3 *s3;
};

static struct s3 *
client(struct store *s)
{
	struct s3 *s3 = ((struct store_s3 *)s)->s3;

	s3_bound(s3, s->end_fd, s->until_ms);
	return s3;
}

static void
s3_store_close(struct store *s)
{
	s3_close(((struct store_s3 *)s)->s3);
	free(s);
}

static struct s3_ref
ref_of(const struct store_ref *o)
{
	return (struct s3_ref){
		.bucket = o->bucket, .key = o->key, .version_id = o->version_id, .etag = o->etag
	};
}

static struct store_meta
meta_of(const struct s3_meta *m)
{
	return (struct store_meta){ .size = m->size,
		                    .etag = m->etag,
		                    .version_id = m->version_id,
		                    .content_type = m->content_type,
		                    .trace_id = m->trace_id,
		                    .modified_ms = m->modified_ms };
}

static enum rc
s3_store_head(struct store *s, const struct store_ref *o, struct arena *a, struct store_meta *ret,
              struct fault *f)
{
	struct s3_ref ref = ref_of(o);
	struct s3_meta m;
	enum rc rc = s3_head(client(s), &ref, a, &m, f);

	if (rc == RC_OK)
		*ret = meta_of(&m);
	return rc;
}

static enum rc
s3_store_get(struct store *s, const struct store_ref *o, int fd, int64_t max_bytes, struct arena *a,
             struct store_meta *ret, struct fault *f)
{
	struct s3_ref ref = ref_of(o);
	struct s3_meta m;
	enum rc rc = s3_get(client(s), &ref, fd, max_bytes, a, &m, f);

	if (rc == RC_OK)
		*ret = meta_of(&m);
	return rc;
}

static enum rc
s3_store_get_head(struct store *s, const struct store_ref *o, void *buf, size_t n, size_t *ret_n,
                  struct fault *f)
{
	struct s3_ref ref = ref_of(o);

	return s3_get_head(client(s), &ref, buf, n, ret_n, f);
}

static enum rc
s3_store_put(struct store *s, const struct store_put *p, struct fault *f)
{
	struct s3_upload u = { .bucket = p->bucket,
		               .key = p->key,
		               .content_type = p->content_type,
		               .trace_id = p->trace_id,
		               .fd = p->fd,
		               .size = p->size,
		               .sha256_hex = p->sha256_hex };

	return s3_put(client(s), &u, f);
}

static const char *
s3_store_uri(struct store *s, const char *bucket, const char *key, struct arena *a)
{
	(void)s;
	return arena_printf(a, "s3://%s/%s", bucket, key);
}

static const struct store_ops ops = {
	.close = s3_store_close,
	.head = s3_store_head,
	.get = s3_store_get,
	.get_head = s3_store_get_head,
	.put = s3_store_put,
	.uri = s3_store_uri,
};

struct store *
store_s3_open(const struct store_conf *c, struct fault *f)
{
	const struct s3_conf conf = { .endpoint = c->endpoint,
		                      .region = c->region,
		                      .access_key_file = c->access_key_file,
		                      .secret_key_file = c->secret_key_file };
	struct store_s3 *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		fault_set(f, RC_RETRY, "no memory for a store");
		return NULL;
	}
	s->store.ops = &ops;
	s->s3 = s3_open(&conf, f);
	if (s->s3 != NULL)
		return (struct store *)s;
	free(s);
	return NULL;
}
