/* migrate.h -- brings the schema to the version of this binary; checks it at the start of every
 * role. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stddef.h>

#include "base/fault.h"
#include "db/db.h"

/* One file of sql/, embedded at build in the order in which it is applied. */
enum sql_kind { SQL_MIGRATION, SQL_FUNCTION, SQL_VIEW, SQL_GRANTS };
struct sql_file {
	enum sql_kind kind;
	const char *name; /* "0001_first.sql", "claim_jobs.sql" */
	const char *text;
	const char *sha256; /* of the text, hex, computed at build */
};
/* Defined by the generated build/gen/sql_files.c. */
extern const struct sql_file sql_files[];
extern const size_t sql_files_count;

/*
 * Each migration that is not yet applied in a transaction of its own, then functions, views and
 * grants in one; each transaction under an advisory lock. RC_PERMANENT: a gap, a changed released
 * migration (its sha256 differs), a newer breaking migration in the database; says which. report
 * (may be NULL) is told of each file applied.
 */
enum rc migrate_run(struct db *db, const struct sql_file *files, size_t n,
                    void (*report)(const char *name, void *arg), void *arg,
                    struct fault *f) MUST_USE;
/*
 * For every role's start: RC_OK; RC_RETRY when migrations of ours are missing (the migration job
 * has not run yet); RC_PERMANENT when the database has a breaking migration that this binary does
 * not know. Functions only are called, so it works for every component role.
 */
enum rc migrate_check(struct db *db, const struct sql_file *files, size_t n,
                      struct fault *f) MUST_USE;

#endif
