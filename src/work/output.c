/* output.c -- what a handler left behind: the files of out/ and result.json, checked. */
#include "work/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "net/coded.h"
#include "net/json.h"
#include "store/store.h"
#include "base/banned.h"

#define NAME_LENGTH_MAX 100
#define RESULT_DEPTH 32
#define RETRY_AFTER_MAX_S 86400

static bool
plain_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t n = strlen(name);
	return n <= NAME_LENGTH_MAX && name[0] != '.' && strspn(name, allowed) == n;
}

static const char *
type_word(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISLNK(mode))
		return "a symbolic link";
	return S_ISREG(mode) ? "a file" : "a special file";
}

static enum rc
check_entry(int out_fd, const char *name, struct stat *st, struct fault *f)
{
	if (!plain_name(name))
		return FAULT(
			f, RC_PERMANENT, "output",
			"out/: a file name may have 1 to %d of A-Z a-z 0-9 . _ - and not start "
			"with a dot; this one does not fit: %s",
			NAME_LENGTH_MAX, name);
	if (fstatat(out_fd, name, st, AT_SYMLINK_NOFOLLOW) != 0)
		return FAULT(f, RC_PERMANENT, "output", "out/%s: %s", name, strerrordesc_np(errno));
	if (!S_ISREG(st->st_mode))
		return FAULT(f, RC_PERMANENT, "output",
		             "out/%s is %s; only regular files are taken", name,
		             type_word(st->st_mode));
	return RC_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct output_file *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static const char *
content_type(const char *name)
{
	const char *type = store_content_type(name);
	return type ? type : "application/octet-stream";
}

static enum rc
list_entries(DIR *d, int64_t max_bytes, struct arena *a, struct output_file *files, size_t *ret_n,
             struct fault *f)
{
	struct dirent *e;
	struct stat st;
	int64_t bytes = 0;
	size_t n = 0;
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (n == OUTPUT_FILES_MAX)
			return FAULT(f, RC_PERMANENT, "output", "out/ holds more than %d files",
			             OUTPUT_FILES_MAX);
		enum rc rc = check_entry(dirfd(d), e->d_name, &st, f);
		if (rc != RC_OK)
			return rc;
		bytes += st.st_size;
		if (st.st_size > max_bytes || bytes > max_bytes)
			return FAULT(f, RC_PERMANENT, "output",
			             "out/ holds more than the %lld bytes that one job may write",
			             (long long)max_bytes);
		files[n].name = arena_strdup(a, e->d_name);
		files[n].content_type = content_type(e->d_name);
		files[n].size = st.st_size;
		if (!files[n++].name)
			return fault_set(f, RC_RETRY, "out of memory");
	}
	*ret_n = n;
	return RC_OK;
}

enum rc
output_list(int dir_fd, int64_t max_bytes, struct arena *a, struct output_file **ret, size_t *ret_n,
            struct fault *f)
{
	size_t n = 0;
	struct output_file *files = arena_alloc(a, OUTPUT_FILES_MAX * sizeof *files);
	if (!files)
		return fault_set(f, RC_RETRY, "out of memory");
	int fd = openat(dir_fd, "out", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return FAULT(f, RC_PERMANENT, "output", "out/ is not the folder that it was: %s",
		             strerrordesc_np(error));
	}
	enum rc rc = list_entries(d, max_bytes, a, files, &n, f);
	closedir(d);
	if (rc != RC_OK)
		return rc;
	qsort(files, n, sizeof *files, by_name);
	*ret = files;
	*ret_n = n;
	return RC_OK;
}

int
output_open(int dir_fd, const char *name, struct fault *f)
{
	int out = openat(dir_fd, "out", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = out < 0 ? -1 : openat(out, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) /* the caller sees the -1 */
		FAULT(f, RC_PERMANENT, "output", "out/%s: %s", name, strerrordesc_np(errno));
	if (out >= 0)
		close(out);
	return fd;
}

/* The file's bytes; RC_OK with an untouched text when there is none. */
static enum rc
read_result(int dir_fd, struct str *text, bool *ret_there, struct fault *f)
{
	char buf[4096];
	struct stat st;
	ssize_t n = 0;
	int fd = openat(dir_fd, "result.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	*ret_there = false;
	if (fd < 0 && errno == ENOENT)
		return RC_OK;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return fault_set(f, RC_PERMANENT,
		                 "result.json is not a regular file that can be read");
	}
	*ret_there = true;
	while (!text->failed && (n = read(fd, buf, sizeof buf)) > 0)
		str_addn(text, buf, (size_t)n);
	close(fd);
	if (text->failed)
		return fault_set(f, RC_PERMANENT, "result.json has more than %d bytes",
		                 RESULT_JSON_MAX);
	return n < 0 ? fault_set(f, RC_RETRY, "result.json: %s", strerrordesc_np(errno)) : RC_OK;
}

static enum rc
parse_result(const struct str *text, struct arena *a, struct output_result *ret, struct fault *f)
{
	CLEANUP(json_freep)
	struct json_doc *doc = json_parse(str_text(text), text->len, RESULT_DEPTH, f);
	if (!doc)
		return fault_context(f, "result.json");
	const struct json *root = json_root(doc);
	int64_t seconds;
	if (json_type(root) != JSON_OBJECT_)
		return fault_set(f, RC_PERMANENT, "result.json is not a JSON object");
	struct str compact = STR_INIT(2 * RESULT_JSON_MAX);
	if (json_int(json_get(root, "retry-after"), &seconds) && seconds >= 0)
		ret->retry_after_ms =
			(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
	ret->json = json_write(root, &compact) ? arena_strdup(a, str_text(&compact)) : NULL;
	str_free(&compact);
	return ret->json ? RC_OK : fault_set(f, RC_PERMANENT, "result.json is too large");
}

enum rc
output_result(int dir_fd, struct arena *a, struct output_result *ret, struct fault *f)
{
	struct output_result r = { .retry_after_ms = -1 };
	struct str text = STR_INIT(RESULT_JSON_MAX);
	bool there;
	enum rc rc = read_result(dir_fd, &text, &there, f);
	if (rc == RC_OK && there)
		rc = parse_result(&text, a, &r, f);
	str_free(&text);
	if (rc == RC_OK)
		*ret = r;
	return rc == RC_OK ? RC_OK : coded(f, rc, "result");
}
