/* keep.h -- the keeper's duties in the database; each takes a transaction-level lock of its own and
 * does nothing if another has it. */
#ifndef QUEUE_KEEP_H
#define QUEUE_KEEP_H

#include "db/db.h"

/* How many tickets or rows each handled (0 also when another keeper is at it). */
enum rc keep_rescue(struct db *db, int64_t silent_ms, int64_t *ret,
                    struct fault *f) MUST_USE; /* millrace.rescue_workers */
enum rc keep_sweep(struct db *db, int64_t *ret,
                   struct fault *f) MUST_USE; /* millrace.sweep_tickets */
/* *ret_next_ms: until the next one is due, at most 1,000. */
enum rc keep_promote(struct db *db, int64_t *ret, int64_t *ret_next_ms,
                     struct fault *f) MUST_USE; /* millrace.promote_due */
/* Whatever a process left to be admitted that died between its commit and its wake-up. */
enum rc keep_admit(struct db *db, int64_t *ret, struct fault *f) MUST_USE; /* millrace.admit_all */
enum rc keep_fold(struct db *db, int64_t *ret,
                  struct fault *f) MUST_USE; /* millrace.fold_tallies */
/* *seen: 0 at first, and what the last call left there; *ret_busy: come again soon. */
enum rc keep_fold_uploads(struct db *db, int64_t *seen, bool *ret_busy, int64_t *ret,
                          struct fault *f) MUST_USE; /* millrace.fold_uploads */

#endif
