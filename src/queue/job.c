/* job.c -- claiming jobs and finishing them. */
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "base/banned.h"

static enum rc
bad_row(const char *what, struct fault *f)
{
	return fault_set(f, RC_BUG, "claim_jobs: %s", what);
}

/* The columns are those of the select in job_claim, in its order. */
static bool
read_texts(const struct db_rows *rows, size_t i, struct arena *a, struct job *j)
{
	const char **const fields[] = { &j->store,      &j->bucket, &j->key,
		                        &j->version_id, &j->etag,   &j->content_type,
		                        &j->step,       &j->kind,   &j->params };
	for (size_t k = 0; k < ARRAY_LEN(fields); k++) {
		const char *text = db_text(rows, i, 8 + k);
		*fields[k] = arena_strdup(a, text);
		if (text && !*fields[k])
			return false;
	}
	return true;
}

static enum rc
read_job(struct session *s, size_t kind, const struct db_rows *rows, size_t i, struct arena *a,
         struct job *j, struct fault *f)
{
	struct ticket *t = &j->ticket;
	t->kind_no = s->kind_nos[kind];
	t->class = (int16_t)db_int(rows, i, 0, 0);
	t->position = db_int(rows, i, 1, 0);
	if (!ulid_parse(db_text(rows, i, 2), &t->upload))
		return bad_row("no upload ID", f);
	t->step_no = (int16_t)db_int(rows, i, 3, 0);
	t->attempt = (int)db_int(rows, i, 4, 0);
	t->grant = db_int(rows, i, 5, 0);
	j->size = db_int(rows, i, 6, -1);
	j->timeout_ms = db_int(rows, i, 7, 0);
	ulid_trace_text(&t->upload, j->trace_id);
	if (!read_texts(rows, i, a, j) || !session_hold(s, kind, t))
		return fault_set(f, RC_RETRY, "no memory for the claimed jobs");
	return RC_OK;
}

enum rc
job_claim(struct session *s, struct db *db, size_t kind, size_t limit, bool fresh, struct arena *a,
          struct job **ret, size_t *ret_n, struct fault *f)
{
	*ret_n = 0;
	if (session_alone(s))
		return RC_OK;
	CLEANUP(args_free) struct args args = { 0 };
	args_int(&args, s->number);
	args_int(&args, session_kind_no(s, kind));
	args_int(&args, (int64_t)limit);
	session_add_place(s, kind, fresh, &args);
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call(
		&args, db,
		"select class, pos, upload_id, step_no, attempt, grant_no, size, timeout_ms,"
		" store, bucket, key, version_id, etag, content_type, step, kind, params"
		" from millrace.claim_jobs($1, $2, $3, $4, $5, $6)",
		f);
	if (!rows)
		return f->rc;
	size_t n = db_count(rows);
	struct job *jobs = n > 0 ? arena_alloc(a, n * sizeof(*jobs)) : NULL;
	if (n > 0 && !jobs)
		return fault_set(f, RC_RETRY, "no memory for the claimed jobs");
	for (size_t i = 0; i < n; i++)
		if (read_job(s, kind, rows, i, a, &jobs[i], f) != RC_OK)
			return f->rc;
	*ret = jobs;
	*ret_n = n;
	return RC_OK;
}

static const char *const outcomes[] = {
	[JOB_DONE] = "done",
	[JOB_ERROR] = "error",
	[JOB_PERMANENT] = "permanent",
	[JOB_TIMEOUT] = "timeout",
	[JOB_CRASH] = "crash",
	[JOB_SNOOZED] = "snoozed",
	[JOB_INTERRUPTED] = "interrupted",
	[JOB_SOURCE_GONE] = "source_gone",
	[JOB_SUPERSEDED] = "superseded",
};

static const char *const verdicts[] = {
	[VERDICT_ACCEPTED] = "accepted",
	[VERDICT_RETRY] = "retry",
	[VERDICT_DEAD] = "dead",
	[VERDICT_STALE] = "stale",
};

const char *
job_outcome_name(enum job_outcome o)
{
	return outcomes[o];
}

const char *
job_verdict_name(enum job_verdict v)
{
	return verdicts[v];
}

static void
add_ms(struct str *array, int64_t ms)
{
	if (ms < 0)
		db_array_text(array, NULL);
	else
		db_array_int(array, ms);
}

static void
add_results(struct args *a, const struct job_result *results, size_t n)
{
	struct str *kinds = args_array(a), *classes = args_array(a), *positions = args_array(a),
		   *uploads = args_array(a), *steps = args_array(a), *ends = args_array(a),
		   *ran = args_array(a), *delays = args_array(a), *details = args_array(a);
	struct str detail = STR_INIT(details->max);
	for (size_t i = 0; i < n; i++) {
		const struct job_result *r = &results[i];
		char uuid[ULID_UUID_MAX];
		db_array_int(kinds, r->ticket.kind_no);
		db_array_int(classes, r->ticket.class);
		db_array_int(positions, r->ticket.position);
		db_array_text(uploads, ulid_uuid_text(&r->ticket.upload, uuid));
		db_array_int(steps, r->ticket.step_no);
		db_array_text(ends, outcomes[r->outcome]);
		add_ms(ran, r->ran_ms);
		add_ms(delays, r->delay_ms);
		str_reset(&detail);
		details_of_job(r, &detail);
		db_array_text(details, str_text(&detail));
		details->failed |= detail.failed;
	}
	str_free(&detail);
}

/* What the answer does not name was not ours any more. */
static enum rc
read_verdicts(const struct db_rows *rows, size_t n, enum job_verdict *ret, struct fault *f)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = VERDICT_STALE;
	for (size_t i = 0; i < db_count(rows); i++) {
		int64_t at = db_int(rows, i, 0, -1);
		size_t verdict = find_name(verdicts, ARRAY_LEN(verdicts), db_text(rows, i, 1));
		if (at < 0 || (size_t)at >= n || verdict == ARRAY_LEN(verdicts))
			return fault_set(f, RC_BUG, "finish_jobs answered row %zu wrongly", i);
		ret[at] = (enum job_verdict)verdict;
	}
	return RC_OK;
}

static void
drop_or_undo(struct session *s, const struct job_result *results, size_t n,
             void (*change)(struct grants *g, int64_t number))
{
	for (size_t i = 0; i < n; i++)
		change(&s->grants, results[i].ticket.grant);
}

enum rc
job_finish(struct session *s, struct db *db, const struct job_result *results, size_t n,
           enum job_verdict *ret_verdicts, struct fault *f)
{
	if (n == 0)
		return RC_OK;
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, s->number);
	add_results(&a, results, n);
	drop_or_undo(s, results, n, grants_drop);
	grants_finished(&s->grants, args_array(&a));
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call(&a, db,
	                                 "select n, verdict, wake from millrace.finish_jobs"
	                                 "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	                                 f);
	if (!rows) {
		drop_or_undo(s, results, n, grants_undo);
		return f->rc;
	}
	grants_forget_finished(&s->grants);
	queue_wake(db, db_count(rows) > 0 ? db_text(rows, 0, 2) : NULL);
	return read_verdicts(rows, n, ret_verdicts, f);
}
