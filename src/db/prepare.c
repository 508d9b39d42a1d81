/* prepare.c -- statements that a connection sends again and again are parsed and planned once.
 *
 * A pooler in transaction mode hands each transaction to another server connection, which does not
 * know the names that were given on this one. It also cannot tell its clients the process number of
 * "the" server: that is how we know that nothing is in between. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/banned.h"

/* Who sends it so often sends it more often: a command that asks once pays nothing. */
#define USES_BEFORE 2

/* Something in between that we did not see forgot a name: never again in this process. */
static atomic_bool off;

static struct known *
find(struct db *db, const char *sql)
{
	for (size_t i = 0; i < db->known_n; i++)
		if (strcmp(db->known[i].sql, sql) == 0)
			return &db->known[i];
	if (db->known_n == ARRAY_LEN(db->known))
		return NULL;
	struct known *k = &db->known[db->known_n];
	k->sql = strdup(sql);
	if (!k->sql)
		return NULL;
	snprintf(k->name, sizeof(k->name), "m%zu", db->known_n++);
	return k;
}

void
db_prepare_free(struct db *db)
{
	for (size_t i = 0; i < db->known_n; i++)
		free(db->known[i].sql);
}

/* Whether the server itself is at the other end. Asked once. */
static bool
is_direct(struct db *db)
{
	if (db->asked || !PQsendQuery(db->conn, "select pg_catalog.pg_backend_pid()"))
		return db->direct;
	db->asked = true;
	PGresult *r = db_take_result(db, false, clock_mono_ms() + db->deadline_ms, NULL);
	int64_t pid = 0;
	db->direct = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 &&
	             num_parse(PQgetvalue(r, 0, 0), 1, INT32_MAX, &pid) &&
	             pid == PQbackendPID(db->conn);
	PQclear(r);
	return db->direct;
}

const char *
db_prepared(struct db *db, const char *sql)
{
	struct known *k = find(db, sql);
	if (!k || k->refused)
		return NULL;
	if (k->ready)
		return k->name;
	if (k->uses++ < USES_BEFORE || atomic_load(&off) || !is_direct(db) || db_broken(db) ||
	    !PQsendPrepare(db->conn, k->name, sql, 0, NULL))
		return NULL;
	PGresult *r = db_take_result(db, false, clock_mono_ms() + db->deadline_ms, NULL);
	k->ready = PQresultStatus(r) == PGRES_COMMAND_OK;
	/* It is told in full when it is sent as text. */
	k->refused = !k->ready;
	PQclear(r);
	return k->ready ? k->name : NULL;
}

bool
db_forgotten(const char *sqlstate)
{
	if (strcmp(sqlstate, "26000") == 0)
		atomic_store(&off, true);
	/* A migration may change what a function answers: a new connection sees it afresh. */
	return strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0;
}
