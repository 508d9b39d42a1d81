/* drain.c -- many sessions claim and finish no-ops in batches, once or in turn with a filler: the
 * queue alone, at full speed. */
#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "queue/job.h"
#include "base/banned.h"

#define NO_PROGRESS_MS 20000
#define IDLE_MS 5

struct drain {
	size_t batch, jobs;
	atomic_size_t done;
	atomic_llong last_us; /* when the last finish returned */
	atomic_bool stop;
	pthread_barrier_t start, end;
};

struct drainer {
	struct db *db;
	struct session *session;
	struct arena *arena;
	struct job_result *results;
	enum job_verdict *verdicts;
	int64_t beat_ms;
};

static void
drainer_setup(struct drainer *dr, size_t batch)
{
	dr->db = bench_open();
	dr->session = bench_session(dr->db, BENCH_KIND, (int)batch);
	dr->arena = arena_new(64u << 20);
	dr->results = calloc(batch, sizeof(dr->results[0]));
	dr->verdicts = calloc(batch, sizeof(dr->verdicts[0]));
	dr->beat_ms = clock_mono_ms();
	if (!dr->arena || !dr->results || !dr->verdicts)
		BENCH_FAIL("out of memory");
}

static void
drainer_end(struct drainer *dr)
{
	struct fault f = { 0 };
	BENCH_OK(session_close(dr->session, dr->db, &f), &f);
	session_free(dr->session);
	db_close(dr->db);
	arena_free(dr->arena);
	free(dr->results);
	free(dr->verdicts);
}

static size_t
claim_and_finish(struct drainer *dr, size_t batch)
{
	struct fault f = { 0 };
	struct job *jobs = NULL;
	size_t n = 0;
	arena_reset(dr->arena);
	BENCH_OK(job_claim(dr->session, dr->db, 0, batch, false, dr->arena, &jobs, &n, &f), &f);
	if (n == 0)
		BENCH_OK(job_claim(dr->session, dr->db, 0, batch, true, dr->arena, &jobs, &n, &f),
		         &f);
	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		dr->results[i] = (struct job_result){
			.ticket = jobs[i].ticket,
			.outcome = JOB_DONE,
			.delay_ms = -1,
			.cpu_ms = -1,
			.rss_kb = -1,
			.bytes_in = -1,
			.bytes_out = -1,
		};
	BENCH_OK(job_finish(dr->session, dr->db, dr->results, n, dr->verdicts, &f), &f);
	for (size_t i = 0; i < n; i++)
		if (dr->verdicts[i] != VERDICT_ACCEPTED)
			BENCH_FAIL("a finish was not accepted: verdict %d", (int)dr->verdicts[i]);
	return n;
}

static void
heartbeat(struct drainer *dr)
{
	struct fault f = { 0 };
	if (clock_mono_ms() - dr->beat_ms < 3000)
		return;
	BENCH_OK(session_heartbeat(dr->session, dr->db, &f), &f);
	dr->beat_ms = clock_mono_ms();
}

static void
drain_window(struct drain *d, struct drainer *dr)
{
	int64_t progress_ms = clock_mono_ms();
	while (atomic_load(&d->done) < d->jobs) {
		size_t n = claim_and_finish(dr, d->batch);
		if (n > 0) {
			atomic_fetch_add(&d->done, n);
			atomic_store(&d->last_us, clock_mono_us());
			progress_ms = clock_mono_ms();
		} else if (clock_mono_ms() - progress_ms > NO_PROGRESS_MS) {
			BENCH_FAIL("%zu of %zu jobs done, and no more come", atomic_load(&d->done),
			           d->jobs);
		} else {
			/* Where a worker would sleep: who is done must not slow the others. */
			(void)poll(NULL, 0, IDLE_MS);
		}
		heartbeat(dr);
	}
}

static void *
drain_thread(void *arg)
{
	struct drain *d = arg;
	struct drainer dr = { 0 };
	drainer_setup(&dr, d->batch);
	for (;;) {
		pthread_barrier_wait(&d->start);
		if (atomic_load(&d->stop))
			break;
		drain_window(d, &dr);
		pthread_barrier_wait(&d->end);
	}
	drainer_end(&dr);
	return NULL;
}

static pthread_t *
start_threads(struct drain *d, int sessions)
{
	pthread_t *threads = calloc((size_t)sessions, sizeof(threads[0]));
	if (!threads || pthread_barrier_init(&d->start, NULL, (unsigned)sessions + 1) != 0 ||
	    pthread_barrier_init(&d->end, NULL, (unsigned)sessions + 1) != 0)
		BENCH_FAIL("out of memory");
	for (int i = 0; i < sessions; i++)
		if (pthread_create(&threads[i], NULL, drain_thread, d) != 0)
			BENCH_FAIL("cannot start a thread");
	return threads;
}

static void
end_threads(struct drain *d, pthread_t *threads, int sessions)
{
	atomic_store(&d->stop, true);
	pthread_barrier_wait(&d->start);
	for (int i = 0; i < sessions; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&d->start);
	pthread_barrier_destroy(&d->end);
	free(threads);
}

/* One window of all sessions; the seconds until its last finish returned. */
static double
run_window(struct drain *d, int64_t *ret_began_us)
{
	atomic_store(&d->done, 0);
	pthread_barrier_wait(&d->start);
	int64_t start_us = clock_mono_us();
	*ret_began_us = clock_wall_us();
	pthread_barrier_wait(&d->end);
	return (double)(atomic_load(&d->last_us) - start_us) / 1e6;
}

void
drain_run(int sessions, size_t batch, size_t jobs)
{
	struct drain d = { .batch = batch, .jobs = jobs };
	pthread_t *threads = start_threads(&d, sessions);
	int64_t began_us = 0;
	double seconds = run_window(&d, &began_us);
	size_t done = atomic_load(&d.done);
	end_threads(&d, threads, sessions);
	printf("jobs %zu\nseconds %.3f\njobs_per_s %.0f\nbegan_us %lld\n", done, seconds,
	       (double)done / seconds, (long long)began_us);
}

void
flow_run(struct filler *fl, int sessions, size_t batch, size_t jobs, int64_t seconds)
{
	struct drain d = { .batch = batch, .jobs = jobs };
	pthread_t *threads = start_threads(&d, sessions);
	int64_t start_ms = clock_mono_ms();
	while (clock_mono_ms() - start_ms < seconds * 1000) {
		filler_fill(fl, jobs / BENCH_JOBS_PER_UPLOAD);
		filler_rest(fl);
		int64_t began_us = 0;
		double took = run_window(&d, &began_us);
		printf("window %.1f %zu %.4f\n", (double)(clock_mono_ms() - start_ms) / 1e3,
		       atomic_load(&d.done), took);
		fflush(stdout);
	}
	end_threads(&d, threads, sessions);
}
