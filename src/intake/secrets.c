/* secrets.c -- the one or two secrets of a source, read again when their files change. */
#include "intake/secrets.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "net/hash.h"
#include "base/banned.h"

#define SECRET_MAX (64u * 1024)

struct secret_file {
	const char *path; /* NULL: there is none */
	struct timespec changed;
	ino_t inode;
	off_t size;
	struct str value; /* owned; protected by the mutex */
};

struct secrets {
	pthread_mutex_t lock;
	struct secret_file files[2];
};

static void
release(struct secrets *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->files); i++)
		str_free(&s->files[i].value);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
secrets_free(struct secrets *s)
{
	if (s)
		release(s);
}

static bool
is_same(const struct secret_file *file, const struct stat *st)
{
	return st->st_mtim.tv_sec == file->changed.tv_sec &&
	       st->st_mtim.tv_nsec == file->changed.tv_nsec && st->st_ino == file->inode &&
	       st->st_size == file->size;
}

static enum rc
refresh(struct secrets *s, struct secret_file *file, struct fault *f)
{
	struct str value = STR_INIT(SECRET_MAX);
	struct stat st;

	if (!file->path)
		return RC_OK;
	if (stat(file->path, &st) != 0)
		return fault_set(f, RC_PERMANENT, "secret file %s: %s", file->path,
		                 strerror(errno));
	if (is_same(file, &st))
		return RC_OK;
	enum rc rc = conf_read_secret(file->path, &value, f);
	if (rc == RC_OK) {
		pthread_mutex_lock(&s->lock);
		struct str old = file->value;
		file->value = value;
		value = old;
		pthread_mutex_unlock(&s->lock);
		file->changed = st.st_mtim;
		file->inode = st.st_ino;
		file->size = st.st_size;
	}
	str_free(&value);
	return rc;
}

enum rc
secrets_refresh(struct secrets *s, struct fault *f)
{
	enum rc first = refresh(s, &s->files[0], f);
	struct fault second_fault = { 0 };
	enum rc second = refresh(s, &s->files[1], &second_fault);
	if (first != RC_OK)
		return first;
	if (second != RC_OK)
		*f = second_fault;
	return second;
}

struct secrets *
secrets_open(const char *first, const char *second, struct fault *f)
{
	struct secrets *s = calloc(1, sizeof(*s));
	if (!s) {
		fault_set(f, RC_RETRY, "out of memory for secrets");
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->files[0].path = first;
	s->files[1].path = second;
	if (secrets_refresh(s, f) == RC_OK)
		return s;
	release(s);
	return NULL;
}

bool
secrets_match(struct secrets *s, const char *given, size_t n)
{
	bool match = false;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < ARRAY_LEN(s->files); i++) {
		const struct str *value = &s->files[i].value;
		if (value->len > 0)
			match |= hash_equal(value->data, value->len, given, n);
	}
	pthread_mutex_unlock(&s->lock);
	return match;
}
