/* db.h -- one PostgreSQL connection; the only face of libpq. A connection belongs to one thread. */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

struct db;
struct db_rows;

/*
 * url: a libpq URL or key=value string; NULL or "": libpq's own PG* variables. app is the
 * application_name. Sets keepalives, tcp_user_timeout and connect_timeout unless the url does.
 * Failure: RC_RETRY (away, starting, too many clients) or RC_PERMANENT (no such role, database,
 * wrong password, bad url).
 */
void db_close(struct db *db); /* accepts NULL */
void db_closep(struct db **db);
struct db *db_open(const char *url, const char *app, struct fault *f) OWNS(db_close);
/* The same, but connecting takes at most ms, as does each call later. */
struct db *db_open_within(const char *url, const char *app, int64_t ms, struct fault *f)
	OWNS(db_close);
/*
 * The same, again and again with backoff (100 ms to 5 s, jittered) until it works, a stop is
 * requested (RC_STOP) or the failure is permanent. report (may be NULL) is told of each failure:
 * stations log it.
 */
struct db *db_open_patient(const char *url, const char *app,
                           void (*report)(const struct fault *f, void *arg), void *arg,
                           struct fault *f) OWNS(db_close);
/* True once the connection is unusable: close it and open a new one. */
bool db_broken(const struct db *db);
/* Each call fails with RC_RETRY and breaks the connection after this long. Default 30,000. What
 * the server was at may still come to its end there. */
void db_set_deadline_ms(struct db *db, int64_t ms);

/*
 * One statement "select … from millrace.fn($1, …)" with text parameters (NULL is null). One that is
 * sent again and again gets a name on the server, unless a pooler is in between: PgBouncer in
 * transaction mode knows no names. NULL + fault on failure,
 * SQLSTATE mapped: 08, 40, 53, 57, 55P03, 58, 25006 (a standby) and a lost connection are RC_RETRY,
 * MR001 (raised by our functions for a stale session) is RC_LOST, all else RC_PERMANENT.
 */
void db_rows_free(struct db_rows *r); /* accepts NULL */
void db_rows_freep(struct db_rows **r);
struct db_rows *db_call(struct db *db, const char *sql, size_t n, const char *const args[],
                        struct fault *f) OWNS(db_rows_free);
/* The same twice in one round trip: first, and second in a transaction of its own, whose rows are
 * dropped and whose failure is only reported by its rc in *ret_second. For "commit, then wake". */
struct db_rows *db_call_then(struct db *db, const char *sql, size_t n, const char *const args[],
                             const char *then_sql, size_t then_n, const char *const then_args[],
                             enum rc *ret_second, struct fault *f) OWNS(db_rows_free);

/* Rows. row and column count from 0; out of range is a programmer's error and aborts. Texts live as
 * long as the rows. */
size_t db_count(const struct db_rows *r);
size_t db_columns(const struct db_rows *r);
const char *db_column_name(const struct db_rows *r, size_t column);
const char *db_text(const struct db_rows *r, size_t row, size_t column); /* NULL for null */
int64_t db_int(const struct db_rows *r, size_t row, size_t column, int64_t if_null);
bool db_bool(const struct db_rows *r, size_t row, size_t column); /* null is false */

/* Parameters as array literals. */
void db_array_open(struct str *s);                   /* starts "{" */
void db_array_text(struct str *s, const char *text); /* one element, quoted; NULL is null */
void db_array_int(struct str *s, int64_t v);
void db_array_bytes(struct str *s, const void *p, size_t n); /* one bytea element */
void db_array_close(struct str *s);

/* LISTEN on a direct connection. Reconnecting is the caller's. */
enum rc db_listen(struct db *db, const char *channel, struct fault *f) MUST_USE;
/*
 * Waits until a notification is there, other_fd (-1: none) becomes readable or wait_ms passed (-1:
 * for ever). Appends the payloads, one per line, to payloads (may be NULL) if there were any.
 * *ret_notified and *ret_other say which. RC_RETRY: the connection is gone. RC_STOP: a stop was
 * requested.
 */
enum rc db_wait(struct db *db, int other_fd, int64_t wait_ms, struct str *payloads,
                bool *ret_notified, bool *ret_other, struct fault *f) MUST_USE;

#endif
