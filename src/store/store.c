/* store.c -- object stores behind one interface. */
#include "store/private.h"

#include <string.h>

#include "base/banned.h"

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

struct store *
store_open(const struct store_conf *c, struct fault *f)
{
	struct store *s = NULL;

	if (c->url == NULL)
		fault_set(f, RC_PERMANENT, "no url is set: file:///folder or s3://");
	else if (strncmp(c->url, "file:///", 8) == 0)
		s = store_dir_open(c->url + strlen("file://"), f);
	else if (strcmp(c->url, "s3://") == 0)
		s = store_s3_open(c, f);
	else
		fault_set(f, RC_PERMANENT,
		          "the url must be file:///folder or s3://, not \"%.100s\"", c->url);
	if (s == NULL && c->name != NULL)
		ignore_rc(fault_context(f, "store %s", c->name));
	return s;
}

enum rc
store_head(struct store *s, const struct store_ref *o, struct arena *a, struct store_meta *ret,
           struct fault *f)
{
	return s->ops->head(s, o, a, ret, f);
}

enum rc
store_get(struct store *s, const struct store_ref *o, int fd, int64_t max_bytes, struct arena *a,
          struct store_meta *ret, struct fault *f)
{
	return s->ops->get(s, o, fd, max_bytes, a, ret, f);
}

enum rc
store_get_head(struct store *s, const struct store_ref *o, void *buf, size_t n, size_t *ret_n,
               struct fault *f)
{
	return s->ops->get_head(s, o, buf, n, ret_n, f);
}

enum rc
store_put(struct store *s, const struct store_put *p, struct fault *f)
{
	return s->ops->put(s, p, f);
}

const char *
store_uri(struct store *s, const char *bucket, const char *key, struct arena *a)
{
	return s->ops->uri(s, bucket, key, a);
}
