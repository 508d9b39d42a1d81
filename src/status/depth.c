/* depth.c -- /metrics of the status server: its own figures and the queues' depth. */
#include "status/site.h"

#include <inttypes.h>

#include "base/metrics.h"
#include "status/view.h"
#include "base/banned.h"

static const char *const states[] = { "waiting", "queued", "running", "retrying", "dead" };

static void
add_value(struct str *out, const char *text)
{
	for (const char *p = text ? text : ""; *p; p++) {
		if (*p == '\\' || *p == '"')
			str_addc(out, '\\');
		if (*p == '\n')
			str_add(out, "\\n");
		else
			str_addc(out, *p);
	}
}

static void
open_metric(struct str *out, const char *name, const char *help)
{
	str_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void
add_jobs(struct str *out, const struct json *list)
{
	open_metric(out, "millrace_jobs", "Jobs that are not finished, and dead ones.");
	for (size_t i = 0; i < json_count(list); i++)
		for (size_t s = 0; s < ARRAY_LEN(states); s++) {
			str_add(out, "millrace_jobs{kind=\"");
			add_value(out, view_text(json_at(list, i), "kind"));
			str_addf(out, "\",state=\"%s\"} %" PRId64 "\n", states[s],
			         view_int(json_at(list, i), states[s], 0));
		}
}

static void
add_oldest(struct str *out, const struct json *list)
{
	open_metric(out, "millrace_jobs_oldest_ready_timestamp_seconds",
	            "Since when the oldest due job waits; 0 when none does.");
	for (size_t i = 0; i < json_count(list); i++) {
		int64_t us = view_time(json_at(list, i), "oldest_at");
		us = us == VIEW_NEVER ? 0 : us;
		str_add(out, "millrace_jobs_oldest_ready_timestamp_seconds{kind=\"");
		add_value(out, view_text(json_at(list, i), "kind"));
		str_addf(out, "\"} %" PRId64 ".%06" PRId64 "\n", us / 1000000, us % 1000000);
	}
}

static void
add_workers(struct str *out, const struct json *list)
{
	open_metric(out, "millrace_workers", "Live workers that serve a kind.");
	for (size_t i = 0; i < json_count(list); i++) {
		str_add(out, "millrace_workers{kind=\"");
		add_value(out, view_text(json_at(list, i), "kind"));
		str_addf(out, "\"} %" PRId64 "\n", view_int(json_at(list, i), "workers", 0));
	}
}

void
depth_write(struct str *out, const struct json *queues)
{
	const struct json *list = json_get(queues, "queues");
	open_metric(out, "millrace_database_up", "1 if the database answered this scrape.");
	str_addf(out, "millrace_database_up %d\n", queues != NULL);
	if (!queues)
		return;
	add_jobs(out, list);
	add_oldest(out, list);
	add_workers(out, list);
}

struct httpd_response *
send_metrics(struct visit *v)
{
	struct fault f = { 0 };
	struct str answer = STR_INIT(ANSWER_MAX);
	struct str out = STR_INIT(ANSWER_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	if (ask_queues(v->site, &answer, &f) == RC_OK)
		doc = json_parse(str_text(&answer), answer.len, JSON_DEPTH, &f);
	metrics_write(&out);
	depth_write(&out, doc ? json_root(doc) : NULL);
	str_free(&answer);
	struct httpd_response *rs =
		httpd_response_new(200, "text/plain; version=0.0.4; charset=utf-8");
	if (rs) {
		httpd_response_header(rs, "Cache-Control", "no-store");
		httpd_response_body(rs, &out);
	}
	str_free(&out);
	return rs;
}
