/* result.c -- hands out a result file: only one that the trace itself lists, and never as a page
 * that a browser would run. */
#include "status/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/ulid.h"
#include "net/hash.h"
#include "status/view.h"
#include "base/banned.h"

/* A store that drips must not hold the seat for ever. */
#define FETCH_MS 60000

/* What a browser may show by itself; everything else is saved. */
static const struct {
	const char *type, *sent_as;
} shown[] = {
	{ "image/png", "image/png" },
	{ "image/jpeg", "image/jpeg" },
	{ "image/webp", "image/webp" },
	{ "text/plain", "text/plain; charset=utf-8" },
	{ "application/json", "application/json" },
};

static const struct json *
find_output(const struct json *trace, const char *step, int64_t attempt, const char *name)
{
	const struct json *jobs = json_get(trace, "jobs");
	for (size_t i = 0; i < json_count(jobs); i++) {
		const struct json *outputs = json_get(json_at(jobs, i), "outputs");
		if (!view_is(json_at(jobs, i), "step", step))
			continue;
		for (size_t k = 0; k < json_count(outputs); k++)
			if (view_is(json_at(outputs, k), "name", name) &&
			    view_int(json_at(outputs, k), "attempt", 0) == attempt)
				return json_at(outputs, k);
	}
	return NULL;
}

/* What follows the store's own address in uri, NULL if it is not in this store. */
static const char *
within(const struct store_conf *c, const char *uri)
{
	struct fault f = { 0 };
	if (!c->url)
		return NULL;
	if (!store_is_folder(c->url))
		return strncmp(uri, "s3://", 5) == 0 ? uri + 5 : NULL;
	/* The store writes its folder as it is. */
	char *folder = store_url_folder(c->url, &f);
	if (!folder || strncmp(uri, "file://", 7) != 0) {
		free(folder);
		return NULL;
	}
	const char *path = uri + strlen("file://");
	size_t n = strlen(folder);
	while (n > 0 && folder[n - 1] == '/')
		n--;
	bool inside = strncmp(path, folder, n) == 0 && path[n] == '/';
	free(folder);
	return inside ? path + n + 1 : NULL;
}

static char *
percent_decoded(struct arena *a, const char *text)
{
	size_t k = 0;
	char *out = arena_alloc(a, strlen(text) + 1);
	for (size_t i = 0; out && text[i]; i++) {
		char hex[3] = { 0 };
		out[k] = text[i];
		if (text[i] == '%' && text[i + 1] && text[i + 2]) {
			memcpy(hex, text + i + 1, 2);
			if (num_parse_hex(hex, &out[k], 1))
				i += 2;
		}
		k++;
	}
	return out;
}

/* An object's address says whether slashes and the like are encoded in it only by being what the
 * store itself would write. */
static bool
is_address(struct store *s, const char *bucket, const char *key, const char *uri, struct arena *a)
{
	const char *written = key ? store_uri(s, bucket, key, a) : NULL;
	return written && strcmp(written, uri) == 0;
}

static enum rc
fetch_from(struct store *s, const char *rest, const char *uri, int64_t size, int fd,
           int64_t deadline_ms, struct arena *a, struct fault *f)
{
	struct store_meta meta = { 0 };
	const char *slash = strchr(rest, '/');
	if (!slash)
		return fault_set(f, RC_PERMANENT, "%s names no object", uri);
	struct store_ref ref = { .bucket = arena_strndup(a, rest, (size_t)(slash - rest)),
		                 .key = slash + 1 };
	if (!ref.bucket)
		return fault_set(f, RC_RETRY, "no memory");
	const char *plain = percent_decoded(a, ref.key);
	if (!is_address(s, ref.bucket, ref.key, uri, a) && is_address(s, ref.bucket, plain, uri, a))
		ref.key = plain;
	store_bound(s, stop_fd(), deadline_ms);
	return store_get(s, &ref, fd, size, a, &meta, f);
}

/* From the first configured store that can hold uri and has it. */
static enum rc
fetch(struct visit *v, struct seat *seat, const char *uri, int64_t size, int fd, struct fault *f)
{
	const struct status_conf *c = &v->site->conf;
	int64_t deadline_ms = clock_mono_ms() + FETCH_MS;
	fault_set(f, RC_PERMANENT, "no configured store holds %s", uri);
	for (size_t i = 0; i < c->store_count; i++) {
		const char *rest = within(&c->stores[i], uri);
		struct store *s = rest ? store_set_get(seat->stores, c->stores[i].name, f) : NULL;
		if (s && fetch_from(s, rest, uri, size, fd, deadline_ms, v->arena, f) == RC_OK)
			return RC_OK;
	}
	return f->rc;
}

static int
nameless_file(const char *folder, struct fault *f)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fault_set(f, RC_RETRY, "%s: %s", folder, strerror(errno));
	return fd;
}

/* The bytes must still be those that the job recorded. */
static enum rc
check_bytes(int fd, const struct json *output, struct fault *f)
{
	char sha256[SHA256_HEX_MAX];
	int64_t size = 0;
	const char *recorded = view_text(output, "sha256");
	if (hash_sha256_fd(fd, sha256, &size, f) != RC_OK)
		return f->rc;
	if (recorded && strcmp(recorded, sha256) != 0)
		return fault_set(f, RC_PERMANENT, "what is stored is not what the job recorded");
	return RC_OK;
}

static void
add_disposition(struct httpd_response *rs, const char *how, const char *name)
{
	struct str text = STR_INIT(8192);
	str_addf(&text, "%s; filename*=UTF-8''", how);
	str_add_uri(&text, name, strlen(name), false);
	httpd_response_header(rs, "Content-Disposition", str_text(&text));
	str_free(&text);
}

static struct httpd_response *
respond(int fd, const struct json *output)
{
	const char *type = view_word(output, "content_type");
	const char *sent_as = NULL;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		if (strncmp(type, shown[i].type, strlen(shown[i].type)) == 0 &&
		    strchr("; ", type[strlen(shown[i].type)]))
			sent_as = shown[i].sent_as;
	struct httpd_response *rs =
		httpd_response_new(200, sent_as ? sent_as : "application/octet-stream");
	if (!rs) {
		close(fd);
		return NULL;
	}
	reply_common_headers(rs);
	httpd_response_header(rs, "Cache-Control", "no-store");
	httpd_response_header(rs, "Content-Security-Policy", "sandbox; default-src 'none'");
	add_disposition(rs, sent_as ? "inline" : "attachment", view_word(output, "name"));
	httpd_response_fd(rs, fd, view_int(output, "size", 0));
	return rs;
}

static struct httpd_response *
send_output(struct visit *v, const struct json *output)
{
	struct fault f = { 0 };
	int fd = nameless_file(v->site->conf.scratch, &f);
	if (fd < 0)
		return reply_fault(v, "scratch folder", &f);
	struct seat *seat = pool_take(v->site->stores, &f);
	if (seat &&
	    fetch(v, seat, view_word(output, "uri"), view_int(output, "size", 0), fd, &f) == RC_OK)
		f = (struct fault){ 0 };
	pool_give(v->site->stores, seat);
	if (f.rc != RC_OK || check_bytes(fd, output, &f) != RC_OK) {
		close(fd);
		return strcmp(f.code, "NotFound") == 0 ? reply_not_found(v, v->segments[4])
		                                       : reply_fault(v, "store", &f);
	}
	return respond(fd, output);
}

struct httpd_response *
send_result(struct visit *v)
{
	struct fault f = { 0 };
	struct ulid id;
	char text[TRACE_TEXT_MAX];
	int64_t attempt = 0;
	CLEANUP(str_free) struct str answer = STR_INIT(ANSWER_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	if (!ulid_parse(v->segments[1], &id) || !num_parse(v->segments[3], 1, INT32_MAX, &attempt))
		return reply_not_found(v, v->segments[4]);
	if (ask_trace(v->site, ulid_trace_text(&id, text), &answer, &f) == RC_OK)
		doc = json_parse(str_text(&answer), answer.len, JSON_DEPTH, &f);
	if (!doc)
		return reply_fault(v, "database", &f);
	const struct json *output =
		find_output(json_root(doc), v->segments[2], attempt, v->segments[4]);
	return output ? send_output(v, output) : reply_not_found(v, v->segments[4]);
}

struct httpd_response *
order_result(struct visit *v)
{
	struct visit *own = arena_alloc(v->arena, sizeof(*own));
	if (!own)
		return NULL;
	*own = *v;
	if (!fetchers_put(v->site->fetchers, own))
		return reply_busy();
	v->handed_over = true;
	return NULL;
}
