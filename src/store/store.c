/* store.c -- object stores behind one interface, and the configured ones by name. */
#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "net/coded.h"

#include "base/banned.h"

struct store_set {
	const struct store_conf *confs;
	size_t count;
	struct store **open; /* NULL: not yet */
};

static void
close_one(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

void
store_close(struct store *s)
{
	close_one(s);
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

static void
destroy(struct store_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; set->open != NULL && i < set->count; i++)
		close_one(set->open[i]);
	free(set->open);
	free(set);
}

void
store_set_free(struct store_set *set)
{
	destroy(set);
}

struct store_set *
store_set_new(const struct store_conf *confs, size_t n)
{
	struct store_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->confs = confs;
	set->count = n;
	set->open = calloc(n + 1, sizeof(struct store *));
	if (set->open != NULL)
		return set;
	destroy(set);
	return NULL;
}

struct store *
store_set_get(struct store_set *set, const char *name, struct fault *f)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->confs[i].name, name) != 0)
			continue;
		if (set->open[i] == NULL)
			set->open[i] = store_open(&set->confs[i], f);
		return set->open[i];
	}
	FAULT(f, RC_PERMANENT, "NoStore", "no [store %.100s] is configured", name);
	return NULL;
}
