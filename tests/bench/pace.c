/* pace.c -- claims without an end, and jobs at a fixed rate. */
#include "bench.h"

#include <poll.h>

#include "base/clock.h"
#include "queue/job.h"
#include "quantiles.h"
#include "base/banned.h"

void
claim_run(size_t times, size_t batch)
{
	struct fault f = { 0 };
	struct db *db = bench_open();
	struct session *s = bench_session(db, BENCH_KIND, (int)batch);
	struct arena *a = arena_new(64u << 20);
	int64_t *us = calloc(times, sizeof(us[0]));
	if (!a || !us)
		BENCH_FAIL("out of memory");
	for (size_t i = 0; i < times; i++) {
		struct job *jobs = NULL;
		size_t n = 0;
		arena_reset(a);
		int64_t start_us = clock_mono_us();
		BENCH_OK(job_claim(s, db, 0, batch, false, a, &jobs, &n, &f), &f);
		us[i] = clock_mono_us() - start_us;
		if (n != batch)
			BENCH_FAIL("a claim gave %zu of %zu", n, batch);
	}
	quantiles_print("claim", us, times);
	session_free(s);
	db_close(db);
	arena_free(a);
	free(us);
}

/* What is due by now goes in one transaction, as the receiver and the router would. */
static size_t
catch_up(struct filler *fl, size_t made, size_t due, int16_t rule_no)
{
	if (due > made) {
		filler_accept(fl, due - made);
		while (made < due) {
			size_t n = filler_claim(fl);
			if (n == 0)
				BENCH_FAIL("an upload was not there to be routed");
			filler_expand(fl, rule_no);
			made += n;
		}
	}
	return made;
}

void
pace_run(int64_t rate, int64_t seconds, int16_t rule_no)
{
	struct fault f = { 0 };
	struct filler *fl = filler_new(0);
	size_t made = 0;
	int64_t start_us = clock_mono_us(), beat_ms = clock_mono_ms();
	for (;;) {
		int64_t past_us = clock_mono_us() - start_us;
		if (past_us > seconds * 1000000)
			past_us = seconds * 1000000;
		made = catch_up(fl, made, (size_t)(past_us * rate / 1000000), rule_no);
		if (past_us == seconds * 1000000)
			break;
		if (clock_mono_ms() - beat_ms > 3000) {
			BENCH_OK(filler_heartbeat(fl, &f), &f);
			beat_ms = clock_mono_ms();
		}
		(void)poll(NULL, 0, 2);
	}
	printf("uploads %zu\nseconds %.3f\n", made, (double)(clock_mono_us() - start_us) / 1e6);
	filler_free(fl);
}
