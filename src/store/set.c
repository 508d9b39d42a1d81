/* set.c -- the configured stores by name, each opened at first use. */
#include "store/store.h"

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
destroy(struct store_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; set->open != NULL && i < set->count; i++)
		store_close(set->open[i]);
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

static size_t
find(const struct store_set *set, const char *name)
{
	size_t i = 0;

	while (i < set->count && strcmp(set->confs[i].name, name) != 0)
		i++;
	return i;
}

struct store *
store_set_get(struct store_set *set, const char *name, struct fault *f)
{
	size_t i = find(set, name);
	struct store *store;

	/* Settings that are wrong here say nothing about the object: elsewhere, or later, it may
	 * do. */
	if (i == set->count) {
		FAULT(f, RC_RETRY, "NoStore", "no [store %.100s] is configured", name);
		return NULL;
	}
	store = set->open[i];
	if (store == NULL) {
		store = store_open(&set->confs[i], f);
		if (store == NULL)
			f->rc = RC_RETRY;
		set->open[i] = store;
	}
	return store;
}

enum rc
store_check(const struct store_conf *confs, size_t n, struct fault *f)
{
	for (size_t i = 0; i < n; i++) {
		struct store *s = store_open(&confs[i], f);
		if (s == NULL)
			return f->rc;
		store_close(s);
	}
	return RC_OK;
}
