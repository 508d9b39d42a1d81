/* wake.c -- how soon a sleeping worker has a lone job: from the call that makes its ticket to the
 * claim's return. */
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
	const struct job_result result = {
		.ticket = jobs[0].ticket,
		.outcome = JOB_DONE,
		.delay_ms = -1,
		.cpu_ms = -1,
		.rss_kb = -1,
		.bytes_in = -1,
		.bytes_out = -1,
	};
	enum job_verdict verdict = VERDICT_STALE;
	BENCH_OK(job_finish(w->session, w->db, &result, 1, &verdict, &f), &f);
	if (verdict != VERDICT_ACCEPTED)
		BENCH_FAIL("a finish was not accepted: verdict %d", (int)verdict);
	sem_post(&w->claimed);
	return true;
}

static void *
serve(void *arg)
{
	struct waker *w = arg;
	struct fault f = { 0 };
	int64_t beat_ms = clock_mono_ms();
	while (!stop_requested()) {
		if (serve_one(w, false))
			continue;
		BENCH_OK(sleeper_ready(w->sleeper, &f), &f);
		if (!serve_one(w, true))
			sleeper_wait(w->sleeper, -1, 1000);
		sleeper_awake(w->sleeper);
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

void
wake_run(size_t samples)
{
	struct waker w = { .db = bench_open(), .arena = arena_new(64u << 20) };
	int64_t *us = calloc(samples, sizeof(us[0]));
	int64_t *call_us = calloc(samples, sizeof(call_us[0]));
	pthread_t thread;
	w.session = bench_session(w.db, BENCH_KIND, 1);
	w.sleeper = sleeper_new(NULL, "bench", w.session);
	if (!us || !call_us || !w.arena || !w.sleeper || sem_init(&w.claimed, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, serve, &w) != 0)
		BENCH_FAIL("out of memory");

	struct filler *fl = filler_new();
	for (size_t i = 0; i < samples; i++) {
		filler_accept(fl, 1);
		if (filler_claim(fl) != 1)
			BENCH_FAIL("the upload was not there to be routed");
		settle(i);
		int64_t start_us = clock_mono_us();
		filler_expand(fl, 0);
		call_us[i] = clock_mono_us() - start_us;
		wait_claimed(&w);
		us[i] = atomic_load(&w.claimed_us) - start_us;
	}
	stop_request();
	pthread_join(thread, NULL);
	quantiles_print("wake", us, samples);
	quantiles_print("enqueue", call_us, samples);
	filler_free(fl);
	sleeper_free(w.sleeper);
	session_free(w.session);
	db_close(w.db);
	arena_free(w.arena);
	free(us);
	free(call_us);
}
