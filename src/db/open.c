/* open.c -- connecting to PostgreSQL and letting go of it. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/banned.h"

#define CONNECT_TIMEOUT_S 5
#define CALL_DEADLINE_MS 30000

void
db_close(struct db *db)
{
	if (!db)
		return;
	PQfinish(db->conn);
	db_prepare_free(db);
	free(db);
}

void
db_closep(struct db **db)
{
	db_close(*db);
}

bool
db_broken(const struct db *db)
{
	return db->broken || PQstatus(db->conn) == CONNECTION_BAD;
}

void
db_set_deadline_ms(struct db *db, int64_t ms)
{
	db->deadline_ms = ms;
}

static void
drop_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* libpq says "conninfo" only for text that looks like one; all else is a database's name. */
static enum rc
check_url(const char *url, struct fault *f)
{
	if (!strchr(url, '=') && strncmp(url, "postgres", strlen("postgres")) != 0)
		return RC_OK;
	char *why = NULL;
	PQconninfoOption *parsed = PQconninfoParse(url, &why);
	if (parsed) {
		PQconninfoFree(parsed);
		return RC_OK;
	}
	fault_set(f, RC_PERMANENT, "the database URL is not valid: %.*s",
	          why ? (int)strcspn(why, "\n") : 0, why ? why : "");
	PQfreemem(why);
	return RC_PERMANENT;
}

/* What comes before dbname is a default that the url may override. */
static PGconn *
start(const char *url, const char *app)
{
	static const char *const names[] = {
		"connect_timeout",  "keepalives_idle",  "keepalives_interval",
		"keepalives_count", "tcp_user_timeout", "client_encoding",
		"application_name", "dbname",           NULL,
	};
	const char *const values[] = { "5", "2", "1", "3", "5000", "UTF8", app, url, NULL };
	static_assert(ARRAY_LEN(names) == ARRAY_LEN(values), "a value for each name");
	return PQconnectStartParams(names, values, 1);
}

/* libpq honours connect_timeout only in its blocking calls, so it is read back and honoured here;
 * each host of a list may take it once. */
static int64_t
connect_timeout_ms(PGconn *conn)
{
	int64_t seconds = CONNECT_TIMEOUT_S;
	int64_t hosts = 1;
	PQconninfoOption *options = PQconninfo(conn);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (strcmp(o->keyword, "connect_timeout") == 0 && o->val)
			num_parse(o->val, 1, 3600, &seconds);
		if (strcmp(o->keyword, "host") == 0)
			for (const char *p = o->val; p && (p = strchr(p, ',')); p++)
				hosts++;
	}
	PQconninfoFree(options);
	return seconds * hosts * 1000;
}

static enum rc
finish_connecting(PGconn *conn, int64_t most_ms, struct fault *f)
{
	int64_t timeout_ms = connect_timeout_ms(conn);
	if (timeout_ms > most_ms)
		timeout_ms = most_ms;
	int64_t until_ms = clock_mono_ms() + timeout_ms;
	PostgresPollingStatusType want = PGRES_POLLING_WRITING;
	if (PQstatus(conn) == CONNECTION_BAD)
		want = PGRES_POLLING_FAILED;
	while (want == PGRES_POLLING_READING || want == PGRES_POLLING_WRITING) {
		struct pollfd p = { .fd = PQsocket(conn),
			            .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		int64_t left_ms = until_ms - clock_mono_ms();
		int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return fault_set(f, RC_RETRY, "no connection to the database within %.3g s",
			                 (double)timeout_ms / 1000);
		want = PQconnectPoll(conn);
	}
	if (want == PGRES_POLLING_OK)
		return RC_OK;
	db_connect_fault(PQerrorMessage(conn), f);
	if (f && PQconnectionNeedsPassword(conn))
		f->rc = RC_PERMANENT;
	return f ? f->rc : RC_RETRY;
}

static struct db *
open_once(const char *url, const char *app, int64_t most_ms, struct fault *f)
{
	if (!url)
		url = "";
	if (check_url(url, f) != RC_OK)
		return NULL;
	PGconn *conn = start(url[0] ? url : NULL, app);
	struct db *db = conn ? calloc(1, sizeof(*db)) : NULL;
	if (!db) {
		PQfinish(conn);
		fault_set(f, RC_RETRY, "out of memory");
		return NULL;
	}
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	PQsetNoticeProcessor(conn, drop_notice, NULL);
	if (finish_connecting(conn, most_ms, f) != RC_OK || PQsetnonblocking(conn, 1) != 0) {
		PQfinish(conn);
		free(db);
		return NULL;
	}
	PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	db->conn = conn;
	db->deadline_ms = CALL_DEADLINE_MS;
	return db;
}

struct db *
db_open(const char *url, const char *app, struct fault *f)
{
	return open_once(url, app, INT64_MAX, f);
}

struct db *
db_open_within(const char *url, const char *app, int64_t ms, struct fault *f)
{
	struct db *db = open_once(url, app, ms, f);
	if (db)
		db_set_deadline_ms(db, ms);
	return db;
}

struct db *
db_open_patient(const char *url, const char *app, void (*report)(const struct fault *f, void *arg),
                void *arg, struct fault *f)
{
	static const struct backoff pace = { .base_ms = 100, .cap_ms = 5000 };
	uint64_t seed = backoff_seed();
	for (int attempt = 1;; attempt++) {
		struct fault why = { 0 };
		struct db *db = open_once(url, app, INT64_MAX, &why);
		if (db)
			return db;
		if (report)
			report(&why, arg);
		if (why.rc != RC_RETRY) {
			if (f)
				*f = why;
			return NULL;
		}
		if (stop_wait_ms(backoff_ms(&pace, attempt, seed + (uint64_t)attempt))) {
			fault_set(f, RC_STOP, "stopped while the database was away: %s",
			          why.message);
			return NULL;
		}
	}
}
