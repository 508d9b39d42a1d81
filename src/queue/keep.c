/* keep.c -- the keeper's duties in the database. */
#include "queue/internal.h"
#include "queue/keep.h"
#include "base/banned.h"

#define PROMOTE_MAX 500

enum rc
keep_rescue(struct db *db, int64_t silent_ms, int64_t *ret, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, silent_ms);
	return queue_count_call(db, "select done, wake from millrace.rescue_workers($1)", &a, ret,
	                        f);
}

enum rc
keep_sweep(struct db *db, int64_t *ret, struct fault *f)
{
	struct args none = { 0 };
	return queue_count_call(db, "select done, wake from millrace.sweep_tickets()", &none, ret,
	                        f);
}

enum rc
keep_promote(struct db *db, int64_t *ret, int64_t *ret_next_ms, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, PROMOTE_MAX);
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		args_call(&a, db, "select done, next_ms, wake from millrace.promote_due($1)", f);
	if (!rows)
		return f->rc;
	if (db_count(rows) != 1)
		return fault_set(f, RC_BUG, "promote_due did not answer one row");
	queue_wake(db, db_text(rows, 0, 2));
	*ret = db_int(rows, 0, 0, 0);
	*ret_next_ms = db_int(rows, 0, 1, 1000);
	return RC_OK;
}

enum rc
keep_fold(struct db *db, int64_t *ret, struct fault *f)
{
	struct args none = { 0 };
	return queue_count_call(db, "select done, wake from millrace.fold_tallies()", &none, ret,
	                        f);
}

enum rc
keep_fold_uploads(struct db *db, int64_t *seen, bool *ret_busy, int64_t *ret, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, *seen);
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		args_call(&a, db, "select done, moved, busy from millrace.fold_uploads($1)", f);
	if (!rows)
		return f->rc;
	if (db_count(rows) != 1)
		return fault_set(f, RC_BUG, "fold_uploads did not answer one row");
	*ret = db_int(rows, 0, 0, 0);
	*seen = db_int(rows, 0, 1, 0);
	*ret_busy = db_bool(rows, 0, 2);
	return RC_OK;
}

enum rc
keep_admit(struct db *db, int64_t *ret, struct fault *f)
{
	struct args none = { 0 };
	return queue_count_call(db, "select done, wake from millrace.admit_all()", &none, ret, f);
}
