/* probe.c -- /livez, /readyz and /metrics on a listener of their own. */
#include "status/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/str.h"
#include "net/httpd.h"
#include "base/banned.h"

#define METRICS_MAX ((size_t)4 << 20)

struct probe {
	struct httpd *httpd; /* owned */
	bool (*ready)(void *arg);
	void *arg;
};

static struct httpd_response *
plain(int status, const char *text)
{
	struct httpd_response *rs = httpd_response_new(status, "text/plain; charset=utf-8");
	if (rs) {
		httpd_response_header(rs, "Cache-Control", "no-store");
		httpd_response_text(rs, text);
	}
	return rs;
}

static struct httpd_response *
metrics_response(void)
{
	struct str out = STR_INIT(METRICS_MAX);
	metrics_write(&out);
	struct httpd_response *rs = NULL;
	if (!out.failed)
		rs = httpd_response_new(200, "text/plain; version=0.0.4; charset=utf-8");
	if (rs)
		httpd_response_body(rs, &out);
	str_free(&out);
	return rs;
}

static struct httpd_response *
answer(const struct probe *p, const struct httpd_request *rq)
{
	const char *path = httpd_path(rq);
	const char *method = httpd_method(rq);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return httpd_error(405, "method_not_allowed",
		                   "only GET and HEAD are answered here");
	if (strcmp(path, "/livez") == 0)
		return plain(200, "ok\n");
	if (strcmp(path, "/readyz") == 0) {
		bool ready = !p->ready || p->ready(p->arg);
		return ready ? plain(200, "ok\n") : plain(503, "not ready\n");
	}
	if (strcmp(path, "/metrics") == 0)
		return metrics_response();
	return httpd_error(404, "not_found", "here are /livez, /readyz and /metrics");
}

static bool
handle(void *arg, struct httpd_request *rq)
{
	httpd_reply(rq, answer(arg, rq));
	return true;
}

void
probe_stop(struct probe *p)
{
	if (!p)
		return;
	httpd_stop(p->httpd);
	free(p);
}

struct probe *
probe_start(const char *listen, bool (*ready)(void *arg), void *arg, struct fault *f)
{
	const struct httpd_conf conf = {
		.listen = listen,
		.threads = 1,
		.max_connections = 32,
	};
	struct probe *p = calloc(1, sizeof(*p));
	if (!p) {
		fault_set(f, RC_RETRY, "no memory for the probe listener");
		return NULL;
	}
	p->ready = ready;
	p->arg = arg;
	p->httpd = httpd_start(&conf, handle, p, f);
	if (!p->httpd) {
		free(p);
		return NULL;
	}
	return p;
}

unsigned
probe_port(const struct probe *p)
{
	return httpd_port(p->httpd);
}
