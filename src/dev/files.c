/* files.c -- the few things that dev does with files and folders. */
#include "dev/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/banned.h"

char *
files_parent(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return arena_strdup(a, slash ? "/" : ".");
	return arena_strndup(a, path, (size_t)(slash - path));
}

static enum rc
make_one(const char *path, unsigned mode, struct fault *f)
{
	struct stat st;
	if (mkdir(path, mode) == 0)
		return RC_OK;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return RC_OK;
	return fault_set(f, RC_PERMANENT, "cannot make the folder %s: %s", path, strerror(errno));
}

enum rc
files_make_folder(const char *path, unsigned mode, struct fault *f)
{
	struct str part = STR_INIT(8192);
	enum rc rc = RC_OK;
	for (const char *p = path; rc == RC_OK && *p;) {
		size_t n = strcspn(p + 1, "/") + 1;
		str_addn(&part, p, n);
		p += n;
		/* Those above belong to whoever made them; ours start out for all to enter. */
		rc = part.failed ? fault_set(f, RC_PERMANENT, "%s: too long a path", path)
		                 : make_one(str_text(&part), *p ? 0755 : mode, f);
	}
	str_free(&part);
	return rc;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

enum rc
files_remove_tree(const char *path, struct fault *f)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return fault_set(f, RC_PERMANENT, "cannot remove %s: %s", path, strerror(errno));
	return RC_OK;
}

char *
files_read_text(const char *path, size_t max, struct arena *a)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *text = arena_alloc(a, max + 1);
	ssize_t n = text ? read(fd, text, max) : -1;
	close(fd);
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return text;
}

static bool
write_all(int fd, const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		ssize_t n = write(fd, text, left);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return true;
}

enum rc
files_write_text(const char *path, const char *text, struct fault *f)
{
	struct str beside = STR_INIT(8192);
	str_addf(&beside, "%s.new", path);
	int fd = open(str_text(&beside), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write_all(fd, text);
	if (fd >= 0 && close(fd) < 0)
		ok = false;
	if (ok)
		ok = rename(str_text(&beside), path) == 0;
	str_free(&beside);
	return ok ? RC_OK : fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
}
