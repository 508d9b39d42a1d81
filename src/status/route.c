/* route.c -- from a path to what answers it. */
#include "status/site.h"

#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "status/assets.h"
#include "base/banned.h"

static struct httpd_response *
send_live(struct visit *v)
{
	(void)v;
	return reply_text(200, "ok\n");
}

static struct httpd_response *
send_ready(struct visit *v)
{
	bool ready = atomic_load(&v->site->ready);
	return ready ? reply_text(200, "ok\n") : reply_text(503, "not ready\n");
}

static struct httpd_response *
send_robots(struct visit *v)
{
	(void)v;
	return reply_text(200, "User-agent: *\nDisallow: /\n");
}

/* '*' stands for any one segment. */
static const struct {
	bool open; /* to everybody: probes */
	struct httpd_response *(*answer)(struct visit *v);
	size_t count;
	const char *path[5];
} routes[] = {
	{ true, send_live, 1, { "livez" } },
	{ true, send_ready, 1, { "readyz" } },
	{ true, send_robots, 1, { "robots.txt" } },
	{ false, show_home, 0, { NULL } },
	{ false, show_trace, 2, { "t", "*" } },
	{ false, show_trace, 3, { "t", "*", "*" } },
	{ false, order_result, 5, { "t", "*", "*", "*", "*" } },
	{ false, show_search, 1, { "search" } },
	{ false, show_queues, 1, { "queues" } },
	{ false, show_dead, 1, { "dead" } },
	{ false, show_workers, 1, { "workers" } },
	{ false, api_trace, 4, { "api", "v1", "traces", "*" } },
	{ false, api_queues, 3, { "api", "v1", "queues" } },
	{ false, api_dead, 3, { "api", "v1", "dead" } },
	{ false, api_workers, 3, { "api", "v1", "workers" } },
	{ false, send_metrics, 1, { "metrics" } },
	{ false, send_asset, 2, { "assets", "*" } },
};

static char *
decoded(struct arena *a, const char *text, size_t n)
{
	char *out = arena_alloc(a, n + 1);
	size_t k = 0;
	for (size_t i = 0; out && i < n; i++) {
		char c = text[i];
		if (c == '%') {
			char hex[3] = { 0 };
			memcpy(hex, text + i + 1, n - i > 2 ? 2 : 0);
			if (!num_parse_hex(hex, &c, 1) || c == '\0')
				return NULL;
			i += 2;
		}
		out[k++] = c;
	}
	return out && utf8_valid(out, k) ? out : NULL;
}

bool
visit_split(struct visit *v, const char *path)
{
	for (const char *p = path; *p == '/';) {
		size_t n = strcspn(++p, "/");
		if (n == 0 && p[n] == '\0')
			break;
		if (n == 0 || v->count == SEGMENTS_MAX)
			return false;
		v->segments[v->count] = decoded(v->arena, p, n);
		if (!v->segments[v->count])
			return false;
		v->count++;
		p += n;
	}
	return path[0] == '/';
}

static bool
fits(const struct visit *v, size_t route)
{
	if (routes[route].count != v->count)
		return false;
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(routes[route].path[i], "*") != 0 &&
		    strcmp(routes[route].path[i], v->segments[i]) != 0)
			return false;
	return true;
}

struct httpd_response *
visit_answer(struct visit *v)
{
	const char *method = httpd_method(v->rq);
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!fits(v, i))
			continue;
		struct httpd_response *refusal = routes[i].open ? NULL : door_check(v->site, v->rq);
		if (refusal)
			return refusal;
		if (reads)
			return routes[i].answer(v);
		struct httpd_response *rs =
			httpd_error(405, "method_not_allowed", "this server only reads");
		if (rs)
			httpd_response_header(rs, "Allow", "GET, HEAD");
		return rs;
	}
	struct httpd_response *refusal = door_check(v->site, v->rq);
	return refusal ? refusal : reply_not_found(v, httpd_path(v->rq));
}

static const struct asset *
find_asset(const char *name)
{
	for (size_t i = 0; i < assets_count; i++)
		if (strcmp(assets[i].name, name) == 0)
			return &assets[i];
	return NULL;
}

struct httpd_response *
send_asset(struct visit *v)
{
	const struct asset *a = find_asset(v->segments[1]);
	if (!a)
		return reply_not_found(v, v->segments[1]);
	const char *known = httpd_header(v->rq, "If-None-Match");
	bool same = known && strcmp(known, a->etag) == 0;
	struct httpd_response *rs = httpd_response_new(same ? 304 : 200, a->content_type);
	if (rs) {
		reply_common_headers(rs);
		httpd_response_header(rs, "Cache-Control", "no-cache");
		httpd_response_header(rs, "ETag", a->etag);
		httpd_response_header(rs, "Content-Security-Policy", "default-src 'none'");
		httpd_response_text(rs, same ? "" : a->data);
	}
	return rs;
}
