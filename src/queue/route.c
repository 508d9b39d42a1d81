/* route.c -- claiming uploads to route, and recording what the router decided. */
#include <string.h>

#include "queue/internal.h"
#include "base/banned.h"

#define ROUTE_KIND 1

/* Which of the session's kinds is the routing. */
static size_t
route_index(const struct session *s)
{
	size_t i = 0;
	while (i < s->kind_count && s->kind_nos[i] != ROUTE_KIND)
		i++;
	return i;
}

static enum rc
read_item(struct session *s, size_t kind, const struct db_rows *rows, size_t i, struct arena *a,
          struct route_item *item, struct fault *f)
{
	const char **const fields[] = { &item->store,      &item->bucket, &item->key,
		                        &item->version_id, &item->etag,   &item->content_type,
		                        &item->metadata };
	struct ticket *t = &item->ticket;
	t->kind_no = ROUTE_KIND;
	t->class = (int16_t)db_int(rows, i, 0, 0);
	t->position = db_int(rows, i, 1, 0);
	if (!ulid_parse(db_text(rows, i, 2), &t->upload))
		return fault_set(f, RC_BUG, "claim_routes: no upload ID");
	t->attempt = (int)db_int(rows, i, 3, 0);
	t->grant = db_int(rows, i, 4, 0);
	item->size = db_int(rows, i, 5, -1);
	ulid_trace_text(&t->upload, item->trace_id);
	bool ok = session_hold(s, kind, t);
	for (size_t k = 0; ok && k < ARRAY_LEN(fields); k++) {
		const char *text = db_text(rows, i, 6 + k);
		*fields[k] = arena_strdup(a, text);
		ok = !text || *fields[k];
	}
	return ok ? RC_OK : fault_set(f, RC_RETRY, "no memory for the claimed uploads");
}

enum rc
upload_claim_routes(struct session *s, struct db *db, size_t limit, bool fresh, struct arena *a,
                    struct route_item **ret, size_t *ret_n, struct fault *f)
{
	size_t kind = route_index(s);
	if (kind == s->kind_count)
		return fault_set(f, RC_BUG, "this session does not serve the kind 'route'");
	*ret_n = 0;
	if (session_alone(s))
		return RC_OK;
	CLEANUP(args_free) struct args args = { 0 };
	args_int(&args, s->number);
	args_int(&args, (int64_t)limit);
	session_add_place(s, kind, fresh, &args);
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call(
		&args, db,
		"select class, pos, upload_id, attempt, grant_no, size, store, bucket, key,"
		" version_id, etag, content_type, metadata"
		" from millrace.claim_routes($1, $2, $3, $4, $5)",
		f);
	if (!rows)
		return f->rc;
	size_t n = db_count(rows);
	struct route_item *items = n > 0 ? arena_alloc(a, n * sizeof(*items)) : NULL;
	if (n > 0 && !items)
		return fault_set(f, RC_RETRY, "no memory for the claimed uploads");
	for (size_t i = 0; i < n; i++)
		if (read_item(s, kind, rows, i, a, &items[i], f) != RC_OK)
			return f->rc;
	*ret = items;
	*ret_n = n;
	return RC_OK;
}

static const char *const outcomes[] = {
	[ROUTE_EXPAND] = "expand",           [ROUTE_REJECTED] = "rejected",
	[ROUTE_IGNORED] = "ignored",         [ROUTE_SOURCE_GONE] = "source_gone",
	[ROUTE_SUPERSEDED] = "superseded",   [ROUTE_RETRY] = "retry",
	[ROUTE_INTERRUPTED] = "interrupted",
};

const char *
route_outcome_name(enum route_outcome o)
{
	return outcomes[o];
}

static void
add_results(struct args *a, const struct route_result *results, size_t n)
{
	struct str *classes = args_array(a), *positions = args_array(a), *uploads = args_array(a),
		   *ends = args_array(a), *rules = args_array(a), *details = args_array(a);
	struct str detail = STR_INIT(details->max);
	for (size_t i = 0; i < n; i++) {
		const struct route_result *r = &results[i];
		char uuid[ULID_UUID_MAX];
		db_array_int(classes, r->ticket.class);
		db_array_int(positions, r->ticket.position);
		db_array_text(uploads, ulid_uuid_text(&r->ticket.upload, uuid));
		db_array_text(ends, outcomes[r->outcome]);
		if (r->rule_no < 0)
			db_array_text(rules, NULL);
		else
			db_array_int(rules, r->rule_no);
		str_reset(&detail);
		details_of_route(r, &detail);
		db_array_text(details, str_text(&detail));
		details->failed |= detail.failed;
	}
	str_free(&detail);
}

/* What the answer does not name was not ours any more. */
static enum rc
read_accepted(const struct db_rows *rows, size_t n, bool *ret, struct fault *f)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = false;
	for (size_t i = 0; i < db_count(rows); i++) {
		int64_t at = db_int(rows, i, 0, -1);
		if (at < 0 || (size_t)at >= n)
			return fault_set(f, RC_BUG, "expand_uploads answered row %zu wrongly", i);
		ret[at] = true;
	}
	return RC_OK;
}

static void
drop_or_undo(struct session *s, const struct route_result *results, size_t n,
             void (*change)(struct grants *g, int64_t number))
{
	for (size_t i = 0; i < n; i++)
		change(&s->grants, results[i].ticket.grant);
}

/* Whose jobs are due now: each rule once. True when routings are due again, too. */
static bool
add_rules(struct args *a, int pipeline_no, const struct route_result *results, size_t n)
{
	args_int(a, pipeline_no);
	struct str *rules = args_array(a);
	bool again = false;
	int16_t last = -1;
	for (size_t i = 0; i < n; i++) {
		again |= results[i].outcome == ROUTE_INTERRUPTED;
		if (results[i].outcome == ROUTE_EXPAND && results[i].rule_no != last)
			db_array_int(rules, last = results[i].rule_no);
	}
	return again;
}

enum rc
upload_expand(struct session *s, struct db *db, int pipeline_no, const struct route_result *results,
              size_t n, bool *ret_accepted, struct fault *f)
{
	if (n == 0)
		return RC_OK;
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, s->number);
	args_int(&a, pipeline_no);
	add_results(&a, results, n);
	drop_or_undo(s, results, n, grants_drop);
	grants_finished(&s->grants, args_array(&a));
	CLEANUP(args_free) struct args wake = { 0 };
	bool again = add_rules(&wake, pipeline_no, results, n);
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call_wake(&a, db,
	                                      "select n, wake from millrace.expand_uploads"
	                                      "($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	                                      "select millrace.wake_rules($1, $2)", &wake, f);
	if (!rows) {
		drop_or_undo(s, results, n, grants_undo);
		return f->rc;
	}
	grants_forget_finished(&s->grants);
	if (again && db_count(rows) > 0)
		queue_wake(db, db_text(rows, 0, 1));
	return read_accepted(rows, n, ret_accepted, f);
}
