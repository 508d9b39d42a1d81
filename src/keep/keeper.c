/* keeper.c -- the keeper station: runs each duty when it is due, and goes on when one fails. */
#include "keep/keeper.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "db/db.h"
#include "db/migrate.h"
#include "keep/duty.h"
#include "base/banned.h"

#define CALL_MS 10000
#define AGAIN_MS 1000
/* A duty that has more to do is run again soon, but not without a breath for the others. */
#define LEAST_MS 5

static struct metric handled = METRIC_COUNTER("millrace_keeper_handled_total",
                                              "Rows that a duty of the keeper handled.", "duty");
static struct metric failures =
	METRIC_COUNTER("millrace_keeper_failures_total", "Runs of a duty that failed.", "duty");
static atomic_bool ready;

struct duty_state {
	struct turn turn;
	int64_t due_ms;
	bool failing; /* said so already */
};

struct keeper {
	const struct keeper_conf *conf; /* borrowed */
	struct db *db;                  /* owned; NULL or broken: open again */
	struct duty_state *state;       /* owned; one for each duty */
};

bool
keeper_ready(void *unused)
{
	(void)unused;
	return atomic_load(&ready);
}

static void
tell(const struct keeper *k, enum log_level level, const char *event, const char *what,
     const struct fault *f)
{
	const struct log_ctx ctx = { .worker = k->conf->name, .fault = f };
	log_event(&ctx, level, event, "%s", what);
}

static void
report_away(const struct fault *f, void *arg)
{
	tell(arg, LOG_WARN_, "database away", "trying again", f);
}

static enum rc
connect_keeper(struct keeper *k, struct fault *f)
{
	atomic_store(&ready, false);
	db_close(k->db);
	k->db = db_open_patient(k->conf->database_url, k->conf->name, report_away, k, f);
	if (!k->db)
		return f->rc;
	db_set_deadline_ms(k->db, CALL_MS);
	/* Who was cut off may have been so together with all others: they get the time to come
	 * back. rescue_workers has the same rule for the server's side, which a pooler may have
	 * kept. */
	for (size_t i = 0; i < duties_count; i++)
		if (duties[i].waits)
			k->state[i].due_ms = clock_mono_ms() + k->conf->silent_ms;
	tell(k, LOG_INFO_, "connected", "to the database", NULL);
	return RC_OK;
}

/* The migration job may run after us; its schema must be one that we know. */
static enum rc
await_schema(struct keeper *k, struct fault *f)
{
	for (bool told = false;; told = true) {
		*f = (struct fault){ 0 };
		enum rc rc = RC_OK;
		if (!k->db || db_broken(k->db))
			rc = connect_keeper(k, f);
		if (rc == RC_OK)
			rc = migrate_check(k->db, sql_files, sql_files_count, f);
		if (rc != RC_RETRY)
			return rc;
		if (!told)
			tell(k, LOG_WARN_, "database not ready", "trying again", f);
		if (stop_wait_ms(AGAIN_MS))
			return fault_set(f, RC_STOP, "asked to stop");
	}
}

static void
note_failure(struct keeper *k, size_t i, const struct fault *f)
{
	metric_add(&failures, duties[i].name, 1);
	if (!k->state[i].failing)
		tell(k, LOG_ERROR_, "duty failed", duties[i].name, f);
	k->state[i].failing = true;
}

static void
note_success(struct keeper *k, size_t i, int64_t n)
{
	if (k->state[i].failing)
		tell(k, LOG_INFO_, "duty works again", duties[i].name, NULL);
	k->state[i].failing = false;
	metric_add(&handled, duties[i].name, (double)n);
	if (n > 0) {
		const struct log_ctx ctx = { .worker = k->conf->name };
		log_event(&ctx, LOG_DEBUG_, "duty done", "%s handled=%lld", duties[i].name,
		          (long long)n);
	}
}

static void
run_duty(struct keeper *k, size_t i)
{
	struct fault f = { 0 };
	struct turn *t = &k->state[i].turn;
	t->done = 0;
	t->next_ms = duties[i].period_ms;
	if (duties[i].run(k->db, k->conf, t, &f) == RC_OK)
		note_success(k, i, t->done);
	else
		note_failure(k, i, &f);
	if (t->next_ms > duties[i].period_ms)
		t->next_ms = duties[i].period_ms;
	t->waited_ms = t->next_ms < LEAST_MS ? LEAST_MS : t->next_ms;
	k->state[i].due_ms = clock_mono_ms() + t->waited_ms;
}

/* Runs what is due; how long until the next is. */
static int64_t
run_due(struct keeper *k)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < duties_count && !db_broken(k->db); i++) {
		if (k->state[i].due_ms <= clock_mono_ms())
			run_duty(k, i);
		if (k->state[i].due_ms < next)
			next = k->state[i].due_ms;
	}
	int64_t wait = next - clock_mono_ms();
	return wait < 0 ? 0 : wait > AGAIN_MS ? AGAIN_MS : wait;
}

static void
keep_until_stop(struct keeper *k)
{
	struct fault f = { 0 };
	while (!stop_requested()) {
		if (!k->db || db_broken(k->db)) {
			enum rc rc = connect_keeper(k, &f);
			/* Whoever ran once does not give up over what somebody may mend. */
			if (rc != RC_OK && rc != RC_STOP)
				tell(k, LOG_ERROR_, "cannot connect", "trying again", &f);
			if (rc != RC_OK && stop_wait_ms(AGAIN_MS))
				return;
			continue;
		}
		atomic_store(&ready, true);
		if (stop_wait_ms(run_due(k)))
			return;
	}
}

enum rc
keeper_run(const struct keeper_conf *c, struct fault *f)
{
	struct keeper k = { .conf = c, .state = calloc(duties_count, sizeof *k.state) };
	if (!k.state)
		abort();
	enum rc rc = await_schema(&k, f);
	if (rc == RC_OK)
		keep_until_stop(&k);
	atomic_store(&ready, false);
	db_close(k.db);
	free(k.state);
	return rc;
}
