/* ask.c -- the questions to the database, each on a seat taken for it. */
#include "status/site.h"

#include "db/migrate.h"
#include "queue/look.h"
#include "base/banned.h"

#define RECENT_MAX 50
#define DEAD_MAX 200

enum question { TRACE, SEARCH, QUEUES, RECENT, WORKERS, DEAD, VERSION };

static enum rc
put(struct db *db, enum question q, const char *text, struct str *out, struct fault *f)
{
	switch (q) {
	case TRACE:
		return look_trace(db, text, out, f);
	case SEARCH:
		return look_search(db, text, out, f);
	case QUEUES:
		return look_queues(db, out, f);
	case RECENT:
		return look_recent(db, RECENT_MAX, out, f);
	case WORKERS:
		return look_workers(db, out, f);
	case DEAD:
		return look_dead(db, text, DEAD_MAX, out, f);
	case VERSION:
		return migrate_check(db, sql_files, sql_files_count, f);
	}
	return fault_set(f, RC_BUG, "no such question");
}

static enum rc
ask(struct site *s, enum question q, const char *text, struct str *out, struct fault *f)
{
	struct seat *seat = pool_take(s->pool, f);
	if (!seat)
		return RC_RETRY;
	struct db *db = seat_db(s->pool, seat, f);
	enum rc rc = db ? put(db, q, text, out, f) : f->rc;
	pool_give(s->pool, seat);
	return rc;
}

enum rc
ask_trace(struct site *s, const char *id, struct str *out, struct fault *f)
{
	return ask(s, TRACE, id, out, f);
}

enum rc
ask_search(struct site *s, const char *text, struct str *out, struct fault *f)
{
	return ask(s, SEARCH, text, out, f);
}

enum rc
ask_queues(struct site *s, struct str *out, struct fault *f)
{
	return ask(s, QUEUES, NULL, out, f);
}

enum rc
ask_recent(struct site *s, struct str *out, struct fault *f)
{
	return ask(s, RECENT, NULL, out, f);
}

enum rc
ask_workers(struct site *s, struct str *out, struct fault *f)
{
	return ask(s, WORKERS, NULL, out, f);
}

enum rc
ask_dead(struct site *s, const char *kind, struct str *out, struct fault *f)
{
	return ask(s, DEAD, kind, out, f);
}

enum rc
ask_version(struct site *s, struct fault *f)
{
	return ask(s, VERSION, NULL, NULL, f);
}
