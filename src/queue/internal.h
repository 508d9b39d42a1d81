/* internal.h -- what the files of this room share: parameters, the session's memory, waking. */
#ifndef QUEUE_INTERNAL_H
#define QUEUE_INTERNAL_H

#include "base/arena.h"
#include "base/str.h"
#include "queue/job.h"
#include "queue/session.h"
#include "queue/upload.h"

/*
 * Parameters of one call, in order. Arrays are added to by db_array_… and closed by args_call.
 * Zero-initialise; args_free.
 */
#define ARGS_MAX 12
struct args {
	struct str text[ARGS_MAX];
	bool array[ARGS_MAX];
	size_t n;
};
void args_free(struct args *a);
struct str *args_array(struct args *a);
void args_int(struct args *a, int64_t v);
void args_text(struct args *a, const char *text);
/* An empty parameter to write a JSON text into. */
struct str *args_json(struct args *a);
struct db_rows *args_call(struct args *a, struct db *db, const char *sql, struct fault *f)
	OWNS(db_rows_free);
/* The same, then wake_sql in a transaction of its own, in the same round trip; that one's failure
 * is of no account. */
struct db_rows *args_call_wake(struct args *a, struct db *db, const char *sql, const char *wake_sql,
                               struct args *wake, struct fault *f) OWNS(db_rows_free);

/* millrace.wake for an array literal of kinds, if there are any in it. Waking is a hint: who sleeps
 * polls too, so a failure is of no account. */
void queue_wake(struct db *db, const char *kinds);
/* One row (bigint, wake): the number goes to *ret, the rest is woken. */
enum rc queue_count_call(struct db *db, const char *sql, struct args *a, int64_t *ret,
                         struct fault *f) MUST_USE;

/* Reads "{1,2}" into exactly n numbers, "{t,f}" into exactly n booleans. */
bool read_int16s(const char *text, int16_t *ret, size_t n);
bool read_bools(const char *text, bool *ret, size_t n);
/* One of n names; n if it is none of them. */
size_t find_name(const char *const names[], size_t n, const char *name);

/*
 * How far the claims of one class have come: now, and as it was at least MARK_SETTLE_MS ago. A
 * ticket takes its place before it commits, so one may appear below the frontier of the last
 * moments, but hardly below the settled one.
 */
#define MARK_SETTLE_MS 250
#define MARK_CLASSES 28
/* From here on a ticket was held by a worker that died: it is claimed and held alone. */
#define SUSPECT_CLASS 16
struct mark {
	int64_t now, aging, settled; /* -1: unknown */
	int64_t aging_since_ms;
	int64_t stored; /* what the last heartbeat told */
};
struct marks {
	struct mark of[MARK_CLASSES];
};
void marks_clear(struct marks *m);
void marks_advance(struct marks *m, int16_t class, int64_t position, int64_t now_ms);
/* Of one class: the frontier, or the settled one; -1 when unknown. */
int64_t marks_frontier(struct marks *m, int16_t class, bool settled, int64_t now_ms);

/* How many tickets of each claim are still held; a grant whose tickets are all gone is told once.
 */
struct grant {
	int64_t number;
	size_t left;
};
struct grants {
	struct grant *at; /* owned */
	size_t n, cap;
};
void grants_free(struct grants *g);
void grants_clear(struct grants *g);
bool grants_add(struct grants *g, int64_t number) MUST_USE; /* one more ticket; false: no memory */
void grants_drop(struct grants *g, int64_t number);         /* one ticket less */
void grants_undo(struct grants *g, int64_t number);         /* takes that back */
void grants_finished(const struct grants *g, struct str *array);
void grants_forget_finished(struct grants *g);
size_t grants_held(const struct grants *g); /* tickets, of all grants */

struct session {
	int64_t number;
	char *worker, *host, *version, *kinds; /* owned; kinds is an array literal */
	size_t kind_count;
	int slots;
	int16_t *kind_nos;    /* owned */
	struct marks *marks;  /* owned; one per kind */
	struct grants grants; /* owned */
	bool suspect;         /* the last ticket that came was one */
};
/* Holds a suspect: must not claim until it is finished. */
bool session_alone(const struct session *s);
/* Adds the three parameters classes, marks and held of a claim. */
void session_add_place(struct session *s, size_t kind, bool settled, struct args *a);
/* Remembers a claimed ticket: its grant, its place. False: no memory. */
bool session_hold(struct session *s, size_t kind, const struct ticket *t) MUST_USE;

/* The parameter details of one finished job, as sql/README.md says. */
void details_of_job(const struct job_result *r, struct str *out);
void details_of_route(const struct route_result *r, struct str *out);
/* The parameter events of accept_uploads: ids[i] is fresh for events[i]. */
void events_json(const struct upload_event *events, size_t n, const struct ulid *ids,
                 struct str *out);

#endif
