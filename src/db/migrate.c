/* migrate.c -- brings the schema to the version of this binary; checks it. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "db/migrate.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/banned.h"

/* Any number that no other program is likely to use. */
#define LOCK "7215310842019911"
#define LOCK_WAIT_MS (10 * 60 * 1000)
#define STATEMENT_MS (60 * 60 * 1000)
#define TRIES 10

static const char record_table[] =
	"create schema if not exists millrace;"
	"create table if not exists millrace.migration (id int primary key, name text not null,"
	" sha256 text not null, breaking boolean not null,"
	" applied_at timestamptz not null default now())";

static size_t
count_migrations(const struct sql_file *files, size_t n)
{
	size_t count = 0;
	while (count < n && files[count].kind == SQL_MIGRATION)
		count++;
	return count;
}

static bool
parse_breaking(const char *text, bool *ret)
{
	static const char yes[] = "-- breaking: yes\n", no[] = "-- breaking: no\n";
	*ret = strncmp(text, yes, sizeof(yes) - 1) == 0;
	return *ret || strncmp(text, no, sizeof(no) - 1) == 0;
}

/* Names are "0001_first.sql", without a gap, and each says whether it breaks older binaries. */
static enum rc
check_files(const struct sql_file *files, size_t count, struct fault *f)
{
	for (size_t i = 0; i < count; i++) {
		char digits[5] = "";
		memcpy(digits, files[i].name, strnlen(files[i].name, 4));
		int64_t number = 0;
		bool breaking;
		if (!num_parse(digits, 1, 9999, &number) || files[i].name[4] != '_' ||
		    number != (int64_t)i + 1)
			return fault_set(f, RC_PERMANENT, "%s: expected migration %04zu here",
			                 files[i].name, i + 1);
		if (!parse_breaking(files[i].text, &breaking))
			return fault_set(f, RC_PERMANENT,
			                 "%s: the first line must be '-- breaking: no' or '… yes'",
			                 files[i].name);
	}
	return RC_OK;
}

/*
 * Rows (id, name, sha256, breaking) in order of id against our files. *ret_known: how many of ours
 * are applied; *ret_newer: whether there are some that are not ours.
 */
static enum rc
compare(const struct db_rows *rows, const struct sql_file *files, size_t count, size_t *ret_known,
        bool *ret_newer, struct fault *f)
{
	size_t known = 0;
	bool newer = false;
	for (size_t i = 0; i < db_count(rows); i++) {
		const char *name = db_text(rows, i, 1);
		if (db_int(rows, i, 0, 0) != (int64_t)i + 1)
			return fault_set(f, RC_PERMANENT,
			                 "the database has migration %s but not %04zu", name,
			                 i + 1);
		if (i >= count && db_bool(rows, i, 3))
			return fault_set(f, RC_PERMANENT,
			                 "the database is newer than this program: migration %s "
			                 "is breaking and not known here",
			                 name);
		if (i >= count) {
			newer = true;
			continue;
		}
		if (strcmp(db_text(rows, i, 2), files[i].sha256) != 0)
			return fault_set(f, RC_PERMANENT,
			                 "migration %s was applied with another content "
			                 "(sha256 %s there, %s here)",
			                 files[i].name, db_text(rows, i, 2), files[i].sha256);
		known++;
	}
	*ret_known = known;
	*ret_newer = newer;
	return RC_OK;
}

static enum rc
record(struct db *db, const struct sql_file *file, size_t id, struct fault *f)
{
	bool breaking = false;
	struct str number = STR_INIT(24);
	parse_breaking(file->text, &breaking);
	str_addf(&number, "%zu", id);
	const char *const args[] = { str_text(&number), file->name, file->sha256,
		                     breaking ? "true" : "false" };
	CLEANUP(db_rows_freep)
	struct db_rows *rows = db_call(db,
	                               "insert into millrace.migration (id, name, sha256, breaking)"
	                               " values ($1, $2, $3, $4)",
	                               ARRAY_LEN(args), args, f);
	str_free(&number);
	return rows ? RC_OK : f->rc;
}

/* Files in order, then the record of a migration (id 0: none). Functions may call those of later
 * files, so their bodies are not looked at yet. */
static enum rc
apply(struct db *db, const struct sql_file *files, size_t n, size_t id, struct fault *f)
{
	enum rc rc = db_script(db, "set local check_function_bodies = off", f);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = db_script(db, files[i].text, f);
		if (rc != RC_OK)
			fault_context(f, "%s", files[i].name);
	}
	return rc == RC_OK && id > 0 ? record(db, &files[0], id, f) : rc;
}

/* The lock is the transaction's own: one of the connection would stay with a pooler. Asked for
 * again and again: who waits inside the server holds a snapshot, and cannot be stopped. A table
 * that somebody uses is not waited for long, lest all others queue up behind us. */
static enum rc
begin_locked(struct db *db, struct fault *f)
{
	int64_t until_ms = clock_mono_ms() + LOCK_WAIT_MS;
	for (;;) {
		enum rc rc = db_script(db, "begin; set local lock_timeout = '2s'", f);
		if (rc != RC_OK)
			return rc;
		CLEANUP(db_rows_freep)
		struct db_rows *rows =
			db_call(db, "select pg_try_advisory_xact_lock(" LOCK ")", 0, NULL, f);
		if (!rows || db_bool(rows, 0, 0))
			return rows ? RC_OK : f->rc;
		if ((rc = db_script(db, "rollback", f)) != RC_OK)
			return rc;
		if (clock_mono_ms() > until_ms)
			return fault_set(f, RC_RETRY, "another migration is still running");
		if (stop_wait_ms(100))
			return fault_set(f, RC_STOP, "stopped while another migration runs");
	}
}

/* What is next: files from *ret_from, *ret_n of them, 0 when all is done. */
static enum rc
find_next(struct db *db, const struct sql_file *files, size_t n, size_t *ret_from, size_t *ret_n,
          struct fault *f)
{
	enum rc rc = db_script(db, record_table, f);
	if (rc != RC_OK)
		return rc;
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		db_call(db, "select id, name, sha256, breaking from millrace.migration order by id",
	                0, NULL, f);
	if (!rows)
		return f->rc;
	size_t count = count_migrations(files, n), known = 0;
	bool newer = false;
	if ((rc = compare(rows, files, count, &known, &newer, f)) != RC_OK)
		return rc;
	*ret_from = known;
	/* An older program must not put older functions back. */
	*ret_n = known < count ? 1 : newer ? 0 : n - count;
	return RC_OK;
}

/* One transaction: a migration, or all that follows them. */
static enum rc
step_once(struct db *db, const struct sql_file *files, size_t n, size_t *ret_from, size_t *ret_n,
          struct fault *f)
{
	size_t from = 0, some = 0;
	enum rc rc = begin_locked(db, f);
	if (rc == RC_OK)
		rc = find_next(db, files, n, &from, &some, f);
	if (rc == RC_OK && some > 0)
		rc = apply(db, files + from, some, files[from].kind == SQL_MIGRATION ? from + 1 : 0,
		           f);
	if (rc == RC_OK)
		rc = db_script(db, "commit", f);
	if (rc != RC_OK) {
		struct fault ignored = { 0 };
		ignore_rc(db_script(db, "rollback", &ignored));
		return rc;
	}
	*ret_from = from;
	*ret_n = some;
	return RC_OK;
}

static enum rc
step(struct db *db, const struct sql_file *files, size_t n, size_t *ret_from, size_t *ret_n,
     struct fault *f)
{
	static const struct backoff pace = { .base_ms = 200, .cap_ms = 5000 };
	for (int attempt = 1;; attempt++) {
		enum rc rc = step_once(db, files, n, ret_from, ret_n, f);
		if (rc != RC_RETRY || db_broken(db) || attempt == TRIES)
			return rc;
		if (stop_wait_ms(backoff_ms(&pace, attempt, backoff_seed())))
			return fault_set(f, RC_STOP, "stopped");
	}
}

enum rc
migrate_run(struct db *db, const struct sql_file *files, size_t n,
            void (*report)(const char *name, void *arg), void *arg, struct fault *f)
{
	struct fault own = { 0 };
	if (!f)
		f = &own;
	const size_t count = count_migrations(files, n);
	enum rc rc = check_files(files, count, f);
	int64_t deadline_ms = db->deadline_ms;
	db_set_deadline_ms(db, STATEMENT_MS);
	for (bool more = rc == RC_OK; more;) {
		size_t from = 0, some = 0;
		rc = step(db, files, n, &from, &some, f);
		for (size_t i = from; rc == RC_OK && report && i < from + some; i++)
			report(files[i].name, arg);
		more = rc == RC_OK && some > 0 && from + some < n;
	}
	db_set_deadline_ms(db, deadline_ms);
	return rc;
}

static bool
is_missing(const struct fault *f)
{
	return strcmp(f->sqlstate, "42883") == 0 || strcmp(f->sqlstate, "3F000") == 0;
}

enum rc
migrate_check(struct db *db, const struct sql_file *files, size_t n, struct fault *f)
{
	struct fault own = { 0 };
	if (!f)
		f = &own;
	CLEANUP(db_rows_freep)
	struct db_rows *rows = db_call(db,
	                               "select id, name, sha256, breaking"
	                               " from millrace.schema_version() order by id",
	                               0, NULL, f);
	if (!rows && is_missing(f))
		return fault_set(f, RC_RETRY,
		                 "the database has no schema yet: run millrace migrate");
	if (!rows)
		return f->rc;
	size_t count = count_migrations(files, n), known = 0;
	bool newer = false;
	enum rc rc = compare(rows, files, count, &known, &newer, f);
	if (rc == RC_OK && known < count)
		rc = fault_set(f, RC_RETRY,
		               "the database is older than this program (%s is missing): run "
		               "millrace migrate",
		               files[known].name);
	return rc;
}
