/* handler.c -- which function or command a kind runs. */
#include "work/handler.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* Owned by the handler and changed by readers of it, hence apart. */
struct digest {
	pthread_mutex_t lock; /* protects what follows */
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	off_t size;
	char hex[SHA256_HEX_MAX]; /* "" until first read */
};

struct handler {
	char *kind;                    /* owned */
	char *path;                    /* owned; NULL for a built-in */
	const struct builtin *builtin; /* borrowed */
	struct digest *digest;         /* owned */
};

struct handlers {
	size_t n;
	struct handler list[];
};

static enum rc
run_noop(const struct builtin_call *c, struct job_result *ret, struct fault *f)
{
	(void)c;
	(void)f;
	ret->outcome = JOB_DONE;
	return RC_OK;
}

const struct builtin builtin_noop = { "noop", run_noop };

static void
destroy(struct handlers *h)
{
	while (h && h->n > 0) {
		struct handler *last = &h->list[--h->n];
		free(last->kind);
		free(last->path);
		if (last->digest)
			pthread_mutex_destroy(&last->digest->lock);
		free(last->digest);
	}
	free(h);
}

void
handlers_free(struct handlers *h)
{
	destroy(h);
}

void
handlers_freep(struct handlers **h)
{
	destroy(*h);
}

/* A kind's name becomes a file's name: what the pipeline's rules for names allow cannot escape. */
static bool
kind_name(const char *kind)
{
	size_t n = strlen(kind);
	return n >= 1 && n <= 63 && kind[0] != '-' &&
	       strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static enum rc
find_command(struct handler *h, const char *dir, struct fault *f)
{
	struct stat st;
	if (!dir)
		return fault_set(f, RC_PERMANENT,
		                 "kind %s: no built-in of that name, and no folder of handlers is "
		                 "set (--handlers)",
		                 h->kind);
	if (asprintf(&h->path, "%s/%s", dir, h->kind) < 0)
		abort();
	if (stat(h->path, &st) != 0)
		return fault_set(f, RC_PERMANENT, "kind %s: its handler %s: %s", h->kind, h->path,
		                 strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return fault_set(f, RC_PERMANENT, "kind %s: its handler %s is not an executable",
		                 h->kind, h->path);
	return RC_OK;
}

static enum rc
fill_handler(struct handler *h, const char *kind, const char *dir, const struct builtin *builtins,
             size_t builtin_n, struct fault *f)
{
	if (!kind_name(kind))
		return fault_set(
			f, RC_PERMANENT,
			"'%s' is not a kind's name: 1 to 63 of a-z 0-9 - and no dash first", kind);
	h->kind = strdup(kind);
	h->digest = calloc(1, sizeof *h->digest);
	if (!h->kind || !h->digest)
		abort();
	pthread_mutex_init(&h->digest->lock, NULL);
	for (size_t i = 0; i < builtin_n && !h->builtin; i++)
		if (strcmp(builtins[i].kind, kind) == 0)
			h->builtin = &builtins[i];
	return h->builtin ? RC_OK : find_command(h, dir, f);
}

struct handlers *
handlers_new(const char *const *kinds, size_t n, const char *dir, const struct builtin *builtins,
             size_t builtin_n, struct fault *f)
{
	char *real = dir ? realpath(dir, NULL) : NULL;
	if (dir && !real) {
		fault_set(f, RC_PERMANENT, "the folder of handlers %s: %s", dir,
		          strerrordesc_np(errno));
		return NULL;
	}
	struct handlers *h = calloc(1, sizeof *h + n * sizeof h->list[0]);
	if (!h)
		abort();
	enum rc rc = RC_OK;
	for (; h->n < n && rc == RC_OK; h->n++)
		rc = fill_handler(&h->list[h->n], kinds[h->n], real, builtins, builtin_n, f);
	free(real);
	if (rc == RC_OK)
		return h;
	destroy(h);
	return NULL;
}

const struct handler *
handlers_find(const struct handlers *h, const char *kind)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->list[i].kind, kind) == 0)
			return &h->list[i];
	return NULL;
}

const struct builtin *
handler_builtin(const struct handler *h)
{
	return h->builtin;
}

const char *
handler_path(const struct handler *h)
{
	return h->path;
}

static bool
same_file(const struct digest *d, const struct stat *st)
{
	return d->hex[0] && d->dev == st->st_dev && d->ino == st->st_ino &&
	       d->size == st->st_size && d->mtime.tv_sec == st->st_mtim.tv_sec &&
	       d->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static bool
known_digest(struct digest *d, const struct stat *st, char ret[SHA256_HEX_MAX])
{
	pthread_mutex_lock(&d->lock);
	bool known = same_file(d, st);
	if (known)
		memcpy(ret, d->hex, SHA256_HEX_MAX);
	pthread_mutex_unlock(&d->lock);
	return known;
}

static void
learn_digest(struct digest *d, const struct stat *st, const char hex[SHA256_HEX_MAX])
{
	pthread_mutex_lock(&d->lock);
	d->dev = st->st_dev;
	d->ino = st->st_ino;
	d->size = st->st_size;
	d->mtime = st->st_mtim;
	memcpy(d->hex, hex, SHA256_HEX_MAX);
	pthread_mutex_unlock(&d->lock);
}

const char *
handler_digest(const struct handler *h, struct arena *a)
{
	struct fault f = { 0 };
	struct stat st;
	char hex[SHA256_HEX_MAX];
	int64_t size;
	int fd = h->path ? open(h->path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return NULL;
	bool known = fstat(fd, &st) == 0;
	/* Two slots may read a new command at once: that is better than one waiting for the disk
	 * of the other. */
	if (known && !known_digest(h->digest, &st, hex)) {
		known = hash_sha256_fd(fd, hex, &size, &f) == RC_OK;
		if (known)
			learn_digest(h->digest, &st, hex);
	}
	close(fd);
	return known ? arena_strdup(a, hex) : NULL;
}
