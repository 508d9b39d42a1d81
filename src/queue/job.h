/* job.h -- claim and finish jobs: millrace.claim_jobs, millrace.finish_jobs. */
#ifndef QUEUE_JOB_H
#define QUEUE_JOB_H

#include "base/arena.h"
#include "queue/session.h"

/* What a worker needs to run one job. Texts live in the arena of the claim. */
struct job {
	struct ticket ticket;
	const char *step, *kind;
	const char *params; /* a JSON object, never NULL */
	int64_t timeout_ms;
	const char *store, *bucket, *key, *version_id, *etag,
		*content_type; /* version_id, etag, content_type may be NULL */
	int64_t size;          /* -1: unknown */
	char trace_id[TRACE_TEXT_MAX];
};

/*
 * At most limit due jobs of the session's kind (by index) into *ret (in the arena), best class
 * first. fresh: look again where commits of the last moments may have landed; use it for the claim
 * before sleeping and after a wake-up. 0 jobs is RC_OK.
 */
enum rc job_claim(struct session *s, struct db *db, size_t kind, size_t limit, bool fresh,
                  struct arena *a, struct job **ret, size_t *ret_n, struct fault *f) MUST_USE;

enum job_outcome {
	JOB_DONE,
	JOB_ERROR,       /* counts; again after backoff or delay_ms, dead at the limit */
	JOB_PERMANENT,   /* counts; dead at once */
	JOB_TIMEOUT,     /* counts as an error */
	JOB_CRASH,       /* counted apart; dead after 3 */
	JOB_SNOOZED,     /* "later": counts nothing */
	JOB_INTERRUPTED, /* handed back: counts nothing, due at once */
	JOB_SOURCE_GONE, /* the object is gone: job and upload are skipped, reason source_gone */
	JOB_SUPERSEDED,  /* the object was replaced: the same, reason superseded */
};

struct job_output {
	const char *name, *uri, *content_type, *sha256;
	int64_t size;
};

struct job_result {
	struct ticket ticket;
	enum job_outcome outcome;
	int64_t ran_ms;   /* since the handler's start; -1: it never started */
	int64_t delay_ms; /* asked for by handler or server; -1: the queue's backoff decides */
	const char *error_class; /* short: "exit", "signal", "timeout", "store", "NotFound" …; NULL
	                            when done */
	const char
		*error; /* for people, at most 4 KiB; may hold any bytes (made valid UTF-8 here) */
	const char *stage;  /* "input", "handler", "output"; NULL when done */
	const char *tail;   /* the end of stderr, at most 64 KiB, any bytes; NULL */
	const char *result; /* the handler's result.json as compact JSON, or NULL */
	const struct job_output *outputs;
	size_t output_count;
	const char *input_version;                   /* version or eTag that was read; NULL */
	const char *handler_digest;                  /* sha-256 of the command; NULL */
	int64_t cpu_ms, rss_kb, bytes_in, bytes_out; /* -1: unknown */
};

enum job_verdict {
	VERDICT_ACCEPTED, /* recorded: done, or whatever the queue made of it */
	VERDICT_RETRY,    /* recorded, will run again */
	VERDICT_DEAD,     /* recorded, in the dead list now */
	VERDICT_STALE,    /* the lease was lost: nothing was changed */
};

/* As the database names them, "done", "stale" and so on; static. */
const char *job_outcome_name(enum job_outcome o);
const char *job_verdict_name(enum job_verdict v);

/* All in one transaction; wakes whom it must. verdicts[i] belongs to results[i]. */
enum rc job_finish(struct session *s, struct db *db, const struct job_result *results, size_t n,
                   enum job_verdict *ret_verdicts, struct fault *f) MUST_USE;

#endif
