/* wake.c -- how soon a sleeping worker has a lone job: from the call that makes its ticket, or that
 * finishes what it waited for, to the claim's return. */
#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/stop.h"
#include "queue/job.h"
#include "quantiles.h"
#include "base/banned.h"

struct waker {
	sem_t claimed;
	atomic_llong claimed_us;
	struct db *db;
	struct session *session;
	struct sleeper *sleeper;
	struct arena *arena;
};

/* Finishes one job: an upload of one step is ready, of a chain goes on. */
static void
finish_one(struct session *s, struct db *db, const struct job *job)
{
	struct fault f = { 0 };
	const struct job_result result = {
		.ticket = job->ticket,
		.outcome = JOB_DONE,
		.delay_ms = -1,
		.cpu_ms = -1,
		.rss_kb = -1,
		.bytes_in = -1,
		.bytes_out = -1,
	};
	enum job_verdict verdict = VERDICT_STALE;
	BENCH_OK(job_finish(s, db, &result, 1, &verdict, &f), &f);
	if (verdict != VERDICT_ACCEPTED)
		BENCH_FAIL("a finish was not accepted: verdict %d", (int)verdict);
}

/* True when a job was there: its time is noted before it is finished. */
static bool
serve_one(struct waker *w, bool fresh)
{
	struct fault f = { 0 };
	struct job *jobs = NULL;
	size_t n = 0;
	arena_reset(w->arena);
	BENCH_OK(job_claim(w->session, w->db, 0, 1, fresh, w->arena, &jobs, &n, &f), &f);
	if (n == 0)
		return false;
	atomic_store(&w->claimed_us, clock_mono_us());
	finish_one(w->session, w->db, &jobs[0]);
	sem_post(&w->claimed);
	return true;
}

static void *
serve(void *arg)
{
	struct waker *w = arg;
	struct fault f = { 0 };
	int64_t beat_ms = clock_mono_ms();
	for (bool fresh = false; !stop_requested();) {
		if (serve_one(w, fresh)) {
			fresh = false;
			continue;
		}
		BENCH_OK(sleeper_ready(w->sleeper, &f), &f);
		if (!serve_one(w, true))
			sleeper_wait(w->sleeper, -1, 1000);
		fresh = true;
		if (clock_mono_ms() - beat_ms > 3000) {
			BENCH_OK(session_heartbeat(w->session, w->db, &f), &f);
			beat_ms = clock_mono_ms();
		}
	}
	return NULL;
}

static void
wait_claimed(struct waker *w)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	if (sem_timedwait(&w->claimed, &until) != 0)
		BENCH_FAIL("the job was not claimed within 10 s");
}

/* Between two samples everybody goes to sleep again, at no fixed phase of anything. */
static void
settle(size_t i)
{
	(void)poll(NULL, 0, (int)(20 + i * 7 % 13));
}

/* Who holds what the sleeper's job waits for. */
struct holder {
	struct db *db;
	struct session *session;
	struct arena *arena;
	int64_t beat_ms;
	struct job *jobs;
};

static struct holder
holder_new(void)
{
	struct holder h = { .db = bench_open(), .arena = arena_new(64u << 20) };
	if (!h.arena)
		BENCH_FAIL("out of memory");
	h.session = bench_session(h.db, BENCH_KIND, 1);
	return h;
}

static void
holder_claim(struct holder *h)
{
	struct fault f = { 0 };
	size_t n = 0;
	arena_reset(h->arena);
	if (clock_mono_ms() - h->beat_ms > 3000) {
		BENCH_OK(session_heartbeat(h->session, h->db, &f), &f);
		h->beat_ms = clock_mono_ms();
	}
	BENCH_OK(job_claim(h->session, h->db, 0, 1, true, h->arena, &h->jobs, &n, &f), &f);
	if (n != 1)
		BENCH_FAIL("the first job of the chain was not there");
}

static void
holder_free(struct holder *h)
{
	session_free(h->session);
	db_close(h->db);
	arena_free(h->arena);
}

/* Beats now and then: whole runs last longer than a silent session lives. */
static void
open_upload(struct filler *fl, int64_t *beat_ms)
{
	struct fault f = { 0 };
	if (clock_mono_ms() - *beat_ms > 3000) {
		BENCH_OK(filler_heartbeat(fl, &f), &f);
		*beat_ms = clock_mono_ms();
	}
	filler_accept(fl, 1);
	if (filler_claim(fl) != 1)
		BENCH_FAIL("the upload was not there to be routed");
}

/* The call that makes a ticket for the sleeper; how long it took is one sample. */
static int64_t
sample(struct filler *fl, struct holder *h, size_t i, int64_t *beat_ms, int64_t *ret_start_us)
{
	open_upload(fl, beat_ms);
	if (h) {
		filler_expand(fl, 2);
		holder_claim(h);
	}
	settle(i);
	*ret_start_us = clock_mono_us();
	if (h)
		finish_one(h->session, h->db, &h->jobs[0]);
	else
		filler_expand(fl, 0);
	return clock_mono_us() - *ret_start_us;
}

void
wake_run(size_t samples, bool unblock)
{
	struct waker w = { .db = bench_open(), .arena = arena_new(64u << 20) };
	struct filler *fl = filler_new(0);
	struct holder held = { 0 }, *h = unblock ? &held : NULL;
	int64_t *us = calloc(samples, sizeof(us[0]));
	int64_t *call_us = calloc(samples, sizeof(call_us[0]));
	pthread_t thread;
	if (h)
		*h = holder_new();
	w.session = bench_session(w.db, unblock ? BENCH_SECOND_KIND : BENCH_KIND, 1);
	w.sleeper = sleeper_new(NULL, "bench", w.session);
	if (!us || !call_us || !w.arena || !w.sleeper || sem_init(&w.claimed, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, serve, &w) != 0)
		BENCH_FAIL("out of memory");

	int64_t beat_ms = clock_mono_ms();
	for (size_t i = 0; i < samples; i++) {
		int64_t start_us = 0;
		call_us[i] = sample(fl, h, i, &beat_ms, &start_us);
		wait_claimed(&w);
		us[i] = atomic_load(&w.claimed_us) - start_us;
	}
	stop_request();
	pthread_join(thread, NULL);
	quantiles_print("wake", us, samples);
	quantiles_print("call", call_us, samples);
	filler_free(fl);
	if (h)
		holder_free(h);
	sleeper_free(w.sleeper);
	session_free(w.session);
	db_close(w.db);
	arena_free(w.arena);
	free(us);
	free(call_us);
}
