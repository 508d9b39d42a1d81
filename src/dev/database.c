/* database.c -- the database in the private cluster. */
#include "dev/database.h"

#include "base/clock.h"
#include "base/stop.h"
#include "db/db.h"
#include "db/migrate.h"
#include "dev/child.h"
#include "base/banned.h"

#define NAME "millrace"
#define OWNER "postgres"
#define APP "millrace dev"
#define START_MS (60 * 1000)

static const char *const components[] = { "receiver", "router", "worker",
	                                  "keeper",   "reader", "operator" };

const char *
database_url(const struct cluster *c, const char *component, struct arena *a)
{
	const char *user = arena_printf(a, "dev_%s", component);
	return user ? cluster_conninfo(c, NAME, user, a) : NULL;
}

enum rc
database_await(struct cluster *c, struct arena *a, struct fault *f)
{
	const char *url = cluster_conninfo(c, "postgres", OWNER, a);
	int64_t end = clock_mono_ms() + START_MS;
	if (!url)
		return fault_set(f, RC_RETRY, "out of memory");
	for (;;) {
		struct db *db = db_open(url, APP, f);
		int status = 0;
		char text[CHILD_STATUS_MAX];
		if (db) {
			db_close(db);
			return RC_OK;
		}
		if (!cluster_alive(c, &status))
			return fault_set(f, RC_PERMANENT, "PostgreSQL ended with %s",
			                 child_status_text(status, text));
		if (f->rc == RC_PERMANENT || clock_mono_ms() > end)
			return fault_context(f, "PostgreSQL does not answer");
		if (stop_wait_ms(20))
			return fault_set(f, RC_STOP, "stopped");
	}
}

static enum rc
run(struct db *db, const char *sql, size_t n, const char *const args[], size_t *ret_rows,
    struct fault *f)
{
	CLEANUP(db_rows_freep) struct db_rows *rows = db_call(db, sql, n, args, f);
	if (!rows)
		return f->rc;
	*ret_rows = db_count(rows);
	return RC_OK;
}

static enum rc
make_database(const struct cluster *c, struct arena *a, struct fault *f)
{
	const char *url = cluster_conninfo(c, "postgres", OWNER, a);
	CLEANUP(db_closep) struct db *db = url ? db_open(url, APP, f) : NULL;
	const char *const name[] = { NAME };
	size_t found = 0, none;
	if (!db)
		return url ? f->rc : fault_set(f, RC_RETRY, "out of memory");
	enum rc rc = run(db, "select from pg_database where datname = $1", 1, name, &found, f);
	if (rc == RC_OK && found == 0)
		rc = run(db, "create database " NAME, 0, NULL, &none, f);
	return rc;
}

static void
count_applied(const char *name, void *arg)
{
	size_t *applied = arg;
	/* Migrations are named by number, functions and views are applied each time. */
	*applied += name[0] >= '0' && name[0] <= '9';
}

static enum rc
make_logins(struct db *db, struct arena *a, struct fault *f)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(components); i++) {
		const char *const args[] = { arena_printf(a, "dev_%s", components[i]),
			                     components[i] };
		size_t none;
		rc = run(db, "select millrace.create_login($1, $2)", 2, args, &none, f);
	}
	return rc;
}

enum rc
database_prepare(const struct cluster *c, struct arena *a, size_t *ret_applied, struct fault *f)
{
	size_t applied = 0;
	enum rc rc = make_database(c, a, f);
	if (rc != RC_OK)
		return rc;
	const char *url = cluster_conninfo(c, NAME, OWNER, a);
	CLEANUP(db_closep) struct db *db = url ? db_open(url, APP, f) : NULL;
	if (!db)
		return url ? f->rc : fault_set(f, RC_RETRY, "out of memory");
	rc = migrate_run(db, sql_files, sql_files_count, count_applied, &applied, f);
	if (rc == RC_OK)
		rc = make_logins(db, a, f);
	if (rc == RC_OK)
		*ret_applied = applied;
	return rc;
}
