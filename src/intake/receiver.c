/* receiver.c -- takes notifications over HTTP and answers after the commit. */
#include "intake/receiver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "intake/committer.h"
#include "intake/secrets.h"
#include "net/httpd.h"
#include "base/banned.h"

#define REFRESH_MS 1000
#define THREADS_MAX 8
#define MAX_CONNECTIONS 1000
/* Of all bodies together. A message that waits for its commit has as much again, a few times over,
 * in what was read from it. */
#define KEPT_BYTES ((size_t)16 << 20)
#define KEPT_BODIES 4
#define EVENTS_PATH "/v1/events/"

static struct metric requests =
	METRIC_COUNTER("millrace_receive_requests_total",
                       "Requests to the receiver by how they were answered.", "result");

struct source {
	const struct source_conf *conf;
	struct secrets *secrets; /* owned; NULL: no authentication */
	bool complained;         /* about a secret file that cannot be read now */
};

struct receiver {
	struct receiver_conf conf;
	struct source *sources;      /* owned */
	struct committer *committer; /* owned */
	struct httpd *httpd;         /* owned */
};

static bool
reply(struct httpd_request *rq, const char *result, struct httpd_response *rs)
{
	metric_add(&requests, result, 1);
	httpd_reply(rq, rs);
	return true;
}

static const struct source *
find_source(const struct receiver *r, const char *name)
{
	for (size_t i = 0; i < r->conf.source_count; i++)
		if (strcmp(r->sources[i].conf->name, name) == 0)
			return &r->sources[i];
	return NULL;
}

static const char *
given_secret(const struct source *s, const struct httpd_request *rq)
{
	if (s->conf->auth == AUTH_QUERY)
		return httpd_query(rq, "token");
	const char *header = httpd_header(rq, "Authorization");
	if (header && strncasecmp(header, "Bearer ", 7) == 0)
		header += 7;
	return header;
}

static bool
is_proven(const struct source *s, const struct httpd_request *rq)
{
	if (s->conf->auth == AUTH_NONE)
		return true;
	const char *given = given_secret(s, rq);
	return given && secrets_match(s->secrets, given, strlen(given));
}

/* The texts of a body, decoded, fit into a few times its length; records have a fixed part. */
static size_t
arena_size(const struct receiver *r, size_t body_n)
{
	size_t record = sizeof(struct upload_event) + sizeof(struct upload_verdict) + 1024;
	return 8 * body_n + r->conf.max_records * record + 64 * 1024;
}

static struct message *
read_message(const struct receiver *r, const struct source *s, struct httpd_request *rq)
{
	struct s3_event_conf conf = { .store = s->conf->store,
		                      .keys = s->conf->keys,
		                      .max_records = r->conf.max_records };
	struct fault f = { 0 };
	struct message *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->request = rq;
	m->source = s->conf->name;
	m->body = httpd_body(rq, &m->body_n);
	m->arena = arena_new(arena_size(r, m->body_n));
	if (m->arena && s3_event_parse(&conf, m->body, m->body_n, m->arena, &m->events, &m->event_n,
	                               &f) == RC_OK)
		m->verdicts = arena_alloc(m->arena, m->event_n * sizeof(*m->verdicts));
	if (m->verdicts)
		return m;
	message_free(m);
	return NULL;
}

static bool
take_notification(struct receiver *r, const struct source *s, struct httpd_request *rq)
{
	size_t n = 0;
	httpd_body(rq, &n);
	if (n == 0)
		return reply(rq, "empty", httpd_error(400, "empty", "the body is empty"));
	struct message *m = read_message(r, s, rq);
	if (!m || !committer_put(r->committer, m)) {
		message_free(m);
		return reply(rq, "away", committer_away());
	}
	metric_add(&requests, "taken", 1);
	return false;
}

static struct httpd_response *
denied(const struct source *s)
{
	struct httpd_response *rs =
		httpd_error(401, "unauthorized", "the secret is missing or wrong");
	if (rs && s->conf->auth == AUTH_BEARER)
		httpd_response_header(rs, "WWW-Authenticate", "Bearer");
	return rs;
}

static struct httpd_response *
wrong_method(const char *allowed)
{
	struct httpd_response *rs =
		httpd_error(405, "method_not_allowed", "this path does not take that method");
	if (rs)
		httpd_response_header(rs, "Allow", allowed);
	return rs;
}

static struct httpd_response *
here(int status)
{
	struct httpd_response *rs = httpd_response_new(status, "text/plain; charset=utf-8");
	if (rs && status == 200)
		httpd_response_text(rs, "millrace receive\n");
	return rs;
}

static struct httpd_response *
refused(const char *result, struct httpd_response *rs)
{
	metric_add(&requests, result, 1);
	return rs;
}

static bool
is_root(const struct httpd_request *rq)
{
	return strcmp(httpd_path(rq), "/") == 0;
}

static bool
is_look(const struct httpd_request *rq)
{
	const char *method = httpd_method(rq);
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static const struct source *
source_of(const struct receiver *r, const struct httpd_request *rq)
{
	const char *path = httpd_path(rq);
	if (strncmp(path, EVENTS_PATH, sizeof(EVENTS_PATH) - 1) != 0)
		return NULL;
	return find_source(r, path + sizeof(EVENTS_PATH) - 1);
}

/* Before the body: who has no secret fills no memory. */
static struct httpd_response *
guard(void *arg, const struct httpd_request *rq)
{
	const struct source *s = source_of(arg, rq);

	if (!s && !is_root(rq))
		return refused("not_found",
		               httpd_error(404, "not_found", "there is no such source"));
	if (is_look(rq))
		return NULL;
	if (!s)
		return refused("method", wrong_method("GET, HEAD"));
	if (strcmp(httpd_method(rq), "POST") != 0)
		return refused("method", wrong_method("GET, HEAD, POST"));
	return is_proven(s, rq) ? NULL : refused("unauthorized", denied(s));
}

static bool
handle(void *arg, struct httpd_request *rq)
{
	if (is_look(rq))
		return reply(rq, "probe", here(is_root(rq) ? 200 : 204));
	const struct source *s = source_of(arg, rq);
	assert(s); /* or the guard had refused */
	return take_notification(arg, s, rq);
}

static void
refresh_secrets(struct source *s)
{
	struct fault f = { 0 };
	if (!s->secrets)
		return;
	if (secrets_refresh(s->secrets, &f) == RC_OK) {
		s->complained = false;
		return;
	}
	struct log_ctx ctx = { .fault = &f };
	if (!s->complained)
		log_event(&ctx, LOG_WARN_, "secret not read", "source %s keeps the old one",
		          s->conf->name);
	s->complained = true;
}

void
receiver_run(struct receiver *r)
{
	while (!stop_wait_ms(REFRESH_MS))
		for (size_t i = 0; i < r->conf.source_count; i++)
			refresh_secrets(&r->sources[i]);
}

bool
receiver_ready(void *arg)
{
	struct receiver *r = arg;
	return !stop_requested() && committer_ready(r->committer);
}

unsigned
receiver_port(const struct receiver *r)
{
	return httpd_port(r->httpd);
}

static enum rc
open_source(struct source *s, const struct source_conf *conf, const char *listen, struct fault *f)
{
	s->conf = conf;
	if (conf->auth == AUTH_NONE) {
		if (httpd_is_loopback(listen))
			return RC_OK;
		return fault_set(f, RC_PERMANENT,
		                 "source %s has auth = none, but --listen %s is not loopback: "
		                 "anybody could make work; set auth = bearer and a secret_file",
		                 conf->name, listen);
	}
	if (!conf->secret_file)
		return fault_set(f, RC_PERMANENT, "source %s needs a secret_file", conf->name);
	struct secrets *secrets = secrets_open(conf->secret_file, conf->secret_file_2, f);
	if (!secrets)
		return fault_context(f, "source %s", conf->name);
	s->secrets = secrets;
	KEPT(secrets);
	return RC_OK;
}

static enum rc
open_sources(struct receiver *r, struct fault *f)
{
	if (r->conf.source_count == 0)
		return fault_set(f, RC_PERMANENT,
		                 "no sender is configured: add a [source NAME] to the "
		                 "configuration file");
	for (size_t i = 0; i < r->conf.source_count; i++)
		if (open_source(&r->sources[i], &r->conf.sources[i], r->conf.listen, f) != RC_OK)
			return f->rc;
	return RC_OK;
}

static unsigned
thread_count(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return cpus < 2 ? 2 : cpus > THREADS_MAX ? THREADS_MAX : (unsigned)cpus;
}

/* The longest body allowed must find room beside others. */
static size_t
kept_bytes(size_t max_body)
{
	return max_body > KEPT_BYTES / KEPT_BODIES ? max_body * KEPT_BODIES : KEPT_BYTES;
}

static enum rc
start(struct receiver *r, struct fault *f)
{
	struct committer_conf committer = { .database_url = r->conf.database_url,
		                            .max_batch = r->conf.max_batch };
	struct httpd_conf httpd = { .listen = r->conf.listen,
		                    .threads = thread_count(),
		                    .max_connections = MAX_CONNECTIONS,
		                    .max_body = r->conf.max_body,
		                    .max_kept = kept_bytes(r->conf.max_body),
		                    .gate = guard };
	if (open_sources(r, f) != RC_OK)
		return f->rc;
	if (!(r->committer = committer_start(&committer, f)))
		return f->rc;
	if (!(r->httpd = httpd_start(&httpd, handle, r, f)))
		return f->rc;
	return RC_OK;
}

static void
release(struct receiver *r)
{
	httpd_stop(r->httpd);
	committer_stop(r->committer);
	for (size_t i = 0; r->sources && i < r->conf.source_count; i++)
		secrets_free(r->sources[i].secrets);
	free(r->sources);
	free(r);
}

void
receiver_stop(struct receiver *r)
{
	if (r)
		release(r);
}

struct receiver *
receiver_start(const struct receiver_conf *c, struct fault *f)
{
	struct receiver *r = calloc(1, sizeof(*r));
	if (r) {
		r->conf = *c;
		r->sources = calloc(c->source_count + 1, sizeof(*r->sources));
	}
	if (!r || !r->sources) {
		fault_set(f, RC_RETRY, "out of memory for the receiver");
		free(r);
		return NULL;
	}
	if (start(r, f) == RC_OK)
		return r;
	release(r);
	return NULL;
}
