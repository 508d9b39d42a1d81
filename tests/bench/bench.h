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
struct filler *filler_new(void);
/* Accepts new uploads, none routed. */
void filler_accept(struct filler *fl, size_t uploads);
/* Claims what is to be routed, at most 500, and answers how many. */
size_t filler_claim(struct filler *fl);
/* Expands what was claimed: rule_no 0 makes one job of each, 1 makes BENCH_JOBS_PER_UPLOAD. */
void filler_expand(struct filler *fl, int16_t rule_no);
/* All of it: BENCH_JOBS_PER_UPLOAD due jobs per upload. */
void filler_fill(struct filler *fl, size_t uploads);
void filler_free(struct filler *fl);

/* sessions threads claim and finish batches until jobs are done; prints "jobs N", "seconds S". */
void drain_run(int sessions, size_t batch, size_t jobs);
/* One job at a time on an idle queue, a sleeping worker; prints quantiles of enqueue to claim in
 * ms. */
void wake_run(size_t samples);

#endif
