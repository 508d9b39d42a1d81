/* record.c -- writes down what became of jobs, in one transaction for all that are done. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "queue/refusal.h"
#include "work/desk.h"
#include "work/verdict.h"
#include "base/banned.h"

static struct metric attempts =
	METRIC_COUNTER("millrace_job_attempts_total",
                       "Attempts that ended here, by what they ended with.", "outcome");
static struct metric run_seconds =
	METRIC_HISTOGRAM("millrace_job_run_seconds", "How long handlers ran.", "kind");

static enum log_level
level_of(enum job_outcome o, enum job_verdict v)
{
	if (v == VERDICT_DEAD)
		return LOG_ERROR_;
	bool calm = o == JOB_DONE || o == JOB_SNOOZED || o == JOB_INTERRUPTED ||
	            o == JOB_SOURCE_GONE || o == JOB_SUPERSEDED;
	return calm && v != VERDICT_STALE ? LOG_INFO_ : LOG_WARN_;
}

static void
tell(const struct desk *d, const struct work *w, enum job_verdict verdict)
{
	const struct job *j = w->job;
	const struct job_result *r = &w->result;
	CLEANUP(str_free) struct str job_id = STR_INIT(256);
	str_addf(&job_id, "%s/%s", j->trace_id, j->step);
	const struct log_ctx ctx = { .trace_id = j->trace_id,
		                     .job_id = str_text(&job_id),
		                     .kind = j->kind,
		                     .worker = d->conf->name,
		                     .attempt = w->ticket.attempt,
		                     .duration_ms = r->ran_ms };
	log_event(&ctx, level_of(r->outcome, verdict), "job ended", "outcome=%s verdict=%s%s%s%s%s",
	          job_outcome_name(r->outcome), job_verdict_name(verdict),
	          r->error_class ? " class=" : "", r->error_class ? r->error_class : "",
	          r->error ? " " : "", r->error ? r->error : "");
	metric_add(&attempts, verdict == VERDICT_STALE ? "lost" : job_outcome_name(r->outcome), 1);
	if (r->ran_ms >= 0)
		metric_observe(&run_seconds, j->kind, (double)r->ran_ms / 1000);
}

/* What became of the i-th is known: it leaves the desk. */
static void
close_file(struct desk *d, size_t i, enum job_verdict verdict)
{
	tell(d, d->finished[i], verdict);
	slots_release(d->slots, d->finished[i]);
	d->finished[i] = NULL;
}

static void
close_ranks(struct desk *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->finished_n; i++)
		if (d->finished[i])
			d->finished[kept++] = d->finished[i];
	d->finished_n = kept;
}

static enum rc
finish(struct desk *d, size_t from, size_t n, struct fault *f)
{
	struct job_result *results = calloc(n, sizeof *results);
	enum job_verdict *verdicts = calloc(n, sizeof *verdicts);
	if (!results || !verdicts)
		abort();
	for (size_t i = 0; i < n; i++) {
		results[i] = d->finished[from + i]->result;
		results[i].ticket = d->finished[from + i]->ticket;
	}
	enum rc rc = job_finish(d->session, d->db, results, n, verdicts, f);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		close_file(d, from + i, verdicts[i]);
	free(results);
	free(verdicts);
	return rc;
}

/* The database will not have this result: it gets one that it cannot refuse, or none. */
static void
make_bare(struct job_result *r, const struct fault *f, struct arena *a)
{
	*r = (struct job_result){ .outcome = JOB_PERMANENT,
		                  .ran_ms = r->ran_ms,
		                  .delay_ms = -1,
		                  .error_class = "record",
		                  .error =
		                          arena_printf(a, "its result was refused: %s", f->message),
		                  .stage = "output",
		                  .cpu_ms = -1,
		                  .rss_kb = -1,
		                  .bytes_in = -1,
		                  .bytes_out = -1 };
}

/* One bad result must not hold up the others. */
static bool
finish_singly(struct desk *d)
{
	struct fault f;
	for (size_t i = 0; i < d->finished_n; i++) {
		f = (struct fault){ 0 };
		enum rc rc = finish(d, i, 1, &f);
		if (rc != RC_OK && queue_is_about_data(&f)) {
			make_bare(&d->finished[i]->result, &f, d->finished[i]->arena);
			f = (struct fault){ 0 };
			rc = finish(d, i, 1, &f);
		}
		if (rc != RC_OK && queue_is_about_data(&f)) {
			/* Not even that: the session is opened anew without this ticket, so
			 * that the database takes it back. */
			close_file(d, i, VERDICT_STALE);
			d->lost = d->refused = true;
		} else if (rc != RC_OK) {
			close_ranks(d);
			desk_failed(d, "recording a job", &f);
			return false;
		}
	}
	close_ranks(d);
	return !d->lost;
}

bool
record_finished(struct desk *d)
{
	struct fault f = { 0 };
	for (size_t i = 0; i < d->finished_n; i++)
		if (d->finished[i]->lost)
			close_file(d, i, VERDICT_STALE);
	close_ranks(d);
	if (d->finished_n == 0)
		return true;
	enum rc rc = finish(d, 0, d->finished_n, &f);
	if (rc == RC_OK) {
		d->finished_n = 0;
		return true;
	}
	if (queue_is_about_data(&f)) {
		log_event(&(struct log_ctx){ .worker = d->conf->name, .fault = &f }, LOG_ERROR_,
		          "results refused", "recording %zu jobs one by one", d->finished_n);
		return finish_singly(d);
	}
	desk_failed(d, "recording jobs", &f);
	return false;
}
