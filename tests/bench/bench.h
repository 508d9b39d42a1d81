/* bench.h -- the parts of the queue's bench driver. Each ends the process with a message when
 * anything fails. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "queue/session.h"

#define BENCH_KIND "noop"
#define BENCH_SECOND_KIND "second"
#define BENCH_JOBS_PER_UPLOAD 5

/* A measurement that goes wrong is no measurement. */
#define BENCH_FAIL(...)                                                                            \
	do {                                                                                       \
		fprintf(stderr, "bench: " __VA_ARGS__);                                            \
		fputc('\n', stderr);                                                               \
		exit(EXIT_FAILURE);                                                                \
	} while (0)
#define BENCH_OK(call, f)                                                                          \
	do {                                                                                       \
		if ((call) != RC_OK)                                                               \
			BENCH_FAIL("%s: %s", #call, (f)->message);                                 \
	} while (0)

struct db *bench_open(void);
struct session *bench_session(struct db *db, const char *kind, int slots);

/* Takes uploads in and routes them, so that tickets of BENCH_KIND are due. */
struct filler;
/* children 0: the standard pipeline; else one whose rule 0 makes so many jobs of an upload. */
struct filler *filler_new(size_t children);
/* Buckets are 1,000 groups: one has half of all uploads, the last 19 of a fill have one each. Rule
 * 1 as ever; group_limit 0: the kind has no limits. */
struct filler *filler_new_grouped(int group_limit);
/* Accepts new uploads, none routed. */
void filler_accept(struct filler *fl, size_t uploads);
/* Claims what is to be routed, at most 500, and answers how many. */
size_t filler_claim(struct filler *fl);
/* Expands what was claimed: rule_no 0 makes one job of each, 1 makes BENCH_JOBS_PER_UPLOAD, 2 one
 * of BENCH_KIND and after it one of BENCH_SECOND_KIND. */
void filler_expand(struct filler *fl, int16_t rule_no);
/* All of it: BENCH_JOBS_PER_UPLOAD due jobs per upload. */
void filler_fill(struct filler *fl, size_t uploads);
enum rc filler_heartbeat(struct filler *fl, struct fault *f);
/* Closes its session until the next fill: what takes longer than a lease does not end it. */
void filler_rest(struct filler *fl);
void filler_free(struct filler *fl);

/* sessions threads claim and finish batches until jobs are done; prints "jobs N", "seconds S". */
void drain_run(int sessions, size_t batch, size_t jobs);
/* In turn: so many jobs made by the filler, then drained, until the seconds are over; prints for
 * each drain "window END_S JOBS SECONDS". */
void flow_run(struct filler *fl, int sessions, size_t batch, size_t jobs, int64_t seconds);
/* One job at a time on an idle queue, a sleeping worker; prints quantiles in ms of enqueue to claim
 * ("wake"), or of the finish of one job to the claim of the one that waited for it ("unblock"). */
void wake_run(size_t samples, bool unblock);
/* Claims only, so many times; prints quantiles of one claim in ms. */
void claim_run(size_t times, size_t batch);
/* So many uploads a second, each expanded by the rule, whatever comes of them. */
void pace_run(int64_t rate, int64_t seconds, int16_t rule_no);

#endif
