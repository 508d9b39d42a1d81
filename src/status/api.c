/* api.c -- the same as the pages, as the database's JSON. */
#include "status/site.h"

#include "base/ulid.h"
#include "base/banned.h"

static struct httpd_response *
finish(const struct visit *v, struct str *answer, const struct fault *f)
{
	struct httpd_response *rs =
		f->rc == RC_OK ? reply_json(answer) : reply_fault(v, "database", f);
	str_free(answer);
	return rs;
}

struct httpd_response *
api_trace(struct visit *v)
{
	struct fault f = { 0 };
	struct ulid id;
	char text[TRACE_TEXT_MAX];
	struct str answer = STR_INIT(ANSWER_MAX);
	if (!ulid_parse(v->segments[3], &id))
		return httpd_error(404, "not_found", "that is not a trace ID");
	ignore_rc(ask_trace(v->site, ulid_trace_text(&id, text), &answer, &f)); /* f says it */
	return finish(v, &answer, &f);
}

struct httpd_response *
api_queues(struct visit *v)
{
	struct fault f = { 0 };
	struct str answer = STR_INIT(ANSWER_MAX);
	ignore_rc(ask_queues(v->site, &answer, &f));
	return finish(v, &answer, &f);
}

struct httpd_response *
api_dead(struct visit *v)
{
	struct fault f = { 0 };
	struct str answer = STR_INIT(ANSWER_MAX);
	ignore_rc(ask_dead(v->site, httpd_query(v->rq, "kind"), &answer, &f));
	return finish(v, &answer, &f);
}

struct httpd_response *
api_workers(struct visit *v)
{
	struct fault f = { 0 };
	struct str answer = STR_INIT(ANSWER_MAX);
	ignore_rc(ask_workers(v->site, &answer, &f));
	return finish(v, &answer, &f);
}
