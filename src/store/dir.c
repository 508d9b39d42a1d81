/* dir.c -- a directory tree as a store: its folders are buckets, its files objects. */
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#include "net/coded.h"

#include "store/dir_private.h"
#include "store/path.h"

#include "base/banned.h"

#define CHUNK ((size_t)128 * 1024)

char *
store_dir_etag(const struct stat *st, char buf[STORE_DIR_ETAG_MAX])
{
	uint64_t ns = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;

	snprintf(buf, STORE_DIR_ETAG_MAX, "%llx-%llx-%llx", (unsigned long long)st->st_ino,
	         (unsigned long long)st->st_size, (unsigned long long)ns);
	return buf;
}

static struct store_dir *
dir_of(struct store *s)
{
	return (struct store_dir *)s;
}

static void
destroy(struct store_dir *d)
{
	if (d->root_fd >= 0)
		close(d->root_fd);
	free(d->root);
	free(d);
}

static void
dir_close(struct store *s)
{
	destroy(dir_of(s));
}

void
dir_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static enum rc
check_same(const struct store_ref *o, const struct stat *st, struct fault *f)
{
	char etag[STORE_DIR_ETAG_MAX];

	if (o->etag == NULL || strcmp(o->etag, store_dir_etag(st, etag)) == 0)
		return RC_OK;
	return FAULT(f, RC_PERMANENT, "Replaced", "%s/%.200s has been replaced: etag %s, not %.60s",
	             o->bucket, o->key, etag, o->etag);
}

/* O_NONBLOCK: a FIFO must not hold us. */
static enum rc
open_object(struct store *s, const struct store_ref *o, int *ret_fd, struct stat *ret_st,
            struct fault *f)
{
	int dir_fd CLEANUP(dir_close_fd) = -1, fd;
	const char *name;
	struct stat st;
	enum rc rc = path_open(dir_of(s)->root_fd, o->bucket, o->key, false, &dir_fd, &name, f);

	if (rc != RC_OK)
		return rc;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return path_fault(errno, "opening", o->bucket, o->key, f);
	if (fstat(fd, &st) != 0)
		rc = path_fault(errno, "looking at", o->bucket, o->key, f);
	else if (S_ISDIR(st.st_mode))
		rc = FAULT(f, RC_PERMANENT, "NotFound", "%s/%.200s is a folder", o->bucket, o->key);
	else if (!S_ISREG(st.st_mode))
		rc = FAULT(f, RC_PERMANENT, "BadKey", "%s/%.200s is not a regular file", o->bucket,
		           o->key);
	else
		rc = check_same(o, &st, f);
	if (rc != RC_OK) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	*ret_st = st;
	return RC_OK;
}

static void
fill_meta(int fd, const struct stat *st, const char *key, struct arena *a, struct store_meta *ret)
{
	char etag[STORE_DIR_ETAG_MAX];

	*ret = (struct store_meta){
		.size = st->st_size,
		.etag = arena_strdup(a, store_dir_etag(st, etag)),
		.content_type = store_content_type(key),
		.trace_id = dir_trace_id(fd, a),
		.modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
	};
}

static enum rc
dir_head(struct store *s, const struct store_ref *o, struct arena *a, struct store_meta *ret,
         struct fault *f)
{
	int fd CLEANUP(dir_close_fd) = -1;
	struct stat st = { 0 };
	enum rc rc = open_object(s, o, &fd, &st, f);

	if (rc == RC_OK)
		fill_meta(fd, &st, o->key, a, ret);
	return rc;
}

static enum rc
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return RC_RETRY;
		p += done;
		n -= (size_t)done;
	}
	return RC_OK;
}

static enum rc
within_bounds(const struct store *s)
{
	struct pollfd end = { .fd = s->end_fd, .events = POLLIN };

	if (s->end_fd >= 0 && poll(&end, 1, 0) > 0)
		errno = ECANCELED;
	else if (s->until_ms != 0 && clock_mono_ms() >= s->until_ms)
		errno = ETIMEDOUT;
	else
		return RC_OK;
	return RC_RETRY;
}

/* From the start of one file to the place of the other. RC_RETRY with errno; more than max bytes
 * end it, too. */
static enum rc
copy_with(const struct store *s, char *chunk, int from, int to, int64_t max, int64_t *ret_size)
{
	int64_t size = 0;
	ssize_t n;

	for (;;) {
		if (within_bounds(s) != RC_OK)
			return RC_RETRY;
		n = pread(from, chunk, CHUNK, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RC_RETRY;
		if (n == 0 || size + n > max)
			break;
		if (write_all(to, chunk, (size_t)n) != RC_OK)
			return RC_RETRY;
		size += n;
	}
	*ret_size = n == 0 ? size : size + n;
	return RC_OK;
}

enum rc
dir_copy(const struct store *s, int from, int to, int64_t max, int64_t *ret_size)
{
	char *chunk = malloc(CHUNK);
	enum rc rc;

	if (chunk == NULL) {
		errno = ENOMEM;
		return RC_RETRY;
	}
	rc = copy_with(s, chunk, from, to, max, ret_size);
	free(chunk);
	return rc;
}

static enum rc
too_large(const struct store_ref *o, int64_t size, int64_t max, struct fault *f)
{
	return FAULT(f, RC_PERMANENT, "TooLarge", "%s/%.200s has %lld bytes, %lld are allowed",
	             o->bucket, o->key, (long long)size, (long long)max);
}

static enum rc
dir_get(struct store *s, const struct store_ref *o, int to, int64_t max_bytes, struct arena *a,
        struct store_meta *ret, struct fault *f)
{
	int fd CLEANUP(dir_close_fd) = -1;
	struct stat st = { 0 }, after;
	int64_t size;
	enum rc rc = open_object(s, o, &fd, &st, f);

	if (rc != RC_OK)
		return rc;
	if (st.st_size > max_bytes)
		return too_large(o, st.st_size, max_bytes, f);
	if (ftruncate(to, 0) != 0 || lseek(to, 0, SEEK_SET) != 0 ||
	    dir_copy(s, fd, to, max_bytes, &size) != RC_OK || fstat(fd, &after) != 0)
		return fault_set(f, errno == ECANCELED ? RC_STOP : RC_RETRY,
		                 "copying %s/%.200s: %s", o->bucket, o->key, strerror(errno));
	if (size != st.st_size || after.st_size != st.st_size ||
	    memcmp(&after.st_mtim, &st.st_mtim, sizeof(st.st_mtim)) != 0)
		return fault_set(f, RC_RETRY, "%s/%.200s changed while it was copied", o->bucket,
		                 o->key);
	fill_meta(fd, &st, o->key, a, ret);
	return RC_OK;
}

static enum rc
dir_get_head(struct store *s, const struct store_ref *o, void *buf, size_t n, size_t *ret_n,
             struct fault *f)
{
	int fd CLEANUP(dir_close_fd) = -1;
	struct stat st;
	size_t got = 0;
	ssize_t more = 1;
	enum rc rc = open_object(s, o, &fd, &st, f);

	if (rc != RC_OK)
		return rc;
	while (got < n && more != 0) {
		more = pread(fd, (char *)buf + got, n - got, (off_t)got);
		if (more < 0 && errno != EINTR)
			return path_fault(errno, "reading", o->bucket, o->key, f);
		got += more > 0 ? (size_t)more : 0;
	}
	*ret_n = got;
	return RC_OK;
}

static const char *
dir_uri(struct store *s, const char *bucket, const char *key, struct arena *a)
{
	return arena_printf(a, "file://%s/%s/%s", dir_of(s)->root, bucket, key);
}

static const struct store_ops ops = {
	.close = dir_close,
	.head = dir_head,
	.get = dir_get,
	.get_head = dir_get_head,
	.put = dir_put,
	.uri = dir_uri,
};

static char *
without_last_slashes(const char *root)
{
	char *copy = strdup(root);

	for (size_t n = copy == NULL ? 0 : strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	return copy;
}

struct store *
store_dir_open(const char *root, struct fault *f)
{
	struct store_dir *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		fault_set(f, RC_RETRY, "no memory for a store");
		return NULL;
	}
	d->store.ops = &ops;
	d->root = without_last_slashes(root);
	d->root_fd = d->root == NULL ? -1 : open(d->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->root_fd >= 0)
		return (struct store *)d;
	fault_set(f, RC_PERMANENT, "cannot open the folder %.200s: %s", root, strerror(errno));
	destroy(d);
	return NULL;
}
