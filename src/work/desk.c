/* desk.c -- the worker's thread that talks to the queue: connection, heartbeat, claim, sleep. */
#include "work/desk.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "db/db.h"
#include "db/migrate.h"
#include "base/banned.h"

#define BEAT_MS 3000
/* After a claim: the stored mark follows, so that the sweep sees soon what the claim passed by. */
#define MARK_MS 1000
/* With an ear for notifications, in case that one got lost. */
#define LOOK_MS 10000
/* A call that takes longer would cost us our tickets: the connection is given up before that. */
#define CALL_MS 8000
/* Without an ear for notifications. */
#define POLL_MS 1000
/* What was given back because its result is refused comes again at once: not in a circle. */
#define REFUSED_MS 1000
/* While looking without having been called finds something: who is on call does not come. */
#define DISTRUST_LOOK_MS 500
#define DISTRUST_MS 60000
/* Twice something to do within so long: it pays to look again instead of sleeping and being called.
 */
#define BRISK_MS 6
#define WATCH_STEP_MS 2
/* When another is on call. */
#define WATCH_AGAIN_MS 100
#define BATCH_ARENA_MAX (256 * 1024 * 1024)

void
desk_free(struct desk *d)
{
	if (!d)
		return;
	sleeper_free(d->sleeper);
	session_free(d->session);
	db_close(d->db);
	free(d->finished);
	free(d);
}

struct desk *
desk_new(const struct worker_conf *c, struct slots *s)
{
	struct desk *d = calloc(1, sizeof *d);
	struct work **finished = calloc(slots_count(s), sizeof(struct work *));
	if (!d || !finished)
		abort();
	d->conf = c;
	d->slots = s;
	d->finished = finished;
	d->fresh = true;
	d->look_ms = LOOK_MS;
	return d;
}

static void
log_fault(const struct desk *d, const char *event, const char *what, const struct fault *f)
{
	const struct log_ctx ctx = { .worker = d->conf->name, .fault = f };
	log_event(&ctx, LOG_WARN_, event, "%s", what);
}

void
desk_failed(struct desk *d, const char *what, const struct fault *f)
{
	static const struct backoff backoff = { .base_ms = 200, .cap_ms = 5000 };
	log_fault(d, "database call failed", what, f);
	if (f->rc == RC_LOST)
		d->lost = true;
	else if (!db_broken(d->db))
		d->pause_ms = clock_mono_ms() + backoff_ms(&backoff, ++d->pauses, backoff_seed());
}

bool
desk_connected(const struct desk *d)
{
	return d->db && !db_broken(d->db) && d->session && !d->lost;
}

static void
report_away(const struct fault *f, void *arg)
{
	log_fault(arg, "database away", "trying again", f);
}

static enum rc
open_db(struct desk *d, bool patient, struct fault *f)
{
	db_close(d->db);
	d->db = patient ? db_open_patient(d->conf->database_url, d->conf->name, report_away, d, f)
	                : db_open(d->conf->database_url, d->conf->name, f);
	if (!d->db)
		return f->rc;
	db_set_deadline_ms(d->db, CALL_MS);
	return RC_OK;
}

static enum rc
open_session(struct desk *d, struct fault *f)
{
	const struct worker_conf *c = d->conf;
	enum rc rc = migrate_check(d->db, sql_files, sql_files_count, f);
	if (rc != RC_OK)
		return rc;
	const struct session_conf sc = { .worker = c->name,
		                         .host = c->host,
		                         .version = c->version,
		                         .kinds = c->kinds,
		                         .kind_count = c->kind_count,
		                         .slots = c->slots };
	d->session = session_open(d->db, &sc, f);
	if (!d->session)
		return f->rc;
	d->sleeper =
		sleeper_new(c->listen_url ? c->listen_url : c->database_url, c->name, d->session);
	return RC_OK;
}

static void
give_up(struct work *w)
{
	w->lost = true;
	if (w->running)
		slots_cancel(w);
}

/* Asks which of the tickets at hand are still ours. */
static enum rc
reopen_session(struct desk *d, struct fault *f)
{
	size_t count = slots_count(d->slots), n = 0;
	struct ticket *held = calloc(count, sizeof *held);
	struct work **works = calloc(count, sizeof(struct work *));
	bool *kept = calloc(count, sizeof *kept);
	if (!held || !works || !kept)
		abort();
	for (size_t i = 0; i < count; i++) {
		struct work *w = slots_work(d->slots, i);
		if (w->batch && !w->lost) {
			held[n] = w->ticket;
			works[n++] = w;
		}
	}
	enum rc rc = session_reopen(d->session, d->db, held, n, kept, f);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		works[i]->ticket = held[i];
		if (!kept[i])
			give_up(works[i]);
	}
	free(held);
	free(works);
	free(kept);
	return rc;
}

static enum rc
connect_once(struct desk *d, bool patient, struct fault *f)
{
	enum rc rc = d->db && !db_broken(d->db) ? RC_OK : open_db(d, patient, f);
	if (rc == RC_OK)
		rc = d->session ? reopen_session(d, f) : open_session(d, f);
	if (rc != RC_OK)
		return rc;
	d->lost = false;
	d->fresh = true;
	d->pauses = 0;
	d->pause_ms = d->refused ? clock_mono_ms() + REFUSED_MS : 0;
	d->refused = false;
	d->beat_ms = clock_mono_ms() + BEAT_MS;
	log_event(&(struct log_ctx){ .worker = d->conf->name }, LOG_INFO_, "connected",
	          "session=%lld", (long long)session_number(d->session));
	return RC_OK;
}

enum rc
desk_connect(struct desk *d, bool patient, struct fault *f)
{
	static const struct backoff backoff = { .base_ms = 200, .cap_ms = 5000 };
	const bool first = !d->session;
	for (int tries = 1;; tries++) {
		*f = (struct fault){ 0 };
		enum rc rc = connect_once(d, patient, f);
		if (rc == RC_OK || rc == RC_STOP)
			return rc;
		/* A worker that once ran does not give up over what somebody may mend. */
		if (!patient || (first && rc != RC_RETRY && rc != RC_LOST))
			return rc;
		log_fault(d, "database not ready", "trying again", f);
		if (stop_wait_ms(backoff_ms(&backoff, tries, backoff_seed())))
			return fault_set(f, RC_STOP, "asked to stop");
	}
}

void
desk_collect(struct desk *d)
{
	d->finished_n += slots_take(d->slots, d->finished + d->finished_n,
	                            slots_count(d->slots) - d->finished_n);
}

bool
desk_report(struct desk *d)
{
	struct fault f = { 0 };
	int64_t now = clock_mono_ms();
	if (now < d->pause_ms)
		return false;
	if (now >= d->beat_ms) {
		if (session_heartbeat(d->session, d->db, &f) != RC_OK) {
			desk_failed(d, "heartbeat", &f);
			return false;
		}
		d->beat_ms = now + BEAT_MS;
	}
	if (!record_finished(d))
		return false;
	d->pauses = 0;
	return true;
}

/* Claims up to limit of one kind; how many came, or -1. */
static long
claim_kind(struct desk *d, size_t kind, size_t limit)
{
	struct fault f = { 0 };
	struct job *jobs;
	size_t n;
	struct arena *a = arena_new(BATCH_ARENA_MAX);
	struct batch *b = calloc(1, sizeof *b);
	if (!a || !b)
		abort();
	enum rc rc = job_claim(d->session, d->db, kind, limit, d->fresh, a, &jobs, &n, &f);
	if (rc != RC_OK)
		desk_failed(d, "claiming jobs", &f);
	if (rc != RC_OK || n == 0) {
		arena_free(a);
		free(b);
		return rc == RC_OK ? 0 : -1;
	}
	if (d->beat_ms > clock_mono_ms() + MARK_MS)
		d->beat_ms = clock_mono_ms() + MARK_MS;
	b->arena = a;
	KEPT(b);
	for (size_t i = 0; i < n; i++) {
		struct work *w = slots_bind(d->slots, b, &jobs[i]);
		if (!w)
			abort(); /* more jobs than were asked for */
		slots_give(d->slots, w);
	}
	return (long)n;
}

static void
stir(struct desk *d)
{
	d->stir_ms[1] = d->stir_ms[0];
	d->stir_ms[0] = clock_mono_ms();
}

/* Keeps the watch, or takes it if jobs come fast and it can be had: then this one looks again in a
 * moment, and all others are left asleep. */
static bool
keep_watch(struct desk *d)
{
	int64_t now = clock_mono_ms();
	if (now - d->stir_ms[1] >= BRISK_MS || now < d->watch_ms)
		return false;
	if (sleeper_watch(d->sleeper))
		return true;
	d->watch_ms = now + WATCH_AGAIN_MS;
	return false;
}

/* Each kind gets its share of the idle slots first; what a kind leaves goes to the next ones. */
size_t
desk_claim(struct desk *d)
{
	const size_t kinds = d->conf->kind_count;
	/* Nobody's turn passes while there is nothing to give. */
	if (kinds == 0 || slots_idle(d->slots) == 0)
		return 0;
	size_t sum = 0;
	assert(kinds > 0);
	bool more = true;
	for (int round = 0; round < 2 && more; round++) {
		more = false;
		for (size_t i = 0; i < kinds && slots_idle(d->slots) > 0; i++) {
			size_t idle = slots_idle(d->slots), left = kinds - i;
			size_t limit = round == 0 ? (idle + left - 1) / left : idle;
			long n = claim_kind(d, (d->next_kind + i) % kinds, limit);
			if (n < 0)
				return sum;
			more = more || (size_t)n == limit;
			sum += (size_t)n;
		}
	}
	d->next_kind = (d->next_kind + 1) % kinds;
	d->fresh = false;
	if (sum > 0) {
		d->called = false;
		sleeper_modest(d->sleeper, false);
		stir(d);
		keep_watch(d);
	}
	return sum;
}

void
desk_wait(struct desk *d, int64_t ms)
{
	struct pollfd p = { .fd = slots_fd(d->slots), .events = POLLIN };
	if (ms > 0 && poll(&p, 1, (int)ms) < 0)
		return; /* a signal: the caller looks round anyway */
}

static int64_t
until(int64_t when, int64_t at_most)
{
	int64_t ms = when - clock_mono_ms();
	return ms < 0 ? 0 : ms > at_most ? at_most : ms;
}

static void
sleep_for_slot(struct desk *d, int64_t ms)
{
	struct pollfd p[] = { { .fd = slots_fd(d->slots), .events = POLLIN },
		              { .fd = stop_fd(), .events = POLLIN } };
	if (ms > 0 && poll(p, ARRAY_LEN(p), (int)ms) < 0)
		return;
}

/* Until somebody calls, a slot comes home, or a look round finds something. Heartbeats go on: they
 * are no reason to get up. */
static void
doze(struct desk *d, int64_t look_ms)
{
	int64_t next_look_ms = clock_mono_ms() + look_ms;
	for (;;) {
		int64_t next_ms = next_look_ms < d->beat_ms ? next_look_ms : d->beat_ms;
		if (sleeper_wait(d->sleeper, slots_fd(d->slots), until(next_ms, look_ms))) {
			d->called = sleeper_called(d->sleeper);
			stir(d);
			return;
		}
		if (!desk_report(d) || !desk_connected(d))
			return;
		if (clock_mono_ms() < next_look_ms)
			continue;
		d->fresh = true;
		size_t n = desk_claim(d);
		if (n > 0)
			sleeper_distrust(d->sleeper, DISTRUST_MS);
		d->look_ms = n > 0 ? DISTRUST_LOOK_MS : LOOK_MS;
		if (n > 0 || !desk_connected(d))
			return;
		next_look_ms = clock_mono_ms() + d->look_ms;
	}
}

void
desk_last_claim(struct desk *d)
{
	if (d->sleeper)
		sleeper_awake(d->sleeper);
}

void
desk_sleep(struct desk *d)
{
	struct fault f = { 0 };
	if (!desk_connected(d) || clock_mono_ms() < d->pause_ms) {
		desk_last_claim(d);
		sleep_for_slot(d, until(d->pause_ms, POLL_MS));
		return;
	}
	if (slots_idle(d->slots) == 0) {
		desk_last_claim(d);
		sleep_for_slot(d, until(d->beat_ms, BEAT_MS));
		return;
	}
	/* In vain: perhaps it may not claim, for what it holds. Then somebody else is to come. */
	bool holds = slots_idle(d->slots) < slots_count(d->slots);
	if ((d->called && holds) || !holds)
		sleeper_modest(d->sleeper, holds);
	d->called = false;
	if (keep_watch(d)) {
		sleep_for_slot(d, WATCH_STEP_MS);
		d->fresh = true;
		return;
	}
	bool hears = sleeper_ready(d->sleeper, &f) == RC_OK;
	if (!hears && !d->poor_ear)
		log_fault(d, "cannot listen", "polling instead", &f);
	d->poor_ear = !hears;
	d->fresh = true;
	if (desk_claim(d) == 0 && desk_connected(d))
		doze(d, hears ? d->look_ms : POLL_MS);
	d->fresh = true;
}

void
desk_close(struct desk *d)
{
	struct fault f = { 0 };
	if (desk_connected(d) && session_close(d->session, d->db, &f) != RC_OK)
		log_fault(d, "session not closed", "the keeper will rescue what it holds", &f);
}
