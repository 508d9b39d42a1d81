/* router.c -- turns accepted uploads into jobs by the pipeline file. */
#include "route/router.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "db/db.h"
#include "queue/session.h"
#include "route/tray.h"
#include "route/watch.h"
#include "base/banned.h"

#define APP "millrace route"
#define CALL_MS 6000 /* with the heartbeat's 3 s less than the silence that makes us lost */
#define BEAT_MS 3000
/* After a claim: the stored mark follows, so that the sweep sees soon what the claim passed by. */
#define MARK_MS 1000
#define LOOK_MS 1000 /* between looks at the pipeline file */
#define POLL_MS 500  /* between claims when nothing can wake us */
#define PAUSE_MS 200 /* after a failure that is not the connection's */
/* So many in a row, and nobody need call us for what comes. */
#define BUSY_TURNS 2
#define READER_THREADS 8

struct router {
	const struct router_conf *conf;
	struct db *db;           /* owned */
	struct session *session; /* owned */
	struct sleeper *sleeper; /* owned */
	struct readers *readers; /* owned */
	struct watch watch;
	struct tray tray;
	int64_t next_beat_ms, next_look_ms;
	int busy;    /* claims that found something since then */
	bool asleep; /* sleeper_ready was called and nothing was found since */
	bool fresh;
};

static atomic_bool ready;

bool
router_ready(void *arg)
{
	(void)arg;
	return atomic_load(&ready) && !stop_requested();
}

static void
report_away(const struct fault *f, void *arg)
{
	(void)arg;
	struct log_ctx ctx = { .fault = f };
	log_event(&ctx, LOG_WARN_, "database away", NULL);
}

static enum rc
connect_database(struct router *r, struct fault *f)
{
	db_close(r->db);
	r->db = db_open_patient(r->conf->database_url, APP, report_away, NULL, f);
	if (!r->db)
		return f->rc;
	db_set_deadline_ms(r->db, CALL_MS);
	return RC_OK;
}

static void
report_problems(const struct router *r, const struct pipeline_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		log_error("pipeline refused", "%s: %s%s%s", r->conf->pipeline,
		          problems->items[i].path, problems->items[i].path[0] ? ": " : "",
		          problems->items[i].message);
}

static void
report_warnings(const struct router *r)
{
	const struct pipeline_problems *w = &r->watch.current->warnings;
	for (size_t i = 0; i < w->count; i++)
		log_warn("pipeline warning", "%s: %s: %s", r->conf->pipeline, w->items[i].path,
		         w->items[i].message);
}

static enum rc
look_at_pipeline(struct router *r, struct fault *f)
{
	struct pipeline_problems problems = { 0 };
	enum rc rc = RC_OK;
	switch (watch_look(&r->watch, r->db, &problems, f)) {
	case WATCH_SAME:
		break;
	case WATCH_CHANGED:
		log_info("pipeline", "%s is version %d, %zu rules", r->conf->pipeline,
		         r->watch.number, r->watch.current->rule_count);
		report_warnings(r);
		break;
	case WATCH_REFUSED:
		report_problems(r, &problems);
		if (!r->watch.current)
			rc = fault_set(f, RC_PERMANENT, "%s: %s%s%s", r->conf->pipeline,
			               problems.items[0].path,
			               problems.items[0].path[0] ? ": " : "",
			               problems.items[0].message);
		break;
	case WATCH_FAULT:
		rc = f->rc;
		break;
	}
	pipeline_problems_free(&problems);
	r->next_look_ms = clock_mono_ms() + LOOK_MS;
	return rc;
}

static enum rc
open_session(struct router *r, struct fault *f)
{
	static const char *const kinds[] = { "route" };
	struct session_conf c = { .worker = r->conf->name,
		                  .host = r->conf->host,
		                  .version = r->conf->version,
		                  .kinds = kinds,
		                  .kind_count = 1,
		                  .slots = TRAY_MAX };
	if (!r->session)
		r->session = session_open(r->db, &c, f);
	if (!r->session)
		return f->rc;
	r->next_beat_ms = clock_mono_ms() + BEAT_MS;
	const char *url = r->conf->listen_url ? r->conf->listen_url : r->conf->database_url;
	r->sleeper = sleeper_new(url, APP " (listen)", r->session);
	return r->sleeper ? RC_OK : fault_set(f, RC_RETRY, "out of memory for a sleeper");
}

static enum rc
beat(struct router *r, struct fault *f)
{
	if (clock_mono_ms() < r->next_beat_ms)
		return RC_OK;
	r->next_beat_ms = clock_mono_ms() + BEAT_MS;
	return session_heartbeat(r->session, r->db, f);
}

static int64_t
until_next_duty(const struct router *r)
{
	int64_t next = r->next_beat_ms < r->next_look_ms ? r->next_beat_ms : r->next_look_ms;
	int64_t wait = next - clock_mono_ms();
	return wait > 0 ? wait : 0;
}

static void
wait_for_readers(struct router *r)
{
	struct pollfd fds[] = { { .fd = readers_fd(r->readers), .events = POLLIN },
		                { .fd = stop_fd(), .events = POLLIN } };
	poll(fds, ARRAY_LEN(fds), (int)until_next_duty(r));
}

/* First shows that it sleeps, then claims once more, then sleeps: what comes in between wakes it.
 */
static void
rest(struct router *r)
{
	struct fault f = { 0 };
	int64_t wait = until_next_duty(r);
	if (!r->asleep && sleeper_ready(r->sleeper, &f) == RC_OK) {
		r->asleep = r->fresh = true;
		r->busy = 0;
		return;
	}
	if (!r->asleep && wait > POLL_MS)
		wait = POLL_MS;
	sleeper_wait(r->sleeper, readers_fd(r->readers), wait);
	r->asleep = false;
	r->fresh = true;
}

static enum rc
hand_in(struct router *r, size_t *ret_n, struct fault *f)
{
	tray_collect(r->readers);
	return tray_expand(&r->tray, r->session, r->db, ret_n, f);
}

static enum rc
turn(struct router *r, struct fault *f)
{
	size_t done = 0, claimed = 0, more = 0;
	enum rc rc = beat(r, f);
	if (rc == RC_OK && clock_mono_ms() >= r->next_look_ms)
		rc = look_at_pipeline(r, f);
	if (rc == RC_OK)
		rc = hand_in(r, &done, f);
	if (rc == RC_OK && r->tray.n >= TRAY_MAX) {
		wait_for_readers(r);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = tray_claim(&r->tray, r->session, r->db, r->watch.current, r->watch.number,
		                &r->conf->limits, r->readers, r->fresh, &claimed, f);
	if (rc == RC_OK)
		rc = hand_in(r, &more, f);
	if (rc != RC_OK)
		return rc;
	r->fresh = false;
	if (claimed > 0 && r->next_beat_ms > clock_mono_ms() + MARK_MS)
		r->next_beat_ms = clock_mono_ms() + MARK_MS;
	if (claimed > 0 && ++r->busy == BUSY_TURNS) {
		sleeper_awake(r->sleeper);
		r->asleep = false;
	}
	if (claimed == 0 && done == 0)
		rest(r);
	return RC_OK;
}

/* What may pass is waited for here; the rest is the caller's. */
static enum rc
recover(struct router *r, struct fault *f)
{
	struct log_ctx ctx = { .fault = f };
	bool must_reopen = f->rc == RC_LOST;
	log_event(&ctx, LOG_WARN_, "routing interrupted", NULL);
	for (enum rc rc = f->rc; rc != RC_OK;) {
		if (rc != RC_RETRY && rc != RC_LOST)
			return rc;
		if (!db_broken(r->db) && stop_wait_ms(PAUSE_MS))
			return fault_set(f, RC_STOP, "stopped while the database was away");
		rc = RC_OK;
		if (db_broken(r->db)) {
			must_reopen = true;
			atomic_store(&ready, false);
			rc = connect_database(r, f);
		}
		if (rc == RC_OK && must_reopen)
			rc = tray_reopen(&r->tray, r->session, r->db, f);
	}
	r->next_beat_ms = clock_mono_ms() + BEAT_MS;
	atomic_store(&ready, true);
	return RC_OK;
}

static enum rc
loop(struct router *r, struct fault *f)
{
	while (!stop_requested()) {
		*f = (struct fault){ 0 };
		enum rc rc = turn(r, f);
		if (rc != RC_OK)
			rc = recover(r, f);
		if (rc == RC_STOP)
			break;
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* What is decided is handed in, what is not goes back at once. */
static void
drain(struct router *r)
{
	struct fault f = { 0 };
	size_t n = 0;
	readers_close(r->readers);
	tray_collect(r->readers);
	if (!r->db || db_broken(r->db) || hand_in(r, &n, &f) != RC_OK ||
	    session_close(r->session, r->db, &f) != RC_OK) {
		struct log_ctx ctx = { .fault = &f };
		log_event(&ctx, LOG_WARN_, "not handed back", "the keeper will rescue %zu uploads",
		          r->tray.n);
	}
}

static enum rc
start(struct router *r, struct fault *f)
{
	struct readers_conf readers = { .stores = r->conf->stores,
		                        .store_count = r->conf->store_count,
		                        .limits = &r->conf->limits,
		                        .threads = READER_THREADS,
		                        .capacity = 2 * TRAY_MAX };
	r->watch.file = r->conf->pipeline;
	if (connect_database(r, f) != RC_OK)
		return f->rc;
	/* A database that goes away just now is no reason to give up. */
	for (;;) {
		enum rc rc = look_at_pipeline(r, f);
		if (rc == RC_OK)
			rc = open_session(r, f);
		if (rc == RC_OK)
			break;
		if (rc != RC_RETRY || stop_wait_ms(PAUSE_MS))
			return rc;
		if (db_broken(r->db) && connect_database(r, f) != RC_OK)
			return f->rc;
	}
	r->readers = readers_start(&readers, f);
	return r->readers ? RC_OK : f->rc;
}

enum rc
router_run(const struct router_conf *c, struct fault *f)
{
	struct router *r = calloc(1, sizeof(*r));
	if (!r)
		return fault_set(f, RC_RETRY, "out of memory for the router");
	r->conf = c;
	r->fresh = true;
	enum rc rc = start(r, f);
	if (rc == RC_OK) {
		atomic_store(&ready, true);
		log_info("routing", "as %s", c->name);
		rc = loop(r, f);
		drain(r);
	}
	tray_clear(&r->tray);
	readers_free(r->readers);
	sleeper_free(r->sleeper);
	session_free(r->session);
	db_close(r->db);
	watch_free(&r->watch);
	free(r);
	return rc == RC_STOP ? RC_OK : rc;
}
