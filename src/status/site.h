/* site.h -- what the status server's parts share. Private to this room. */
#ifndef STATUS_SITE_H
#define STATUS_SITE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "net/httpd.h"
#include "net/json.h"
#include "status/fetch.h"
#include "status/pool.h"
#include "status/server.h"

#define SEGMENTS_MAX 8
#define ANSWER_MAX ((size_t)64 << 20)
#define JSON_DEPTH 64

struct site {
	struct status_conf conf;
	struct pool *pool;   /* owned */
	struct pool *stores; /* owned; the fetch threads', whose seats never ask the database */
	struct fetchers *fetchers; /* owned */
	bool loopback;
	atomic_bool ready;
};

/* One request: its path decoded and taken apart. */
struct visit {
	struct site *site;
	struct httpd_request *rq;
	struct arena *arena;
	const char *segments[SEGMENTS_MAX];
	size_t count;
	bool handed_over; /* a fetch thread answers, and owns the arena */
};

/* route.c. False: the path is not one of ours, or says something impossible. */
bool visit_split(struct visit *v, const char *path);
struct httpd_response *visit_answer(struct visit *v);

/* door.c: NULL when the request may pass, else the refusal. */
struct httpd_response *door_check(const struct site *s, const struct httpd_request *rq);

/* reply.c */
void reply_common_headers(struct httpd_response *rs);
struct httpd_response *reply_html(int status, struct str *html);
struct httpd_response *reply_json(struct str *json);
struct httpd_response *reply_text(int status, const char *text);
struct httpd_response *reply_redirect(int status, const char *location);
/* A page or, for /api, JSON that says what went wrong with what was asked: "database", "store". */
struct httpd_response *reply_fault(const struct visit *v, const char *asked, const struct fault *f);
/* 503: more ask for results than can be fetched now. */
struct httpd_response *reply_busy(void);
struct httpd_response *reply_not_found(const struct visit *v, const char *what);

/* ask.c: one question to the database, on a seat of its own. */
enum rc ask_trace(struct site *s, const char *id, struct str *out, struct fault *f) MUST_USE;
enum rc ask_search(struct site *s, const char *text, struct str *out, struct fault *f) MUST_USE;
enum rc ask_queues(struct site *s, struct str *out, struct fault *f) MUST_USE;
enum rc ask_recent(struct site *s, struct str *out, struct fault *f) MUST_USE;
enum rc ask_workers(struct site *s, struct str *out, struct fault *f) MUST_USE;
/* kind NULL: all. */
enum rc ask_dead(struct site *s, const char *kind, struct str *out, struct fault *f) MUST_USE;
enum rc ask_version(struct site *s, struct fault *f) MUST_USE;

/* pages.c, api.c, result.c, depth.c */
struct httpd_response *show_home(struct visit *v);
struct httpd_response *show_trace(struct visit *v);
struct httpd_response *show_search(struct visit *v);
struct httpd_response *show_queues(struct visit *v);
struct httpd_response *show_dead(struct visit *v);
struct httpd_response *show_workers(struct visit *v);
struct httpd_response *api_trace(struct visit *v);
struct httpd_response *api_queues(struct visit *v);
struct httpd_response *api_dead(struct visit *v);
struct httpd_response *api_workers(struct visit *v);
/* Hands the visit to a fetch thread, which calls send_result; NULL then. */
struct httpd_response *order_result(struct visit *v);
struct httpd_response *send_result(struct visit *v);
struct httpd_response *send_metrics(struct visit *v);
struct httpd_response *send_asset(struct visit *v);
/* The queues' JSON as gauges in Prometheus' text format; NULL queues: only that the database is
 * away. */
void depth_write(struct str *out, const struct json *queues);

#endif
