/* sleeper.c -- sleeping until there is work: a connection of its own that listens. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/banned.h"

/* Sleeping well is a hint; while it is waited for, no heartbeat goes out. */
#define CALL_DEADLINE_MS 2000

struct sleeper {
	char *url, *app, *kinds; /* owned; kinds is an array literal */
	int16_t *kind_nos;       /* owned */
	bool *on_call;           /* owned; of each kind: we are who is called for it */
	size_t kind_count;
	struct db *db;       /* owned; NULL: not connected */
	bool sleeping;       /* sleep_on was called, awake was not */
	bool watching;       /* so was watch, and it said yes */
	bool called;         /* so the last wait ended */
	bool modest;         /* is not on call, and does not become it */
	int64_t distrust_ms; /* until then we come for every call */
	int attempts;        /* failed in a row */
	int64_t retry_at_ms;
	uint64_t seed;
};

static void
release(struct sleeper *sl)
{
	db_close(sl->db);
	free(sl->url);
	free(sl->app);
	free(sl->kinds);
	free(sl->kind_nos);
	free(sl->on_call);
	free(sl);
}

void
sleeper_free(struct sleeper *sl)
{
	if (sl)
		release(sl);
}

static char *
numbers_literal(const struct session *s)
{
	struct str text = STR_INIT(1 << 20);
	db_array_open(&text);
	for (size_t i = 0; i < s->kind_count; i++)
		db_array_int(&text, s->kind_nos[i]);
	db_array_close(&text);
	char *taken = text.failed ? NULL : str_take(&text);
	str_free(&text);
	return taken;
}

struct sleeper *
sleeper_new(const char *url, const char *app, const struct session *s)
{
	struct sleeper *sl = calloc(1, sizeof(*sl));
	if (!sl)
		return NULL;
	sl->seed = backoff_seed();
	sl->url = url ? strdup(url) : NULL;
	sl->app = strdup(app);
	sl->kinds = numbers_literal(s);
	sl->kind_nos = calloc(s->kind_count + 1, sizeof(*sl->kind_nos));
	sl->kind_count = s->kind_count;
	sl->on_call = calloc(s->kind_count + 1, sizeof(*sl->on_call));
	if ((url && !sl->url) || !sl->app || !sl->kinds || !sl->kind_nos || !sl->on_call) {
		release(sl);
		return NULL;
	}
	memcpy(sl->kind_nos, s->kind_nos, s->kind_count * sizeof(*sl->kind_nos));
	return sl;
}

static void
forget(struct sleeper *sl)
{
	sl->sleeping = sl->watching = false;
	memset(sl->on_call, 0, sl->kind_count * sizeof(*sl->on_call));
}

static void
drop(struct sleeper *sl)
{
	db_close(sl->db);
	sl->db = NULL;
	forget(sl);
}

static enum rc
failed(struct sleeper *sl)
{
	static const struct backoff pace = { .base_ms = 250, .cap_ms = 5000 };
	drop(sl);
	sl->attempts++;
	sl->retry_at_ms = clock_mono_ms() +
	                  backoff_ms(&pace, sl->attempts, sl->seed + (uint64_t)sl->attempts);
	return RC_RETRY;
}

static enum rc
connect_and_listen(struct sleeper *sl, struct fault *f)
{
	if (clock_mono_ms() < sl->retry_at_ms)
		return fault_set(f, RC_RETRY, "the listening connection is away for now");
	sl->db = db_open_within(sl->url, sl->app, CALL_DEADLINE_MS, f);
	if (!sl->db)
		return failed(sl);
	return db_listen(sl->db, "millrace", f) == RC_OK ? RC_OK : failed(sl);
}

/* What was notified before the claim that follows is of no interest any more. */
static bool
drain(struct sleeper *sl, struct fault *f)
{
	bool notified = true, other = false;
	enum rc rc = RC_OK;
	while (rc == RC_OK && notified)
		rc = db_wait(sl->db, -1, 0, NULL, &notified, &other, f);
	return rc == RC_OK || rc == RC_STOP;
}

/* kinds: an array of numbers, as the database writes it. */
static void
note_on_call(struct sleeper *sl, const char *kinds)
{
	for (size_t i = 0; i < sl->kind_count; i++)
		sl->on_call[i] = false;
	for (const char *p = kinds ? kinds + strspn(kinds, "{") : ""; *p && *p != '}';) {
		char number[8] = "";
		size_t n = strcspn(p, ",}");
		if (n < sizeof(number))
			memcpy(number, p, n);
		int64_t kind = 0;
		for (size_t i = 0; num_parse(number, 1, INT16_MAX, &kind) && i < sl->kind_count;
		     i++)
			sl->on_call[i] |= sl->kind_nos[i] == kind;
		p += n + (p[n] == ',');
	}
}

/* sql answers of which kinds we are on call. */
static enum rc
lie_down(struct sleeper *sl, const char *sql, size_t n, struct fault *f)
{
	const char *const args[] = { sl->kinds, sl->modest ? "f" : "t" };
	struct db_rows *rows = db_call(sl->db, sql, n, args, f);
	if (!rows)
		return failed(sl);
	sl->watching = false;
	sl->sleeping = true;
	note_on_call(sl, db_count(rows) == 1 ? db_text(rows, 0, 0) : NULL);
	db_rows_free(rows);
	return RC_OK;
}

enum rc
sleeper_ready(struct sleeper *sl, struct fault *f)
{
	struct fault own = { 0 };
	if (!f)
		f = &own;
	if (sl->db && (db_broken(sl->db) || !drain(sl, f)))
		drop(sl);
	if (!sl->db && connect_and_listen(sl, f) != RC_OK)
		return RC_RETRY;
	if (!sl->sleeping && lie_down(sl, "select millrace.sleep_on($1, $2)", 2, f) != RC_OK)
		return RC_RETRY;
	sl->attempts = 0;
	return RC_OK;
}

/* Which of our kinds a call is for, or kind_count. "N": for who is on call. "N*": nobody is, so
 * that one of those who sleep has to be. */
static size_t
kind_called(const struct sleeper *sl, char *payload, bool *ret_all)
{
	int64_t kind = 0;
	size_t i = 0, n = strlen(payload);
	*ret_all = n > 0 && payload[n - 1] == '*';
	if (*ret_all)
		payload[n - 1] = '\0';
	if (!num_parse(payload, INT16_MIN, INT16_MAX, &kind))
		return sl->kind_count;
	while (i < sl->kind_count && sl->kind_nos[i] != kind)
		i++;
	return i;
}

/* True when we are to come. */
static bool
answer(struct sleeper *sl, char *payload)
{
	bool all = false;
	size_t kind = kind_called(sl, payload, &all);
	struct fault f = { 0 };
	if (kind == sl->kind_count)
		return false;
	if (all && !sl->on_call[kind] && sl->sleeping && !sl->modest &&
	    lie_down(sl, "select millrace.on_call($1)", 1, &f) != RC_OK)
		return true;
	return sl->on_call[kind] || clock_mono_ms() < sl->distrust_ms;
}

static bool
answer_any(struct sleeper *sl, struct str *payloads)
{
	bool found = payloads->failed;
	for (char *line = payloads->data; line && *line;) {
		char *end = line + strcspn(line, "\n");
		bool more = *end != '\0';
		*end = '\0';
		found = answer(sl, line) || found;
		line = end + more;
	}
	str_reset(payloads);
	return found;
}

static int64_t
left_of(int64_t wait_ms, int64_t since_ms)
{
	if (wait_ms < 0)
		return -1;
	int64_t left_ms = since_ms + wait_ms - clock_mono_ms();
	return left_ms > 0 ? left_ms : 0;
}

static bool
wait_without(int other_fd, int64_t wait_ms)
{
	int64_t since_ms = clock_mono_ms();
	struct pollfd p[] = {
		{ .fd = other_fd, .events = POLLIN },
		{ .fd = stop_fd(), .events = POLLIN },
	};
	for (;;) {
		int64_t left_ms = left_of(wait_ms, since_ms);
		int n = poll(p, ARRAY_LEN(p), left_ms > 60000 ? 60000 : (int)left_ms);
		if (n != 0 ? n > 0 || errno != EINTR : left_ms == 0)
			return n != 0;
	}
}

bool
sleeper_wait(struct sleeper *sl, int other_fd, int64_t wait_ms)
{
	sl->called = false;
	if (!sl->db)
		return wait_without(other_fd, wait_ms);
	int64_t since_ms = clock_mono_ms();
	struct str payloads = STR_INIT(1 << 16);
	bool called = false;
	for (;;) {
		bool notified = false, other = false;
		struct fault f = { 0 };
		int64_t left_ms = left_of(wait_ms, since_ms);
		enum rc rc = db_wait(sl->db, other_fd, left_ms, &payloads, &notified, &other, &f);
		if (rc != RC_OK && rc != RC_STOP)
			failed(sl);
		sl->called = notified && answer_any(sl, &payloads);
		called = rc != RC_OK || other || sl->called;
		if (called || left_ms == 0)
			break;
	}
	str_free(&payloads);
	return called;
}

bool
sleeper_watch(struct sleeper *sl)
{
	if (!sl->db || sl->watching)
		return sl->watching;
	struct fault f = { 0 };
	const char *const args[] = { sl->kinds };
	struct db_rows *rows = db_call(sl->db, "select millrace.watch($1)", 1, args, &f);
	if (!rows) {
		failed(sl);
		return false;
	}
	sl->watching = db_count(rows) == 1 && db_bool(rows, 0, 0);
	sl->sleeping = sl->sleeping && !sl->watching;
	db_rows_free(rows);
	return sl->watching;
}

void
sleeper_modest(struct sleeper *sl, bool modest)
{
	sl->modest = modest;
	if (modest)
		sleeper_awake(sl);
}

bool
sleeper_called(const struct sleeper *sl)
{
	return sl->called;
}

void
sleeper_distrust(struct sleeper *sl, int64_t ms)
{
	sl->distrust_ms = clock_mono_ms() + ms;
}

void
sleeper_awake(struct sleeper *sl)
{
	if (!sl->db || !(sl->sleeping || sl->watching))
		return;
	struct fault f = { 0 };
	bool relied_on = sl->watching;
	for (size_t i = 0; i < sl->kind_count; i++)
		relied_on = relied_on || sl->on_call[i];
	struct db_rows *rows = db_call(sl->db, "select millrace.awake()", 0, NULL, &f);
	forget(sl);
	if (!rows)
		failed(sl);
	else if (relied_on)
		queue_wake(sl->db, sl->kinds);
	db_rows_free(rows);
}
