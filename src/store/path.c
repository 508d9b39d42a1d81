/* path.c -- from a bucket and a key to an open folder, without a way out of the root. */
#include "store/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#include "net/coded.h"

#include "store/store.h"

#include "base/banned.h"

#define FOLDER_MODE 0777 /* the umask decides */

enum rc
path_fault(int e, const char *doing, const char *bucket, const char *key, struct fault *f)
{
	const char *code = "";
	enum rc rc = RC_PERMANENT;

	switch (e) {
	case ENOENT:
		code = "NotFound";
		break;
	case ELOOP:
	case ENOTDIR:
	case EISDIR:
	case ENAMETOOLONG:
	case ENXIO:
	case EINVAL:
	case EILSEQ:
		code = "BadKey";
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		code = "AccessDenied";
		break;
	case ECANCELED:
		rc = RC_STOP;
		break;
	default:
		rc = RC_RETRY;
	}
	return FAULT(f, rc, code, "%s %s/%.200s: %s", doing, bucket, key, strerror(e));
}

static enum rc
bad_part(const char *what, const char *part, size_t n, const char *why, struct fault *f)
{
	return FAULT(f, RC_PERMANENT, "BadKey", "%s cannot be a path: \"%.*s\" %s", what,
	             n > 100 ? 100 : (int)n, part, why);
}

static enum rc
check_part(const char *what, const char *part, size_t n, struct fault *f)
{
	const size_t temp_n = strlen(STORE_DIR_TEMP);

	if (n == 0)
		return bad_part(what, part, n, "is an empty part", f);
	if ((n == 1 && part[0] == '.') || (n == 2 && memcmp(part, "..", 2) == 0))
		return bad_part(what, part, n, "is not a name", f);
	if (n > NAME_MAX)
		return bad_part(what, part, n, "is a part of more than 255 bytes", f);
	if (n >= temp_n && memcmp(part, STORE_DIR_TEMP, temp_n) == 0)
		return bad_part(what, part, n, "is kept for files still being written", f);
	return RC_OK;
}

static enum rc
check_all(const char *bucket, const char *key, struct fault *f)
{
	enum rc rc = check_part("the bucket", bucket, strlen(bucket), f);
	size_t n;

	if (rc == RC_OK && strchr(bucket, '/') != NULL)
		rc = bad_part("the bucket", bucket, strlen(bucket), "holds a slash", f);
	while (rc == RC_OK) {
		n = strcspn(key, "/");
		rc = check_part("the key", key, n, f);
		if (key[n] == '\0')
			break;
		key += n + 1;
	}
	return rc;
}

static int
open_folder(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Another process may make the same folder in between: that is as good. */
static int
make_folder(int dir_fd, const char *name)
{
	if (mkdirat(dir_fd, name, FOLDER_MODE) == 0) {
		if (fsync(dir_fd) != 0)
			return -1;
	} else if (errno != EEXIST) {
		return -1;
	}
	return open_folder(dir_fd, name);
}

/* Replaces *fd, which is closed, by the folder below it. */
static enum rc
step(int *fd, const char *name, bool make)
{
	int next = open_folder(*fd, name), saved;

	if (next < 0 && errno == ENOENT && make)
		next = make_folder(*fd, name);
	saved = errno;
	close(*fd);
	*fd = next;
	errno = saved;
	return next < 0 ? RC_PERMANENT : RC_OK;
}

enum rc
path_open(int root_fd, const char *bucket, const char *key, bool make, int *ret_dir_fd,
          const char **ret_name, struct fault *f)
{
	struct str part CLEANUP(str_free) = STR_INIT(NAME_MAX + 1);
	enum rc rc = check_all(bucket, key, f);
	const char *rest = key, *slash;
	int fd;

	if (rc != RC_OK)
		return rc;
	fd = open_folder(root_fd, bucket);
	/* A disk that is not mounted is not an object that was deleted. */
	if (fd < 0 && errno == ENOENT)
		return FAULT(f, RC_RETRY, "NoSuchBucket", "there is no bucket %s for %.200s",
		             bucket, key);
	if (fd < 0)
		return path_fault(errno, "opening the bucket of", bucket, key, f);
	for (; (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
		str_reset(&part);
		if (!str_addn(&part, rest, (size_t)(slash - rest))) {
			close(fd);
			return fault_set(f, RC_RETRY, "no memory for a path");
		}
		if (step(&fd, str_text(&part), make) != RC_OK)
			return path_fault(errno, "opening the folder of", bucket, key, f);
	}
	*ret_dir_fd = fd;
	*ret_name = rest;
	return RC_OK;
}
