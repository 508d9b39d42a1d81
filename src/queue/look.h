/* look.h -- what people and pages ask: a trace, the queues, the dead; and what they may
 * do: replay, pause, cancel. */
#ifndef QUEUE_LOOK_H
#define QUEUE_LOOK_H

#include "db/db.h"

/* Each appends one JSON text made by the database to out. */
/* millrace.trace_json: the trace as design.md names it. RC_PERMANENT with code "NotFound" when
 * there is none such; text may be anything. */
enum rc look_trace(struct db *db, const char *text, struct str *out, struct fault *f) MUST_USE;
/* millrace.search_json: {"results": [{trace_id, bucket, key, state, received_at}]}: by trace ID
 * (any form), client trace ID or exact key. */
enum rc look_search(struct db *db, const char *text, struct str *out, struct fault *f) MUST_USE;
/* millrace.queues_json: {"queues": [{kind, waiting, queued, running, retrying, dead, done,
 * done_per_minute, oldest_at, workers, paused}]}. */
enum rc look_queues(struct db *db, struct str *out, struct fault *f) MUST_USE;
/* millrace.workers_json, millrace.recent_json (newest uploads first), millrace.dead_json (kind
 * NULL: all; newest first). */
enum rc look_workers(struct db *db, struct str *out, struct fault *f) MUST_USE;
enum rc look_recent(struct db *db, int64_t limit, struct str *out, struct fault *f) MUST_USE;
enum rc look_dead(struct db *db, const char *kind, int64_t limit, struct str *out,
                  struct fault *f) MUST_USE;
/* millrace.scale_metric: due + running, never null. */
enum rc look_scale(struct db *db, const char *kind, int64_t *ret, struct fault *f) MUST_USE;
/* millrace.replay_job: "trace_…/step" runs again, and what was skipped because of it; nothing else.
 * Code "NotFound", or "NotDead" with the state that it is in. out: {"job_id", "generation",
 * "state"}. Wakes the workers. */
enum rc look_replay(struct db *db, const char *job, const char *who, const char *why,
                    struct str *out, struct fault *f) MUST_USE;
/* millrace.pause_kind: nothing of it is claimed while it is paused. Code "NotFound". out: {"kind",
 * "paused"}. Wakes the workers. */
enum rc look_pause(struct db *db, const char *kind, bool pause, const char *who, const char *why,
                   struct str *out, struct fault *f) MUST_USE;
/* millrace.cancel_upload: what waits of it is dropped, what runs comes too late. Code "NotFound",
 * or "NotOpen" with the state that it ended in. why NULL: none. out: {"trace_id", "state", "jobs",
 * "running"}. Wakes the workers. */
enum rc look_cancel(struct db *db, const char *trace, const char *who, const char *why,
                    struct str *out, struct fault *f) MUST_USE;

#endif
