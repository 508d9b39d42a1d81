/* duty.c -- the keeper's duties: one function each, and how often. */
#include "keep/duty.h"

#include "base/banned.h"

/* Jobs of workers that fell silent go to others. */
static enum rc
rescue(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms, struct fault *f)
{
	(void)next_ms;
	return keep_rescue(db, c->silent_ms, ret, f);
}

/* Tickets that the claim frontier passed before they were visible get new places. */
static enum rc
sweep(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms, struct fault *f)
{
	(void)c;
	(void)next_ms;
	return keep_sweep(db, ret, f);
}

/* Retries and delayed work that have become due. */
static enum rc
promote(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms, struct fault *f)
{
	(void)c;
	return keep_promote(db, ret, next_ms, f);
}

/* Sums of the counters' deltas. */
static enum rc
fold(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms, struct fault *f)
{
	(void)c;
	(void)next_ms;
	return keep_fold(db, ret, f);
}

/* What finishes left to add up in uploads with many jobs. */
static enum rc
fold_uploads(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms,
             struct fault *f)
{
	(void)c;
	(void)next_ms;
	return keep_fold_uploads(db, ret, f);
}

/* Parked jobs of limited kinds whose turn has come. */
static enum rc
admit(struct db *db, const struct keeper_conf *c, int64_t *ret, int64_t *next_ms, struct fault *f)
{
	(void)c;
	(void)next_ms;
	return keep_admit(db, ret, f);
}

const struct duty duties[] = {
	{ "rescue", 1000, true, rescue },    { "sweep", 500, false, sweep },
	{ "promote", 1000, false, promote }, { "fold", 1000, false, fold },
	{ "admit", 1000, false, admit },     { "fold uploads", 50, false, fold_uploads },
};
const size_t duties_count = ARRAY_LEN(duties);
