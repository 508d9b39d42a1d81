/* duty.c -- the keeper's duties: one function each, and how often. */
#include "keep/duty.h"

#include "base/banned.h"

#define FOLD_MS 50

/* Jobs of workers that fell silent go to others. */
static enum rc
rescue(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f)
{
	return keep_rescue(db, c->silent_ms, &t->done, f);
}

/* Tickets that the claim frontier passed before they were visible get new places. */
static enum rc
sweep(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f)
{
	(void)c;
	return keep_sweep(db, &t->done, f);
}

/* Retries and delayed work that have become due. */
static enum rc
promote(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f)
{
	(void)c;
	return keep_promote(db, &t->done, &t->next_ms, f);
}

/* Sums of the counters' deltas. */
static enum rc
fold(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f)
{
	(void)c;
	return keep_fold(db, &t->done, f);
}

/* What finishes left to add up in uploads with many jobs: nobody waits long for it who works, and
 * there is nothing while nobody does. */
static enum rc
fold_uploads(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f)
{
	(void)c;
	bool busy = false;
	enum rc rc = keep_fold_uploads(db, &t->seen, &busy, &t->done, f);
	t->next_ms = busy || t->waited_ms < FOLD_MS ? FOLD_MS : 2 * t->waited_ms;
	return rc;
}

/* Parked jobs of limited kinds whose turn has come. */
static enum rc
admit(struct db *db, const struct keeper_conf *c, struct turn *t, struct fault *f)
{
	(void)c;
	return keep_admit(db, &t->done, f);
}

const struct duty duties[] = {
	{ "rescue", 1000, true, rescue },    { "sweep", 500, false, sweep },
	{ "promote", 1000, false, promote }, { "fold", 1000, false, fold },
	{ "admit", 1000, false, admit },     { "fold uploads", 1000, false, fold_uploads },
};
const size_t duties_count = ARRAY_LEN(duties);
