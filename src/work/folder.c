/* folder.c -- measuring and removing a tree of files that a stranger made. */
#include "work/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define DEEPEST 32
#define MOST_ENTRIES 100000

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *
open_folder(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	DIR *d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

struct sum {
	int64_t bytes, enough;
	long entries;
	int depth;
};

static void
add_up(int parent_fd, const char *name, struct sum *sum)
{
	struct dirent *e;
	struct stat st;
	DIR *d = open_folder(parent_fd, name);
	if (!d)
		return;
	sum->depth++;
	while (sum->bytes <= sum->enough && (e = readdir(d))) {
		if (is_dots(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		sum->bytes += st.st_blocks * 512;
		if (++sum->entries > MOST_ENTRIES || sum->depth > DEEPEST)
			sum->bytes = sum->enough + 1;
		else if (S_ISDIR(st.st_mode))
			add_up(dirfd(d), e->d_name, sum);
	}
	sum->depth--;
	closedir(d);
}

int64_t
folder_bytes(int dir_fd, int64_t enough)
{
	struct sum sum = { .enough = enough };
	add_up(dir_fd, ".", &sum);
	return sum.bytes;
}

/* A file, or a folder that is empty. */
static bool
remove_one(int fd, const char *name)
{
	return unlinkat(fd, name, 0) == 0 || unlinkat(fd, name, AT_REMOVEDIR) == 0 ||
	       errno == ENOENT;
}

/* Removes what can be removed by itself; true when *fd is now a folder within that is not empty. */
static bool
descend(int *fd, long *removed)
{
	struct dirent *e;
	bool found = false;
	DIR *d = open_folder(*fd, ".");
	while (d && !found && (e = readdir(d))) {
		if (is_dots(e->d_name))
			continue;
		if (remove_one(*fd, e->d_name)) {
			++*removed;
			continue;
		}
		if (fchmodat(*fd, e->d_name, 0700, 0) != 0)
			continue;
		int down = openat(*fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (down < 0)
			continue;
		close(*fd);
		*fd = down;
		found = true;
	}
	if (d)
		closedir(d);
	return found;
}

/* One open folder at a time, so that no depth is too deep: down into what is not empty, and up
 * again once all below is gone, where the emptied folder is removed as an entry like any other. */
bool
folder_remove(int parent_fd, const char *name)
{
	if (remove_one(parent_fd, name))
		return true;
	if (fchmodat(parent_fd, name, 0700, 0) != 0)
		return false;
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	long removed = 0, removed_before = -1;
	for (long depth = 0; fd >= 0 && depth >= 0;) {
		if (descend(&fd, &removed)) {
			depth++;
			continue;
		}
		/* Something here withstands: it would be found again for ever. */
		if (removed == removed_before)
			break;
		removed_before = removed;
		int up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
		depth--;
	}
	if (fd >= 0)
		close(fd);
	return remove_one(parent_fd, name);
}
