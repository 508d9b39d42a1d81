/* session.h -- a worker's place in the queue: its lease, its marks, what it holds; and sleeping
 * until there is work. */
#ifndef QUEUE_SESSION_H
#define QUEUE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/ulid.h"
#include "db/db.h"

/*
 * One per process that claims (a worker, a router). It belongs to one thread. The session's number
 * is random and new after every reconnect; with the ticket's place it is the fence: what was
 * rescued meanwhile is refused ticket by ticket.
 */
struct session;

struct session_conf {
	const char *worker; /* the name that people see, unique per process: "host-pid" or the pod's
	                       name */
	const char *host;
	const char *version;
	const char *const *kinds; /* names; "route" for the router */
	size_t kind_count;
	int slots;
};

/* A ticket that this session holds. */
struct ticket {
	int16_t kind_no;
	int16_t class; /* lane * 4 + priority; smaller goes first; a suspect has 16 more */
	int64_t position;
	struct ulid upload;
	int16_t step_no; /* 0: the routing of the upload */
	int attempt;     /* of this try, from 1 */
	int64_t grant;   /* which claim handed it out */
};

/* millrace.open_session. The db is borrowed by every call, never kept. */
void session_free(struct session *s);
struct session *session_open(struct db *db, const struct session_conf *c, struct fault *f)
	OWNS(session_free);
int64_t session_number(const struct session *s);
/* The number of the i-th kind of session_conf. */
int16_t session_kind_no(const struct session *s, size_t kind);

/*
 * millrace.heartbeat: every 3 s. Stores the marks. RC_LOST: the keeper has given the tickets to
 * others; every one that is held is void: stop their handlers, drop results, and session_reopen.
 */
enum rc session_heartbeat(struct session *s, struct db *db, struct fault *f) MUST_USE;
/*
 * millrace.reopen_session, after every reconnect and after RC_LOST: a new number; kept[i] says
 * whether held[i] is still ours (then it is held under the new number and its handler may go on);
 * what the database thinks we hold and we do not know of (a claim whose reply was lost) goes back
 * unburnt. A finish whose reply was lost: its ticket comes back as kept only if the finish did not
 * commit.
 */
enum rc session_reopen(struct session *s, struct db *db, struct ticket *held, size_t n,
                       bool *ret_kept, struct fault *f) MUST_USE;
/* millrace.close_session, at the end of a drain: what is still held goes back at once, unburnt. */
enum rc session_close(struct session *s, struct db *db, struct fault *f) MUST_USE;

/*
 * Waking. A sleeper has a direct connection of its own (never through a pooler) that listens, and
 * shows by an advisory lock per kind that somebody sleeps; enqueuers notify only then. Of all who
 * sleep on a kind one is on call, and only that one comes. Use: sleeper_ready, claim once more
 * (with fresh = true), and if that came back empty sleeper_wait. Who was woken stays on call while
 * it can claim more; when it cannot, or will not, sleeper_awake wakes the others.
 */
struct sleeper;
void sleeper_free(struct sleeper *sl);
/* url NULL as in db_open. Connects at first use and again after losses by itself. */
struct sleeper *sleeper_new(const char *url, const char *app, const struct session *s)
	OWNS(sleeper_free);
/* RC_RETRY: no connection now: poll instead, sleeper_wait still waits out the time. */
enum rc sleeper_ready(struct sleeper *sl, struct fault *f) MUST_USE;
/* Returns when there may be work, when other_fd becomes readable, when a stop is requested or the
 * connection is lost: true; or after wait_ms: false, and who waits again still sleeps. */
bool sleeper_wait(struct sleeper *sl, int other_fd, int64_t wait_ms);
/* Whether the last wait ended because we are to come. */
bool sleeper_called(const struct sleeper *sl);
/*
 * While jobs come faster than it pays to sleep and be woken: who is on call claims again every few
 * milliseconds, and nobody is called meanwhile. False: another is on call. Ends with sleeper_ready
 * or sleeper_awake.
 */
bool sleeper_watch(struct sleeper *sl);
/* For so long we come whoever is on call: that one seems not to. */
void sleeper_distrust(struct sleeper *sl, int64_t ms);
void sleeper_awake(struct sleeper *sl);
/* True: also not on call when it sleeps again, until false: others can claim what we cannot. */
void sleeper_modest(struct sleeper *sl, bool modest);

#endif
