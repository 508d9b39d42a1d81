/* store.c -- object stores behind one interface. */
#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#include "base/banned.h"

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

#define SCHEME "file://"

bool
store_is_folder(const char *url)
{
	return strncmp(url, SCHEME "/", strlen(SCHEME "/")) == 0;
}

char *
store_url_folder(const char *url, struct fault *f)
{
	const char *p = url + strlen(SCHEME);
	char *folder = strdup(p), *out = folder;
	char hex[3] = { 0 };

	if (folder == NULL) {
		fault_set(f, RC_RETRY, "no memory for a store");
		return NULL;
	}
	for (; *p != '\0'; p++, out++) {
		*out = *p;
		if (*p != '%')
			continue;
		if (p[1] != '\0')
			memcpy(hex, p + 1, 2);
		if (p[1] == '\0' || !num_parse_hex(hex, out, 1) || *out == '\0') {
			fault_set(
				f, RC_PERMANENT,
				"the url %.200s: \"%.3s\" is no encoded byte (a %% itself is %%25)",
				url, p);
			free(folder);
			return NULL;
		}
		p += 2;
	}
	*out = '\0';
	return folder;
}

static struct store *
open_folder(const char *url, struct fault *f)
{
	char *folder = store_url_folder(url, f);
	struct store *s = folder == NULL ? NULL : store_dir_open(folder, f);

	free(folder);
	return s;
}

struct store *
store_open(const struct store_conf *c, struct fault *f)
{
	struct store *s = NULL;

	if (c->url == NULL)
		fault_set(f, RC_PERMANENT, "no url is set: file:///folder or s3://");
	else if (store_is_folder(c->url))
		s = open_folder(c->url, f);
	else if (strcmp(c->url, "s3://") == 0)
		s = store_s3_open(c, f);
	else
		fault_set(f, RC_PERMANENT,
		          "the url must be file:///folder or s3://, not \"%.100s\"", c->url);
	if (s != NULL)
		store_bound(s, -1, 0);
	if (s == NULL && c->name != NULL)
		ignore_rc(fault_context(f, "store %s", c->name));
	return s;
}

void
store_bound(struct store *s, int end_fd, int64_t until_ms)
{
	s->end_fd = end_fd;
	s->until_ms = until_ms;
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
