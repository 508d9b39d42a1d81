/* tree.c -- a folder with all below it: walked, and watched with inotify. */
#include "dev/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/str.h"
#include "base/banned.h"

#define PATH_LIMIT 4096
#define DEPTH_LIMIT 128
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW |  \
	 IN_EXCL_UNLINK)

struct tree {
	int root_fd;
	int inotify_fd;
	char *root;
	tree_told *told;
	void *arg;
	char **folders; /* by watch descriptor; NULL: none */
	size_t folder_cap;
};

bool
tree_skips(const char *name)
{
	return name[0] == '.' || name[0] == '\0';
}

static void
release(struct tree *t)
{
	if (t->root_fd >= 0)
		close(t->root_fd);
	if (t->inotify_fd >= 0)
		close(t->inotify_fd);
	for (size_t i = 0; i < t->folder_cap; i++)
		free(t->folders[i]);
	free(t->folders);
	free(t->root);
	free(t);
}

void
tree_free(struct tree *t)
{
	if (t)
		release(t);
}

struct tree *
tree_new(const char *root, tree_told *told, void *arg, struct fault *f)
{
	struct tree *t = calloc(1, sizeof(*t));
	if (!t) {
		fault_set(f, RC_RETRY, "out of memory");
		return NULL;
	}
	t->told = told;
	t->arg = arg;
	t->root = strdup(root);
	t->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (t->root && t->root_fd >= 0 && t->inotify_fd >= 0)
		return t;
	fault_set(f, RC_PERMANENT, "cannot watch %s: %s", root, strerror(errno));
	release(t);
	return NULL;
}

int
tree_fd(const struct tree *t)
{
	return t->inotify_fd;
}

bool
tree_stat(const struct tree *t, const char *path, struct stat *ret)
{
	return fstatat(t->root_fd, path, ret, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(ret->st_mode);
}

static bool
remember(struct tree *t, int wd, const char *path)
{
	size_t i = (size_t)wd;
	if (i >= t->folder_cap) {
		size_t cap = i < 64 ? 128 : i * 2;
		char **bigger = realloc(t->folders, cap * sizeof(*bigger));
		if (!bigger)
			return false;
		memset(bigger + t->folder_cap, 0, (cap - t->folder_cap) * sizeof(*bigger));
		t->folders = bigger;
		t->folder_cap = cap;
	}
	char *copy = strdup(path);
	free(t->folders[i]);
	t->folders[i] = copy;
	KEPT(copy);
	return copy != NULL;
}

static enum rc
watch_folder(struct tree *t, const char *path, struct fault *f)
{
	struct str full = STR_INIT(PATH_LIMIT);
	str_addf(&full, "%s/%s", t->root, path);
	int wd = full.failed ? -1 : inotify_add_watch(t->inotify_fd, str_text(&full), EVENTS);
	int error = full.failed ? ENAMETOOLONG : errno;
	str_free(&full);
	if (wd < 0 && error == ENOSPC)
		return fault_set(f, RC_PERMANENT,
		                 "%s: no watch left (sysctl fs.inotify.max_user_watches); it is "
		                 "looked at every 30 s only",
		                 path);
	if (wd < 0)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(error));
	return remember(t, wd, path) ? RC_OK : fault_set(f, RC_RETRY, "out of memory");
}

static bool
join(struct str *ret, const char *folder, const char *name)
{
	str_reset(ret);
	return folder[0] ? str_addf(ret, "%s/%s", folder, name) : str_add(ret, name);
}

static bool
is_folder(int dir_fd, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static enum rc walk(struct tree *t, const char *path, int depth, struct fault *f);

static enum rc
walk_entries(struct tree *t, DIR *dir, const char *path, int depth, struct fault *f)
{
	struct str below = STR_INIT(PATH_LIMIT);
	enum rc worst = RC_OK;
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (tree_skips(e->d_name))
			continue;
		enum rc rc = RC_OK;
		if (!join(&below, path, e->d_name))
			rc = fault_set(f, RC_PERMANENT, "%s/%s: too long a path", path, e->d_name);
		else if (is_folder(dirfd(dir), e))
			rc = walk(t, str_text(&below), depth + 1, f);
		else
			t->told(t->arg, TREE_FOUND, str_text(&below));
		if (rc != RC_OK)
			worst = rc;
	}
	str_free(&below);
	return worst;
}

/* The watch comes first, so that what arrives during the listing is told by it. */
static enum rc
walk(struct tree *t, const char *path, int depth, struct fault *f)
{
	if (depth > DEPTH_LIMIT)
		return fault_set(f, RC_PERMANENT, "%s: too deep a folder", path);
	enum rc worst = watch_folder(t, path, f);
	int fd = openat(t->root_fd, path[0] ? path : ".",
	                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		/* Gone since it was listed. */
		if (error == ENOENT)
			return RC_OK;
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(error));
	}
	enum rc rc = walk_entries(t, dir, path, depth, f);
	closedir(dir);
	return rc != RC_OK ? rc : worst;
}

enum rc
tree_walk(struct tree *t, const char *path, struct fault *f)
{
	return walk(t, path, 0, f);
}

static enum rc
tell(struct tree *t, const struct inotify_event *e, struct fault *f)
{
	if (e->mask & IN_Q_OVERFLOW) {
		t->told(t->arg, TREE_MISSED, "");
		return RC_OK;
	}
	size_t wd = (size_t)e->wd;
	if (e->mask & IN_IGNORED) {
		if (wd < t->folder_cap) {
			free(t->folders[wd]);
			t->folders[wd] = NULL;
		}
		return RC_OK;
	}
	if (e->len == 0 || tree_skips(e->name) || wd >= t->folder_cap || !t->folders[wd])
		return RC_OK;
	if ((e->mask & IN_ISDIR) && (e->mask & (IN_MOVED_TO | IN_MOVED_FROM))) {
		/* Everything watched below it has another path now. */
		t->told(t->arg, TREE_MISSED, "");
		return RC_OK;
	}
	struct str path = STR_INIT(PATH_LIMIT);
	enum rc rc = RC_OK;
	if (!join(&path, t->folders[wd], e->name))
		rc = fault_set(f, RC_PERMANENT, "%s/%s: too long a path", t->folders[wd], e->name);
	else if (e->mask & IN_ISDIR)
		rc = tree_walk(t, str_text(&path), f);
	else if (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
		t->told(t->arg, TREE_WRITTEN, str_text(&path));
	str_free(&path);
	return rc;
}

enum rc
tree_read(struct tree *t, struct fault *f)
{
	_Alignas(struct inotify_event) char buf[8 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	enum rc worst = RC_OK;
	for (;;) {
		ssize_t n = read(t->inotify_fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return worst;
		for (const char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;
			enum rc rc = tell(t, e, f);
			if (rc != RC_OK)
				worst = rc;
			p += sizeof(*e) + e->len;
		}
	}
}
