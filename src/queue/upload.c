/* upload.c -- uploads come in: accepted from notifications, expected before them. */
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "base/banned.h"

#define ROUTE_KINDS "{1}"

static const char *const outcomes[] = {
	[UPLOAD_ACCEPTED] = "accepted",
	[UPLOAD_DUPLICATE] = "duplicate",
	[UPLOAD_REFUSED] = "refused",
	[UPLOAD_NOTED] = "noted",
};

const char *
upload_outcome_name(enum upload_outcome o)
{
	return outcomes[o];
}

static enum rc
read_verdicts(const struct db_rows *rows, size_t n, struct upload_verdict *ret, struct fault *f)
{
	if (db_count(rows) != n)
		return fault_set(f, RC_BUG, "accept_uploads answered %zu rows for %zu records",
		                 db_count(rows), n);
	for (size_t i = 0; i < n; i++) {
		size_t outcome = find_name(outcomes, ARRAY_LEN(outcomes), db_text(rows, i, 1));
		if (db_int(rows, i, 0, -1) != (int64_t)i || outcome == ARRAY_LEN(outcomes))
			return fault_set(f, RC_BUG, "accept_uploads answered row %zu wrongly", i);
		struct upload_verdict v = { .outcome = (enum upload_outcome)outcome };
		const char *id = db_text(rows, i, 2);
		if (id && !ulid_parse(id, &v.id))
			return fault_set(f, RC_BUG, "accept_uploads answered an ID that is none");
		ret[i] = v;
	}
	return RC_OK;
}

static enum rc
add_events(struct args *a, const struct upload_event *events, size_t n, struct fault *f)
{
	struct ulid *ids = calloc(n + 1, sizeof(*ids));
	if (!ids)
		return fault_set(f, RC_RETRY, "out of memory");
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = ulid_new(&ids[i], f);
	if (rc == RC_OK)
		events_json(events, n, ids, args_json(a));
	free(ids);
	return rc;
}

enum rc
upload_accept(struct db *db, const struct upload_body *bodies, size_t body_n,
              const struct upload_event *events, size_t n, struct upload_verdict *ret,
              struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	struct str *sources = args_array(&a), *bytes = args_array(&a);
	for (size_t i = 0; i < body_n; i++) {
		db_array_text(sources, bodies[i].source);
		db_array_bytes(bytes, bodies[i].bytes, bodies[i].n);
	}
	enum rc rc = add_events(&a, events, n, f);
	if (rc != RC_OK)
		return rc;
	CLEANUP(args_free) struct args wake = { 0 };
	args_text(&wake, ROUTE_KINDS);
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call_wake(
		&a, db, "select n, outcome, upload_id from millrace.accept_uploads($1, $2, $3)",
		"select millrace.wake($1)", &wake, f);
	return rows ? read_verdicts(rows, n, ret, f) : f->rc;
}

enum rc
upload_expect(struct db *db, const char *store, const char *bucket, const char *key,
              struct ulid *ret, struct fault *f)
{
	struct ulid id;
	char uuid[ULID_UUID_MAX];
	enum rc rc = ulid_new(&id, f);
	if (rc != RC_OK)
		return rc;
	CLEANUP(args_free) struct args a = { 0 };
	args_text(&a, ulid_uuid_text(&id, uuid));
	args_text(&a, store);
	args_text(&a, bucket);
	args_text(&a, key);
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		args_call(&a, db, "select millrace.expect_upload($1, $2, $3, $4)", f);
	if (!rows)
		return f->rc;
	*ret = id;
	return RC_OK;
}

enum rc
upload_register_pipeline(struct db *db, const char *sha256_hex, const char *body_json,
                         int *ret_pipeline_no, struct fault *f)
{
	const char *const args[] = { sha256_hex, body_json };
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		db_call(db, "select millrace.register_pipeline($1, $2)", ARRAY_LEN(args), args, f);
	if (!rows)
		return f->rc;
	if (db_count(rows) != 1)
		return fault_set(f, RC_BUG, "register_pipeline answered no number");
	*ret_pipeline_no = (int)db_int(rows, 0, 0, 0);
	return RC_OK;
}
