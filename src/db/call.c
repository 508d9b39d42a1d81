/* call.c -- statements with a deadline, alone or two in one round trip. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "base/clock.h"
#include "base/banned.h"

enum rc
db_lost(struct db *db, const char *what, struct fault *f)
{
	db->broken = true;
	const char *why = PQerrorMessage(db->conn);
	return fault_set(f, RC_RETRY, "%s: %.*s", what, (int)strcspn(why, "\n"), why);
}

enum rc
db_result_fault(struct db *db, const PGresult *result, struct fault *f)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (!sqlstate || strlen(sqlstate) + 1 > sizeof(f->sqlstate))
		return db_lost(db, "the connection to the database is lost", f);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	if (strcmp(sqlstate, "25006") == 0 || (db->named && db_forgotten(sqlstate)))
		db->broken = true;
	enum rc rc = db_broken(db) ? RC_RETRY : db_sqlstate_rc(sqlstate);
	fault_set(f, rc, "%s%s%s", message ? message : "", detail ? ": " : "",
	          detail ? detail : "");
	if (f)
		memcpy(f->sqlstate, sqlstate, strlen(sqlstate) + 1);
	return rc;
}

/* The connection, whose state is unknown now, is given up. The server is not asked to stop: asking
 * is a connection of its own, and libpq would wait for its end without a deadline. */
static enum rc
give_up(struct db *db, struct fault *f)
{
	db->broken = true;
	return fault_set(f, RC_RETRY, "no answer from the database within %.3g s",
	                 (double)db->deadline_ms / 1000);
}

enum rc
db_await(struct db *db, int64_t until_ms, struct fault *f)
{
	for (;;) {
		int unsent = PQflush(db->conn);
		if (unsent < 0)
			return db_lost(db, "sending to the database failed", f);
		if (!PQisBusy(db->conn))
			return RC_OK;
		struct pollfd p = { .fd = PQsocket(db->conn),
			            .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN) };
		int64_t left_ms = until_ms - clock_mono_ms();
		int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return give_up(db, f);
		if ((p.revents & ~POLLOUT) && !PQconsumeInput(db->conn))
			return db_lost(db, "the connection to the database is lost", f);
	}
}

/* Keeps the last result, unless an earlier one is an error: rows may be followed by the error of
 * their own commit. */
static PGresult *
keep(PGresult *held, PGresult *next)
{
	if (held && PQresultStatus(held) == PGRES_FATAL_ERROR) {
		PQclear(next);
		return held;
	}
	PQclear(held);
	return next;
}

PGresult *
db_take_result(struct db *db, bool pipeline, int64_t until_ms, struct fault *f)
{
	PGresult *held = NULL;
	for (;;) {
		if (db_await(db, until_ms, f) != RC_OK)
			break;
		PGresult *next = PQgetResult(db->conn);
		bool end = pipeline ? PQresultStatus(next) == PGRES_PIPELINE_SYNC : !next;
		if (end) {
			PQclear(next);
			return held;
		}
		if (next)
			held = keep(held, next);
		if (PQstatus(db->conn) == CONNECTION_BAD && (!next || pipeline)) {
			db_lost(db, "the connection to the database is lost", f);
			break;
		}
	}
	PQclear(held);
	return NULL;
}

static bool
is_rows(const PGresult *r)
{
	return PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK;
}

/* Takes the result over. */
static struct db_rows *
rows_of(struct db *db, PGresult *result, struct fault *f)
{
	struct db_rows *rows = NULL;
	if (!is_rows(result))
		db_result_fault(db, result, f);
	else if (!(rows = malloc(sizeof(*rows))))
		fault_set(f, RC_RETRY, "out of memory");
	if (!rows) {
		PQclear(result);
		return NULL;
	}
	rows->result = result;
	return rows;
}

static bool
usable(struct db *db, struct fault *f)
{
	if (!db_broken(db))
		return true;
	fault_set(f, RC_RETRY, "the connection to the database is lost");
	return false;
}

static bool
send_call(struct db *db, const char *name, const char *sql, size_t n, const char *const args[])
{
	assert(n <= 100);
	db->named = name != NULL;
	if (name)
		return PQsendQueryPrepared(db->conn, name, (int)n, args, NULL, NULL, 0) == 1;
	return PQsendQueryParams(db->conn, sql, (int)n, NULL, args, NULL, NULL, 0) == 1;
}

struct db_rows *
db_call(struct db *db, const char *sql, size_t n, const char *const args[], struct fault *f)
{
	if (!usable(db, f))
		return NULL;
	const char *name = db_prepared(db, sql);
	if (db_broken(db) || !send_call(db, name, sql, n, args)) {
		db_lost(db, "sending to the database failed", f);
		return NULL;
	}
	PGresult *result = db_take_result(db, false, clock_mono_ms() + db->deadline_ms, f);
	return result ? rows_of(db, result, f) : NULL;
}

static bool
send_both(struct db *db, const char *sql, size_t n, const char *const args[], const char *then_sql,
          size_t then_n, const char *const then_args[])
{
	const char *name = db_prepared(db, sql), *then_name = db_prepared(db, then_sql);
	return !db_broken(db) && PQenterPipelineMode(db->conn) &&
	       send_call(db, name, sql, n, args) && PQpipelineSync(db->conn) &&
	       send_call(db, then_name, then_sql, then_n, then_args) && PQpipelineSync(db->conn);
}

struct db_rows *
db_call_then(struct db *db, const char *sql, size_t n, const char *const args[],
             const char *then_sql, size_t then_n, const char *const then_args[],
             enum rc *ret_second, struct fault *f)
{
	if (!usable(db, f))
		return NULL;
	if (!send_both(db, sql, n, args, then_sql, then_n, then_args)) {
		db_lost(db, "sending to the database failed", f);
		return NULL;
	}
	int64_t until_ms = clock_mono_ms() + db->deadline_ms;
	PGresult *first = db_take_result(db, true, until_ms, f);
	if (!first)
		return NULL;
	struct fault why = { 0 };
	PGresult *second = db_take_result(db, true, until_ms, &why);
	enum rc second_rc = !second           ? why.rc
	                    : is_rows(second) ? RC_OK
	                                      : db_result_fault(db, second, &why);
	PQclear(second);
	if (!db_broken(db) && !PQexitPipelineMode(db->conn))
		db->broken = true;
	struct db_rows *rows = rows_of(db, first, f);
	if (rows)
		*ret_second = second_rc;
	return rows;
}

enum rc
db_script(struct db *db, const char *text, struct fault *f)
{
	if (!usable(db, f))
		return RC_RETRY;
	if (!PQsendQuery(db->conn, text))
		return db_lost(db, "sending to the database failed", f);
	PGresult *result = db_take_result(db, false, clock_mono_ms() + db->deadline_ms, f);
	if (!result)
		return RC_RETRY;
	enum rc rc = is_rows(result) || PQresultStatus(result) == PGRES_EMPTY_QUERY
	                     ? RC_OK
	                     : db_result_fault(db, result, f);
	PQclear(result);
	return rc;
}
