/* store_driver.c -- calls store/ and net/sigv4 for a test: one JSON object a line in, one out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stop.h"
#include "net/hash.h"
#include "net/json.h"
#include "net/s3.h"
#include "net/sigv4.h"
#include "store/store.h"

#include "base/banned.h"

#define LINE_MAX_BYTES (1u << 20)
#define DEPTH 8
#define PAIRS 64

struct driver {
	struct store *store;
	struct s3 *s3;
	const struct json *in;
	struct arena *arena;
	struct str out;
	struct fault fault;
};

static const char *
text(const struct driver *d, const char *name)
{
	return json_text(json_get(d->in, name));
}

static int64_t
number(const struct driver *d, const char *name, int64_t if_missing)
{
	int64_t n = if_missing;

	return json_int(json_get(d->in, name), &n) ? n : if_missing;
}

static void
add(struct driver *d, const char *name, const char *value)
{
	str_addf(&d->out, ", \"%s\": ", name);
	str_add_json_or_null(&d->out, value);
}

static struct store_ref
ref(const struct driver *d)
{
	return (struct store_ref){ .bucket = text(d, "bucket"),
		                   .key = text(d, "key"),
		                   .version_id = text(d, "version_id"),
		                   .etag = text(d, "etag") };
}

static void
add_meta(struct driver *d, const struct store_meta *m)
{
	str_addf(&d->out, ", \"size\": %lld, \"modified_ms\": %lld", (long long)m->size,
	         (long long)m->modified_ms);
	add(d, "etag", m->etag);
	add(d, "version_id", m->version_id);
	add(d, "content_type", m->content_type);
	add(d, "trace_id", m->trace_id);
}

static enum rc
do_open(struct driver *d)
{
	const struct store_conf c = { .name = "test",
		                      .url = text(d, "url"),
		                      .endpoint = text(d, "endpoint"),
		                      .region = text(d, "region"),
		                      .access_key_file = text(d, "access_key_file"),
		                      .secret_key_file = text(d, "secret_key_file") };
	const struct s3_conf s = { .endpoint = c.endpoint,
		                   .region = c.region,
		                   .access_key_file = c.access_key_file,
		                   .secret_key_file = c.secret_key_file };

	store_close(d->store);
	s3_close(d->s3);
	d->store = store_open(&c, &d->fault);
	d->s3 = s3_open(&s, NULL);
	return d->store == NULL ? d->fault.rc : RC_OK;
}

static enum rc
do_head(struct driver *d)
{
	struct store_ref o = ref(d);
	struct store_meta m;
	enum rc rc = store_head(d->store, &o, d->arena, &m, &d->fault);

	if (rc == RC_OK)
		add_meta(d, &m);
	return rc;
}

static enum rc
do_get(struct driver *d)
{
	struct store_ref o = ref(d);
	struct store_meta m;
	int fd = open(text(d, "path"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum rc rc =
		store_get(d->store, &o, fd, number(d, "max", INT64_MAX), d->arena, &m, &d->fault);

	close(fd);
	if (rc == RC_OK)
		add_meta(d, &m);
	return rc;
}

static enum rc
do_get_head(struct driver *d)
{
	struct store_ref o = ref(d);
	size_t n = (size_t)number(d, "n", 0), got = 0;
	char *buf = arena_alloc(d->arena, n + 1);
	enum rc rc = store_get_head(d->store, &o, buf, n, &got, &d->fault);

	if (rc != RC_OK)
		return rc;
	str_add(&d->out, ", \"hex\": \"");
	str_add_hex(&d->out, buf, got);
	str_add(&d->out, "\"");
	return RC_OK;
}

static enum rc
do_put(struct driver *d)
{
	struct store_put p = { .bucket = text(d, "bucket"),
		               .key = text(d, "key"),
		               .content_type = text(d, "content_type"),
		               .trace_id = text(d, "trace_id") };
	char hex[SHA256_HEX_MAX];
	enum rc rc;

	p.fd = open(text(d, "path"), O_RDONLY | O_CLOEXEC);
	rc = hash_sha256_fd(p.fd, hex, &p.size, &d->fault);
	p.size = number(d, "size", p.size);
	p.sha256_hex = hex;
	if (rc == RC_OK)
		rc = store_put(d->store, &p, &d->fault);
	close(p.fd);
	return rc;
}

static enum rc
do_uri(struct driver *d)
{
	add(d, "uri", store_uri(d->store, text(d, "bucket"), text(d, "key"), d->arena));
	return RC_OK;
}

static enum rc
do_stat_etag(struct driver *d)
{
	char etag[STORE_DIR_ETAG_MAX];
	struct stat st;

	if (stat(text(d, "path"), &st) != 0)
		return fault_set(&d->fault, RC_PERMANENT, "%s", strerror(errno));
	add(d, "etag", store_dir_etag(&st, etag));
	return RC_OK;
}

static enum rc
do_presign(struct driver *d)
{
	struct str url CLEANUP(str_free) = STR_INIT(LINE_MAX_BYTES);
	enum rc rc = s3_presign(d->s3, text(d, "method"), text(d, "bucket"), text(d, "key"),
	                        number(d, "expires", 60), &url, &d->fault);

	if (rc == RC_OK)
		add(d, "url", url.data);
	return rc;
}

/* [["name", "value"], …] */
static size_t
pairs(const struct json *list, struct http_header *ret)
{
	size_t n = 0;

	for (; n < json_count(list) && n < PAIRS; n++)
		ret[n] = (struct http_header){ json_text(json_at(json_at(list, n), 0)),
			                       json_text(json_at(json_at(list, n), 1)) };
	return n;
}

static enum rc
do_sign(struct driver *d)
{
	struct http_header query[PAIRS], headers[PAIRS];
	struct str canonical CLEANUP(str_free) = STR_INIT(LINE_MAX_BYTES);
	struct str authorization CLEANUP(str_free) = STR_INIT(LINE_MAX_BYTES);
	struct str presigned CLEANUP(str_free) = STR_INIT(LINE_MAX_BYTES);
	struct sigv4_request rq = { .method = text(d, "method"),
		                    .path = text(d, "path"),
		                    .query = query,
		                    .headers = headers,
		                    .payload_sha256 = text(d, "payload") };
	const struct sigv4_key k = { .access_key = text(d, "access_key"),
		                     .secret_key = text(d, "secret_key"),
		                     .session_token = text(d, "token"),
		                     .region = text(d, "region"),
		                     .service = text(d, "service") };
	const char *time = text(d, "time");

	rq.query_count = pairs(json_get(d->in, "query"), query);
	rq.header_count = pairs(json_get(d->in, "headers"), headers);
	if (!sigv4_canonical(&rq, &canonical) ||
	    !sigv4_authorization(&rq, &k, time, &authorization) ||
	    !sigv4_presign(&rq, &k, time, number(d, "expires", 3600), &presigned))
		return fault_set(&d->fault, RC_BUG, "cannot sign");
	add(d, "canonical", canonical.data);
	add(d, "authorization", authorization.data);
	add(d, "presigned", presigned.data);
	return RC_OK;
}

static const struct {
	const char *name;
	enum rc (*run)(struct driver *d);
} ops[] = {
	{ "open", do_open },           { "head", do_head }, { "get", do_get },
	{ "get_head", do_get_head },   { "put", do_put },   { "uri", do_uri },
	{ "stat_etag", do_stat_etag }, { "sign", do_sign }, { "presign", do_presign },
};

static enum rc
run(struct driver *d)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].name, text(d, "op")) == 0)
			return ops[i].run(d);
	return fault_set(&d->fault, RC_BUG, "no such operation");
}

static void
answer(struct driver *d)
{
	struct rusage u;
	enum rc rc;

	d->fault = (struct fault){ .rc = RC_OK };
	str_reset(&d->out);
	rc = run(d);
	getrusage(RUSAGE_SELF, &u);
	printf("{\"rc\": \"%s\", \"http\": %d, \"rss_kib\": %ld%s", rc_name(rc), d->fault.http,
	       u.ru_maxrss, str_text(&d->out));
	str_reset(&d->out);
	add(d, "code", d->fault.code);
	add(d, "message", d->fault.message);
	printf("%s}\n", str_text(&d->out));
	fflush(stdout);
}

int
main(void)
{
	struct driver d = { .arena = arena_new(LINE_MAX_BYTES) };
	struct json_doc *doc;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (d.arena == NULL || stop_setup(NULL) != RC_OK)
		return EXIT_FAILURE;
	str_init(&d.out, LINE_MAX_BYTES);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		doc = json_parse(line, (size_t)n, DEPTH, &d.fault);
		if (doc == NULL)
			return EXIT_FAILURE;
		d.in = json_root(doc);
		answer(&d);
		json_free(doc);
		arena_reset(d.arena);
	}
	store_close(d.store);
	s3_close(d.s3);
	str_free(&d.out);
	arena_free(d.arena);
	free(line);
	return EXIT_SUCCESS;
}
