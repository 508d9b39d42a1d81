/* settings.c -- the configuration file that all of dev's roles read. */
#include "dev/settings.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "dev/files.h"
#include "base/banned.h"

#define INSTALLED_PIPELINE "/etc/millrace/pipeline.json"
#define INSTALLED_HANDLERS "/usr/lib/millrace/handlers"
#define KIND_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"

static enum rc
real(const char *path, struct arena *a, const char **ret, struct fault *f)
{
	char *found = realpath(path, NULL);
	if (!found)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
	*ret = arena_strdup(a, found);
	free(found);
	return *ret ? RC_OK : fault_set(f, RC_RETRY, "out of memory");
}

/* The folder that the program's own folder is in: a checkout, or /usr. */
static const char *
program_home(struct arena *a)
{
	char *self = realpath("/proc/self/exe", NULL);
	const char *ret = self ? files_parent(files_parent(self, a), a) : NULL;
	free(self);
	return ret;
}

/* given, or the first of the two that exists: beside the program, or where a package puts it. */
static enum rc
find(struct arena *a, const char *what, const char *given, const char *in_checkout,
     const char *installed, const char **ret, struct fault *f)
{
	if (given)
		return real(given, a, ret, f);
	const char *home = program_home(a);
	const char *beside = home ? arena_printf(a, "%s/%s", home, in_checkout) : NULL;
	if (beside && access(beside, R_OK) == 0)
		return real(beside, a, ret, f);
	if (access(installed, R_OK) == 0)
		return real(installed, a, ret, f);
	return fault_set(f, RC_PERMANENT, "no %s: neither %s nor %s is there; give --%s", what,
	                 beside ? beside : in_checkout, installed, what);
}

static bool
is_kind(int dir_fd, const char *name)
{
	struct stat st;
	size_t n = strlen(name);
	return n >= 1 && n <= 63 && name[0] != '-' && strspn(name, KIND_CHARS) == n &&
	       fstatat(dir_fd, name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 0111) != 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum rc
list_kinds(struct arena *a, struct settings *s, struct fault *f)
{
	DIR *dir = opendir(s->handlers);
	struct dirent **entries = NULL;
	int n = dir ? scandir(s->handlers, &entries, NULL, by_name) : -1;
	if (n < 0) {
		int error = errno;
		if (dir)
			closedir(dir);
		return fault_set(f, RC_PERMANENT, "%s: %s", s->handlers, strerror(error));
	}
	struct str kinds = STR_INIT(64 * 1024);
	for (int i = 0; i < n; i++) {
		if (is_kind(dirfd(dir), entries[i]->d_name))
			str_addf(&kinds, "%s%s", kinds.len ? "," : "", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	closedir(dir);
	s->kinds = kinds.failed ? NULL : arena_strdup(a, str_text(&kinds));
	str_free(&kinds);
	if (!s->kinds)
		return fault_set(f, RC_RETRY, "out of memory");
	return s->kinds[0] ? RC_OK
	                   : fault_set(f, RC_PERMANENT, "%s: no executable named like a kind",
	                               s->handlers);
}

static enum rc
find_buckets(const struct dev_conf *conf, const struct state *state, struct settings *s,
             struct fault *f)
{
	s->store = conf->s3 ? "s3" : "local";
	if (conf->s3)
		return RC_OK;
	if (!conf->folder) {
		const char *uploads = arena_printf(state->arena, "%s/uploads", state->buckets);
		if (!uploads)
			return fault_set(f, RC_RETRY, "out of memory");
		s->root = state->buckets;
		return files_make_folder(uploads, 0755, f);
	}
	const char *folder;
	enum rc rc = real(conf->folder, state->arena, &folder, f);
	if (rc != RC_OK)
		return rc;
	struct stat st;
	if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))
		return fault_set(f, RC_PERMANENT, "%s: is not a folder", folder);
	s->root = files_parent(folder, state->arena);
	s->bucket = strrchr(folder, '/') + 1;
	if (!s->root || !s->bucket[0])
		return fault_set(f, RC_PERMANENT, "%s: cannot be a bucket", folder);
	return RC_OK;
}

enum rc
settings_find(const struct dev_conf *conf, const struct state *state, struct settings *ret,
              struct fault *f)
{
	struct settings s = { 0 };
	const char *own = arena_printf(state->arena, "%s/pipeline.json", state->root);
	bool has_own = own && access(own, R_OK) == 0;
	const char *pipeline = conf->pipeline ? conf->pipeline : has_own ? own : NULL;
	enum rc rc = find(state->arena, "pipeline", pipeline, "deploy/demo/pipeline.json",
	                  INSTALLED_PIPELINE, &s.pipeline, f);
	if (rc == RC_OK)
		rc = find(state->arena, "handlers", conf->handlers, "deploy/handlers",
		          INSTALLED_HANDLERS, &s.handlers, f);
	if (rc == RC_OK)
		rc = list_kinds(state->arena, &s, f);
	if (rc == RC_OK)
		rc = find_buckets(conf, state, &s, f);
	if (rc == RC_OK)
		*ret = s;
	return rc;
}

static void
add_file_url(struct str *out, const char *path)
{
	str_add(out, "url = file://");
	str_add_uri(out, path, strlen(path), true);
	str_addc(out, '\n');
}

enum rc
settings_write(const struct dev_conf *conf, const struct state *state,
               const struct settings *settings, const char *database_url, const char *public_url,
               struct fault *f)
{
	struct str out = STR_INIT(256 * 1024);
	str_addf(&out, "# Written by `millrace dev` at each start.\n");
	str_addf(&out, "database-url = %s\n", database_url);
	str_addf(&out, "pipeline = %s\nhandlers = %s\nkinds = %s\n", settings->pipeline,
	         settings->handlers, settings->kinds);
	str_addf(&out, "results = results/" STATE_RESULTS_BUCKET "\npublic-url = %s\n\n",
	         public_url);
	str_addf(&out, "[source watch]\nauth = bearer\nsecret_file = %s\nstore = %s\n%s\n",
	         state->secret, settings->store, conf->s3 ? "" : "key_encoding = raw\n");
	if (conf->s3) {
		str_addf(&out, "[source s3]\nauth = query\nsecret_file = %s\nstore = s3\n\n",
		         state->secret);
		str_addf(&out, "[store s3]\nurl = s3://\nendpoint = %s\n\n", conf->s3);
	} else {
		str_add(&out, "[store local]\n");
		add_file_url(&out, settings->root);
		str_addc(&out, '\n');
	}
	str_add(&out, "[store results]\n");
	add_file_url(&out, state->results);
	enum rc rc = out.failed ? fault_set(f, RC_RETRY, "out of memory")
	                        : files_write_text(state->conf, str_text(&out), f);
	str_free(&out);
	return rc;
}
