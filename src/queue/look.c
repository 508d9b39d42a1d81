/* look.c -- what people and pages ask, and may do: replay, pause, cancel. */
#include <stdio.h>
#include <string.h>

#include "queue/internal.h"
#include "queue/look.h"
#include "base/utf8.h"
#include "base/banned.h"

static enum rc
fail_code(struct fault *f, const char *code)
{
	if (f)
		snprintf(f->code, sizeof(f->code), "%s", code);
	return RC_PERMANENT;
}

static enum rc
fail_with_code(struct fault *f, const char *code, const char *what, const char *name)
{
	fault_set(f, RC_PERMANENT, "%s: %s", what, name);
	return fail_code(f, code);
}

/* The only value of the only row. *ret_found false: it is null. */
static enum rc
one_text(struct db *db, const char *sql, size_t n, const char *const args[], struct str *out,
         bool *ret_found, struct fault *f)
{
	CLEANUP(db_rows_freep) struct db_rows *rows = db_call(db, sql, n, args, f);
	if (!rows)
		return f->rc;
	const char *text = db_count(rows) == 1 ? db_text(rows, 0, 0) : NULL;
	if (text && !str_add(out, text))
		return fault_set(f, RC_PERMANENT, "the answer is larger than %zu bytes", out->max);
	*ret_found = text != NULL;
	return RC_OK;
}

static enum rc
needed_text(struct db *db, const char *sql, size_t n, const char *const args[], struct str *out,
            struct fault *f)
{
	bool found = false;
	enum rc rc = one_text(db, sql, n, args, out, &found, f);
	if (rc == RC_OK && !found)
		rc = fault_set(f, RC_BUG, "no answer to %s", sql);
	return rc;
}

static bool
is_text(const char *text)
{
	return utf8_valid(text, strlen(text));
}

/* What comes from outside and is no text names nothing. */
static const char *
text_or_none(const char *text)
{
	return !text || is_text(text) ? text : "";
}

enum rc
look_trace(struct db *db, const char *text, struct str *out, struct fault *f)
{
	const char *const args[] = { text };
	bool found = false;
	enum rc rc = RC_OK;
	if (is_text(text))
		rc = one_text(db, "select millrace.trace_json($1)", 1, args, out, &found, f);
	if (rc == RC_OK && !found)
		rc = fail_with_code(f, "NotFound", "no such trace", text);
	return rc;
}

enum rc
look_search(struct db *db, const char *text, struct str *out, struct fault *f)
{
	const char *const args[] = { text_or_none(text) };
	return needed_text(db, "select millrace.search_json($1)", 1, args, out, f);
}

enum rc
look_queues(struct db *db, struct str *out, struct fault *f)
{
	return needed_text(db, "select millrace.queues_json()", 0, NULL, out, f);
}

enum rc
look_workers(struct db *db, struct str *out, struct fault *f)
{
	return needed_text(db, "select millrace.workers_json()", 0, NULL, out, f);
}

enum rc
look_recent(struct db *db, int64_t limit, struct str *out, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, limit);
	const char *const args[] = { str_text(&a.text[0]) };
	return needed_text(db, "select millrace.recent_json($1)", 1, args, out, f);
}

enum rc
look_dead(struct db *db, const char *kind, int64_t limit, struct str *out, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, limit);
	const char *const args[] = { text_or_none(kind), str_text(&a.text[0]) };
	return needed_text(db, "select millrace.dead_json($1, $2)", 2, args, out, f);
}

enum rc
look_scale(struct db *db, const char *kind, int64_t *ret, struct fault *f)
{
	const char *const args[] = { text_or_none(kind) };
	CLEANUP(db_rows_freep)
	struct db_rows *rows = db_call(db, "select millrace.scale_metric($1)", 1, args, f);
	if (!rows)
		return f->rc;
	*ret = db_count(rows) == 1 ? db_int(rows, 0, 0, 0) : 0;
	return RC_OK;
}

enum rc
look_pause(struct db *db, const char *kind, bool pause, const char *who, const char *why,
           struct str *out, struct fault *f)
{
	const char *const args[] = { text_or_none(kind), pause ? "t" : "f", text_or_none(who),
		                     text_or_none(why) };
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		db_call(db, "select outcome, reply, wake from millrace.pause_kind($1, $2, $3, $4)",
	                ARRAY_LEN(args), args, f);
	if (!rows)
		return f->rc;
	if (db_count(rows) != 1)
		return fault_set(f, RC_BUG, "pause_kind did not answer one row");
	if (strcmp(db_text(rows, 0, 0), "not_found") == 0)
		return fail_with_code(f, "NotFound", "no such kind", kind);
	queue_wake(db, db_text(rows, 0, 2));
	if (!str_add(out, db_text(rows, 0, 1)))
		return fault_set(f, RC_PERMANENT, "the answer is larger than %zu bytes", out->max);
	return RC_OK;
}

/* What replay and cancel answer: outcome, reply, the reply's state. The words: of the
 * outcome that refuses, and of what is not there. */
struct change_words {
	const char *outcome, *code, *says, *nothing;
};

static enum rc
read_reply(const struct db_rows *rows, const struct change_words *w, const char *name,
           struct str *out, struct fault *f)
{
	const char *outcome = db_count(rows) == 1 ? db_text(rows, 0, 0) : NULL;
	const char *reply = outcome ? db_text(rows, 0, 1) : NULL;
	if (outcome && strcmp(outcome, "not_found") == 0)
		return fail_with_code(f, "NotFound", w->nothing, name);
	if (outcome && strcmp(outcome, w->outcome) == 0) {
		const char *state = db_text(rows, 0, 2);
		fault_set(f, RC_PERMANENT, "%s; %s is %s", w->says, name,
		          state ? state : "no such one");
		return fail_code(f, w->code);
	}
	if (!reply)
		return fault_set(f, RC_BUG, "the database answered nothing about %s", name);
	if (!str_add(out, reply))
		return fault_set(f, RC_PERMANENT, "the answer is larger than %zu bytes", out->max);
	return RC_OK;
}

static enum rc
change(struct db *db, const char *sql, const struct change_words *w, const char *const args[3],
       struct str *out, struct fault *f)
{
	if (!is_text(args[0]))
		return fail_with_code(f, "NotFound", w->nothing, args[0]);
	CLEANUP(db_rows_freep) struct db_rows *rows = db_call(db, sql, 3, args, f);
	if (!rows)
		return f->rc;
	queue_wake(db, db_count(rows) == 1 ? db_text(rows, 0, 3) : NULL);
	return read_reply(rows, w, args[0], out, f);
}

enum rc
look_replay(struct db *db, const char *job, const char *who, const char *why, struct str *out,
            struct fault *f)
{
	static const struct change_words words = { "not_dead", "NotDead",
		                                   "only a dead job can be replayed",
		                                   "no such job" };
	const char *const args[] = { job, text_or_none(who), text_or_none(why) };
	return change(db,
	              "select outcome, reply, reply ->> 'state', wake from "
	              "millrace.replay_job($1, $2, $3)",
	              &words, args, out, f);
}

enum rc
look_cancel(struct db *db, const char *trace, const char *who, const char *why, struct str *out,
            struct fault *f)
{
	static const struct change_words words = {
		"not_open", "NotOpen", "only an upload that is not final can be cancelled",
		"no such trace"
	};
	const char *const args[] = { trace, text_or_none(who), text_or_none(why) };
	return change(db,
	              "select outcome, reply, reply ->> 'state', wake from "
	              "millrace.cancel_upload($1, $2, $3)",
	              &words, args, out, f);
}
