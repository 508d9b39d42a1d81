/* private.h -- what a kind of object store has to offer. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "store/store.h"

struct store_ops {
	void (*close)(struct store *s);
	enum rc (*head)(struct store *s, const struct store_ref *o, struct arena *a,
	                struct store_meta *ret, struct fault *f);
	enum rc (*get)(struct store *s, const struct store_ref *o, int fd, int64_t max_bytes,
	               struct arena *a, struct store_meta *ret, struct fault *f);
	enum rc (*get_head)(struct store *s, const struct store_ref *o, void *buf, size_t n,
	                    size_t *ret_n, struct fault *f);
	enum rc (*put)(struct store *s, const struct store_put *p, struct fault *f);
	const char *(*uri)(struct store *s, const char *bucket, const char *key, struct arena *a);
};

/* The first member of each kind's own struct. */
struct store {
	const struct store_ops *ops;
	int end_fd;       /* borrowed; -1: none */
	int64_t until_ms; /* monotonic; 0: none */
};

struct store *store_dir_open(const char *root, struct fault *f) MUST_USE;
struct store *store_s3_open(const struct store_conf *c, struct fault *f) MUST_USE;

#endif
