/* dir_put.c -- writing into a directory store: a file appears whole or not at all. */
#include "store/dir_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/coded.h"

#include "store/path.h"

#include "base/banned.h"

#define FILE_MODE 0666 /* the umask decides */
#define TEMP_NAME_MAX 64

/* -1 with errno; name has room for TEMP_NAME_MAX bytes. */
static int
create_temp(int dir_fd, char *name)
{
	unsigned long long random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -1;
	snprintf(name, TEMP_NAME_MAX, "%s%016llx", STORE_DIR_TEMP, random);
	return openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	              FILE_MODE);
}

static enum rc
write_temp(const struct store *s, int fd, const struct store_put *p, struct fault *f)
{
	int64_t size = 0;

	if (dir_copy(s, p->fd, fd, p->size, &size) != RC_OK ||
	    dir_set_trace_id(fd, p->trace_id) != RC_OK)
		return path_fault(errno, "writing", p->bucket, p->key, f);
	if (size != p->size)
		return fault_set(f, RC_RETRY, "%s/%.200s: the file to store has %s than %lld bytes",
		                 p->bucket, p->key, size < p->size ? "less" : "more",
		                 (long long)p->size);
	if (fsync(fd) != 0)
		return path_fault(errno, "writing", p->bucket, p->key, f);
	return RC_OK;
}

static enum rc
put_in(const struct store *s, int dir_fd, const char *name, const struct store_put *p,
       struct fault *f)
{
	char temp[TEMP_NAME_MAX];
	int fd CLEANUP(dir_close_fd) = create_temp(dir_fd, temp);
	enum rc rc;

	if (fd < 0)
		return path_fault(errno, "creating a file for", p->bucket, p->key, f);
	rc = write_temp(s, fd, p, f);
	if (rc == RC_OK && renameat(dir_fd, temp, dir_fd, name) != 0)
		rc = path_fault(errno, "naming", p->bucket, p->key, f);
	if (rc != RC_OK) {
		unlinkat(dir_fd, temp, 0);
		return rc;
	}
	if (fsync(dir_fd) != 0)
		return path_fault(errno, "keeping", p->bucket, p->key, f);
	return RC_OK;
}

enum rc
dir_put(struct store *s, const struct store_put *p, struct fault *f)
{
	const struct store_dir *d = (const struct store_dir *)s;
	int dir_fd CLEANUP(dir_close_fd) = -1;
	const char *name;
	enum rc rc = path_open(d->root_fd, p->bucket, p->key, true, &dir_fd, &name, f);

	return rc == RC_OK ? put_in(s, dir_fd, name, p, f) : rc;
}
