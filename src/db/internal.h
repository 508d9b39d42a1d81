/* internal.h -- what the files of this room share; nobody else includes it, for it shows libpq. */
#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <libpq-fe.h>

#include "db/db.h"

/* A statement that was sent before. */
struct known {
	char *sql; /* owned */
	char name[8];
	unsigned uses;
	bool ready, refused;
};

struct db {
	PGconn *conn; /* owned */
	bool broken;
	int64_t deadline_ms;
	bool asked, direct; /* no pooler is in between */
	bool named;         /* what was sent last */
	struct known known[32];
	size_t known_n;
};

struct db_rows {
	PGresult *result; /* owned */
};

/* The class of an SQLSTATE of five characters, as db.h promises. */
enum rc db_sqlstate_rc(const char *sqlstate);
/*
 * The fault of a connection that did not come up. text is libpq's in PQERRORS_VERBOSE, the only
 * form in which it tells the SQLSTATE then; code and source location are taken out of the message.
 */
enum rc db_connect_fault(const char *text, struct fault *f);
/* The fault of a result that is none; gives up the connection if that is what failed. */
enum rc db_result_fault(struct db *db, const PGresult *result, struct fault *f);
/* "what: libpq's message", RC_RETRY, and the connection is given up. */
enum rc db_lost(struct db *db, const char *what, struct fault *f);
/* Every result up to the end of the statement, or up to the Sync in a pipeline: only then it is
 * known to have committed. NULL: the connection is lost. */
PGresult *db_take_result(struct db *db, bool pipeline, int64_t until_ms, struct fault *f);
/* The name under which the server knows the statement, or NULL: it is sent as text. May ask the
 * server; not while a statement is under way. */
const char *db_prepared(struct db *db, const char *sql);
void db_prepare_free(struct db *db);
/* Whether an error says that a name is of no use any more. */
bool db_forgotten(const char *sqlstate);
/* Sends what is unsent and reads until PQgetResult would not block. */
enum rc db_await(struct db *db, int64_t until_ms, struct fault *f) MUST_USE;
/* Any number of statements without parameters; results are dropped. */
enum rc db_script(struct db *db, const char *text, struct fault *f) MUST_USE;

#endif
