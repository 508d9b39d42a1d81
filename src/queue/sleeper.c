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
	size_t kind_count;
	struct db *db; /* owned; NULL: not connected */
	bool sleeping; /* sleep_on was called, awake was not */
	int attempts;  /* failed in a row */
	int64_t retry_at_ms;
	uint64_t seed;
};

void
sleeper_free(struct sleeper *sl)
{
	if (!sl)
		return;
	db_close(sl->db);
	free(sl->url);
	free(sl->app);
	free(sl->kinds);
	free(sl->kind_nos);
	free(sl);
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
	if ((url && !sl->url) || !sl->app || !sl->kinds || !sl->kind_nos) {
		free(sl->url);
		free(sl->app);
		free(sl->kinds);
		free(sl->kind_nos);
		free(sl);
		return NULL;
	}
	memcpy(sl->kind_nos, s->kind_nos, s->kind_count * sizeof(*sl->kind_nos));
	return sl;
}

static void
drop(struct sleeper *sl)
{
	db_close(sl->db);
	sl->db = NULL;
	sl->sleeping = false;
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
	if (!sl->sleeping) {
		const char *const args[] = { sl->kinds };
		struct db_rows *rows = db_call(sl->db, "select millrace.sleep_on($1)", 1, args, f);
		if (!rows)
			return failed(sl);
		db_rows_free(rows);
	}
	sl->sleeping = true;
	sl->attempts = 0;
	return RC_OK;
}

static bool
is_ours(const struct sleeper *sl, const char *payload)
{
	int64_t kind = 0;
	if (!num_parse(payload, INT16_MIN, INT16_MAX, &kind))
		return false;
	for (size_t i = 0; i < sl->kind_count; i++)
		if (sl->kind_nos[i] == kind)
			return true;
	return false;
}

static bool
any_ours(const struct sleeper *sl, struct str *payloads)
{
	bool found = payloads->failed;
	for (char *line = payloads->data; line && *line && !found;) {
		char *end = line + strcspn(line, "\n");
		bool more = *end != '\0';
		*end = '\0';
		found = is_ours(sl, line);
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
		called = rc != RC_OK || other || (notified && any_ours(sl, &payloads));
		if (called || left_ms == 0)
			break;
	}
	str_free(&payloads);
	return called;
}

void
sleeper_awake(struct sleeper *sl)
{
	if (!sl->db || !sl->sleeping)
		return;
	struct fault f = { 0 };
	struct db_rows *rows = db_call(sl->db, "select millrace.awake()", 0, NULL, &f);
	if (!rows)
		failed(sl);
	db_rows_free(rows);
	sl->sleeping = false;
}
