/* scratch.c -- the private folders of attempts, and their end. */
#include "work/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "work/folder.h"
#include "base/banned.h"

#define PREFIX "millrace-work-"
#define LITTLE_ROOM (64 * 1024)

struct scratch {
	char *path; /* owned */
	char *name; /* within path */
	int parent_fd, fd;
	uid_t uid;
	gid_t gid;
};

static void
close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void
destroy(struct scratch *s)
{
	if (!s)
		return;
	if (s->parent_fd >= 0 && s->fd >= 0)
		folder_remove(s->parent_fd, s->name);
	close_if(s->parent_fd);
	close_if(s->fd);
	free(s->path);
	free(s);
}

void
scratch_free(struct scratch *s)
{
	destroy(s);
}

void
scratch_freep(struct scratch **s)
{
	destroy(*s);
}

/* Whoever lives holds the lock of the folder. */
static void
remove_if_orphan(int parent_fd, const char *name)
{
	struct stat st;
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
		folder_remove(parent_fd, name);
	close(fd);
}

static void
remove_orphans(int parent_fd)
{
	struct dirent *e;
	int fd = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		close_if(fd);
		return;
	}
	while ((e = readdir(d)))
		if (strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) == 0)
			remove_if_orphan(parent_fd, e->d_name);
	closedir(d);
}

/* Between the making and the lock another worker may take the folder for an orphan's: again then.
 */
static bool
make_locked(struct scratch *s)
{
	for (int tries = 0; tries < 10; tries++) {
		struct stat st;
		memcpy(s->path + strlen(s->path) - 6, "XXXXXX", 6);
		if (!mkdtemp(s->path))
			return false;
		s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (s->fd >= 0 && flock(s->fd, LOCK_EX) == 0 && stat(s->path, &st) == 0)
			return true;
		close_if(s->fd);
		s->fd = -1;
	}
	return false;
}

struct scratch *
scratch_new(const char *parent, uid_t uid, gid_t gid, struct fault *f)
{
	CLEANUP(scratch_freep)
	struct scratch *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->fd = -1;
	s->uid = uid;
	s->gid = gid;
	s->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->parent_fd < 0) {
		fault_set(f, RC_PERMANENT, "scratch folder %s: %s", parent, strerrordesc_np(errno));
		return NULL;
	}
	remove_orphans(s->parent_fd);
	if (asprintf(&s->path, "%s/" PREFIX "XXXXXX", parent) < 0)
		abort();
	s->name = strrchr(s->path, '/') + 1;
	/* Handlers of another user pass through, but cannot list it. */
	if (!make_locked(s) || fchmod(s->fd, uid == geteuid() ? 0700 : 0711) != 0) {
		fault_set(f, RC_PERMANENT, "scratch folder %s: %s", parent, strerrordesc_np(errno));
		return NULL;
	}
	struct scratch *ret = s;
	s = NULL;
	return ret;
}

static enum rc
scratch_fault(struct fault *f, const char *what)
{
	fault_set(f, RC_RETRY, "scratch folder: %s: %s", what, strerrordesc_np(errno));
	snprintf(f->code, sizeof f->code, "scratch");
	return f->rc;
}

static bool
fill(const struct scratch *s, struct scratch_dir *d)
{
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0 || mkdirat(d->fd, "out", 0700) != 0)
		return false;
	if (s->uid == geteuid())
		return true;
	return fchownat(d->fd, "out", s->uid, s->gid, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fchown(d->fd, s->uid, s->gid) == 0;
}

enum rc
scratch_dir_make(struct scratch *s, struct scratch_dir *ret, struct fault *f)
{
	struct scratch_dir d = { .fd = -1 };
	if (asprintf(&d.path, "%s/job-XXXXXX", s->path) < 0)
		abort();
	if (!mkdtemp(d.path)) {
		enum rc rc = scratch_fault(f, "mkdir");
		free(d.path);
		return rc;
	}
	d.name = strrchr(d.path, '/') + 1;
	if (!fill(s, &d)) {
		enum rc rc = scratch_fault(f, "mkdir");
		scratch_dir_remove(s, &d);
		return rc;
	}
	*ret = d;
	return RC_OK;
}

void
scratch_dir_remove(struct scratch *s, struct scratch_dir *d)
{
	if (d->path) {
		close_if(d->fd);
		folder_remove(s->fd, d->name);
		free(d->path);
	}
	*d = (struct scratch_dir){ .fd = -1 };
}

int
scratch_dir_create(struct scratch *s, const struct scratch_dir *d, const char *name,
                   struct fault *f)
{
	int fd = openat(d->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && (s->uid == geteuid() || fchown(fd, s->uid, s->gid) == 0))
		return fd;
	ignore_rc(scratch_fault(f, name)); /* it is RC_RETRY */
	close_if(fd);
	return -1;
}

bool
scratch_full(int dir_fd)
{
	struct statvfs v;
	return fstatvfs(dir_fd, &v) == 0 &&
	       ((int64_t)v.f_bavail * (int64_t)v.f_frsize < LITTLE_ROOM ||
	        (v.f_files > 0 && v.f_favail == 0));
}
