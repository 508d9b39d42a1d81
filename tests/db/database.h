/* database.h -- a database of its own for each test, made from a migrated template. Run under
 * tests/lib/with-postgres. */
#ifndef TESTS_DB_DATABASE_H
#define TESTS_DB_DATABASE_H

#include <check.h>

#include "db/db.h"
#include "db/migrate.h"
#include "queue/session.h"
#include "queue/upload.h"

/* Runs the suite's tests, each in a process of its own; answers main's exit code. */
int run_suite(Suite *suite);

/* Fixtures: a migrated database for each test, or an empty one. */
void with_schema(void);
void without_schema(void);
void drop_database(void);

/* "dbname=…" of the test's database. */
const char *database_url(void);
/* A connection to it; fails the test otherwise. */
struct db *database(void);

/* One statement, its only value as a number (0 for null or no row); fails the test on an error. */
int64_t sql_int(struct db *db, const char *sql);
/* Polls until it is at least wanted; fails the test after 10 s. */
void sql_await(struct db *db, const char *sql, int64_t wanted);

/* A pipeline with one rule and one job of kind "work" (2 attempts) for every key. */
int simple_pipeline(struct db *db);
/* One upload of that key, accepted. */
struct ulid accept_key(struct db *db, const char *key);
/* n uploads accepted and expanded: n jobs of kind "work" are queued. */
void queue_jobs(struct db *db, size_t n);
struct session *open_worker(struct db *db, const char *name);

#define CHECK_OK(call, fault) ck_assert_msg((call) == RC_OK, "%s: %s", #call, (fault).message)

#endif
