/* upload.c -- `millrace upload FILE BUCKET/KEY`: puts a file into a store, with a trace ID that its
 * upload will bear. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ulid.h"
#include "cmd/role.h"
#include "net/coded.h"
#include "net/hash.h"

#include "base/banned.h"

#define TEXT_MAX ((size_t)64 * 1024)

struct upload {
	struct store_put put;
	char sha256[SHA256_HEX_MAX];
	char trace[TRACE_TEXT_MAX];
	char *bucket; /* owned; the key is what follows in it */
};

static enum rc
open_file(const char *path, struct upload *u, struct fault *f)
{
	struct stat st;
	int e;

	u->put.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (u->put.fd < 0) {
		e = errno;
		return FAULT(f, RC_PERMANENT,
		             e == ENOENT || e == ENOTDIR ? "NotFound"
		             : e == EACCES               ? "AccessDenied"
		                                         : "",
		             "%s: %s", path, strerror(e));
	}
	if (fstat(u->put.fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fault_set(f, RC_PERMANENT, "%s: not a regular file", path);
	return hash_sha256_fd(u->put.fd, u->sha256, &u->put.size, f);
}

/* Splits BUCKET/KEY; false when it is none. */
static bool
read_target(const char *text, struct upload *u)
{
	char *slash;

	u->bucket = strdup(text);
	slash = u->bucket == NULL ? NULL : strchr(u->bucket, '/');
	if (slash == NULL || slash == u->bucket || slash[1] == '\0')
		return false;
	*slash = '\0';
	u->put.bucket = u->bucket;
	u->put.key = slash + 1;
	u->put.content_type = store_content_type(u->put.key);
	return true;
}

static const struct store_conf *
choose_store(const struct store_conf *stores, size_t n, const char *name)
{
	if (name == NULL)
		return n == 1 ? &stores[0] : NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(stores[i].name, name) == 0)
			return &stores[i];
	return NULL;
}

static void
print(const struct conf *c, const struct upload *u, const char *store, const char *uri)
{
	const char *url = conf_text(c, "public-url");
	struct str link CLEANUP(str_free) = STR_INIT(TEXT_MAX);
	struct str out CLEANUP(str_free) = STR_INIT(TEXT_MAX);

	if (url != NULL)
		str_addf(&link, "%.*s/t/%s", (int)(strlen(url) - (url[strlen(url) - 1] == '/')),
		         url, u->trace);
	if (!conf_bool(c, "json")) {
		printf("%s\n%s%s", u->trace, str_text(&link), url == NULL ? "" : "\n");
		return;
	}
	str_addf(&out, "{\"trace_id\": \"%s\", \"store\": ", u->trace);
	str_add_json(&out, store);
	str_add(&out, ", \"uri\": ");
	str_add_json(&out, uri);
	str_addf(&out, ", \"size\": %lld, \"sha256\": \"%s\", \"link\": ", (long long)u->put.size,
	         u->sha256);
	str_add_json_or_null(&out, url == NULL ? NULL : link.data);
	printf("%s}\n", str_text(&out));
}

static int
put_file(const struct conf *c, struct upload *u, const struct store_conf *conf)
{
	struct fault f = { .rc = RC_OK };
	struct arena *a CLEANUP(arena_freep) = arena_new(TEXT_MAX);
	struct store *s = NULL;
	struct ulid id;
	enum rc rc = open_file(conf_arg(c, 0), u, &f);

	if (rc == RC_OK)
		rc = ulid_new(&id, &f);
	if (rc == RC_OK && (s = store_open(conf, &f)) == NULL)
		rc = f.rc;
	if (rc == RC_OK) {
		u->put.trace_id = ulid_trace_text(&id, u->trace);
		u->put.sha256_hex = u->sha256;
		rc = store_put(s, &u->put, &f);
	}
	if (rc == RC_OK)
		print(c, u, conf->name, store_uri(s, u->put.bucket, u->put.key, a));
	store_close(s);
	return rc == RC_OK ? EXIT_DONE : cmd_fail("upload", &f);
}

int
cmd_upload(const struct conf *c)
{
	struct upload u = { .put = { .fd = -1 } };
	size_t n;
	struct fault f = { 0 };
	struct store_conf *stores = cmd_stores(c, &n, &f);

	if (!stores)
		return cmd_fail("upload", &f);
	const struct store_conf *store = choose_store(stores, n, conf_text(c, "store"));
	int code;

	/* A store that hangs up is a fault to report. */
	signal(SIGPIPE, SIG_IGN);
	if (conf_args(c) != 2)
		code = cmd_usage(CMD_UPLOAD, "name a file and where it goes: FILE BUCKET/KEY");
	else if (!read_target(conf_arg(c, 1), &u))
		code = cmd_usage(CMD_UPLOAD, "where it goes must be BUCKET/KEY");
	else if (store == NULL && conf_text(c, "store") != NULL)
		code = cmd_usage(CMD_UPLOAD, "--store names no [store …] of the configuration");
	else if (store == NULL)
		code = cmd_usage(CMD_UPLOAD, "several stores are configured: choose by --store");
	else
		code = put_file(c, &u, store);
	if (u.put.fd >= 0)
		close(u.put.fd);
	free(u.bucket);
	free(stores);
	return code;
}
