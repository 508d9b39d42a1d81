/* desk.h -- the worker's thread that talks to the queue: what it holds and how it speaks. Private
 * to the worker. */
#ifndef WORK_DESK_H
#define WORK_DESK_H

#include "queue/session.h"
#include "work/slot.h"
#include "work/worker.h"

struct desk {
	const struct worker_conf *conf; /* borrowed */
	struct slots *slots;            /* borrowed */
	struct db *db;                  /* owned; NULL or broken: connect again */
	struct session *session;        /* owned; NULL before the first connection */
	struct sleeper *sleeper;        /* owned */
	bool lost;                      /* the session is void: reopen it */
	bool refused;                   /* for a result that the database does not take */
	bool fresh;             /* the next claim looks where commits may just have landed */
	bool poor_ear;          /* said that it cannot listen */
	bool called;            /* and nothing was claimed since */
	int64_t stir_ms[2];     /* when there was last something to do, and when before that */
	int64_t watch_ms;       /* when to try again to watch */
	int64_t look_ms;        /* how long it sleeps without a call */
	size_t next_kind;       /* who is asked first next time */
	int64_t beat_ms;        /* when the next heartbeat is due */
	int64_t pause_ms;       /* after a refusal: no call before then */
	int pauses;             /* in a row */
	struct work **finished; /* owned; done and not yet recorded */
	size_t finished_n;
};

void desk_free(struct desk *d);
struct desk *desk_new(const struct worker_conf *c, struct slots *s) OWNS(desk_free);

/*
 * With a connection and a session when it returns RC_OK; what is no longer ours by then is
 * cancelled. patient: again and again until a stop is requested. Faults are logged here.
 */
enum rc desk_connect(struct desk *d, bool patient, struct fault *f) MUST_USE;
bool desk_connected(const struct desk *d);
/* Takes what the slots finished. */
void desk_collect(struct desk *d);
/* A heartbeat, if one is due; what is finished, recorded. False: stop talking for now. */
bool desk_report(struct desk *d);
/* Claims for idle slots and gives them the jobs; how many. */
size_t desk_claim(struct desk *d);
/* Waits for work, for slots, for the next heartbeat or for a stop. */
void desk_sleep(struct desk *d);
/* Claims nothing from now on: others are woken where they relied on this one. */
void desk_last_claim(struct desk *d);
/* Waits for slots at most so long; a stop does not end it. */
void desk_wait(struct desk *d, int64_t ms);
/* Hands back what the session still holds and ends it. */
void desk_close(struct desk *d);

/* Notes a failure of a database call: what has to be done before the next one. Logs it. */
void desk_failed(struct desk *d, const char *what, const struct fault *f);

/* record.c: millrace.finish_jobs for all that is finished. False when it has to be tried again. */
bool record_finished(struct desk *d);

#endif
