/* server.c -- starts and stops the status server. */
#include "status/server.h"

#include <stdlib.h>

#include "base/metrics.h"
#include "status/site.h"
#include "base/banned.h"

#define THREADS 3
#define ARENA_MAX ((size_t)256 << 10)

struct status_server {
	struct httpd *httpd; /* owned */
	struct site site;
};

static struct metric visits =
	METRIC_COUNTER("millrace_status_requests_total", "Requests to the status pages.", NULL);

static bool
handle(void *arg, struct httpd_request *rq)
{
	struct visit v = { .site = arg, .rq = rq };
	CLEANUP(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	struct httpd_response *rs = NULL;
	metric_add(&visits, NULL, 1);
	v.arena = arena;
	if (arena && visit_split(&v, httpd_path(rq)))
		rs = visit_answer(&v);
	else
		rs = httpd_error(400, "bad_path", "that path cannot be read");
	if (v.handed_over) {
		arena = NULL; /* the fetch thread frees it */
		return false;
	}
	httpd_reply(rq, rs);
	return true;
}

static void
release(struct status_server *s)
{
	fetchers_stop(s->site.fetchers);
	pool_free(s->site.stores);
	pool_free(s->site.pool);
	free(s);
}

void
status_stop(struct status_server *s)
{
	if (!s)
		return;
	httpd_stop(s->httpd);
	release(s);
}

static enum rc
open_site(struct status_server *s, const struct status_conf *c, struct fault *f)
{
	s->site.conf = *c;
	s->site.loopback = httpd_is_loopback(c->listen);
	if (!s->site.loopback && !c->password && !c->allow_anonymous)
		return fault_set(f, RC_PERMANENT,
		                 "listening on %s would show everything to everybody: give "
		                 "--password-file or --allow-anonymous-read",
		                 c->listen);
	s->site.pool = pool_new(THREADS + 1, c->database_url, c->stores, c->store_count, f);
	if (!s->site.pool)
		return f->rc;
	s->site.stores = pool_new(FETCH_THREADS, c->database_url, c->stores, c->store_count, f);
	if (!s->site.stores)
		return f->rc;
	s->site.fetchers = fetchers_start(f);
	return s->site.fetchers ? RC_OK : f->rc;
}

struct status_server *
status_start(const struct status_conf *c, struct fault *f)
{
	const struct httpd_conf conf = {
		.listen = c->listen,
		.threads = THREADS,
		.max_body = 4096,
	};
	struct status_server *s = calloc(1, sizeof(*s));
	if (!s) {
		fault_set(f, RC_RETRY, "no memory for the status server");
		return NULL;
	}
	if (open_site(s, c, f) == RC_OK)
		s->httpd = httpd_start(&conf, handle, &s->site, f);
	if (!s->httpd) {
		release(s);
		return NULL;
	}
	return s;
}

unsigned
status_port(const struct status_server *s)
{
	return httpd_port(s->httpd);
}

enum rc
status_check(struct status_server *s, struct fault *f)
{
	enum rc rc = ask_version(&s->site, f);
	atomic_store(&s->site.ready, rc == RC_OK);
	return rc;
}

bool
status_ready(void *server)
{
	struct status_server *s = server;
	return atomic_load(&s->site.ready);
}
