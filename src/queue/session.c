/* session.c -- a worker's lease: opened, kept by heartbeats, carried over a reconnect, closed. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "base/clock.h"
#include "base/banned.h"

static void
release(struct session *s)
{
	free(s->worker);
	free(s->host);
	free(s->version);
	free(s->kinds);
	free(s->kind_nos);
	free(s->marks);
	grants_free(&s->grants);
	free(s);
}

void
session_free(struct session *s)
{
	if (s)
		release(s);
}

static char *
kinds_literal(const struct session_conf *c)
{
	struct str s = STR_INIT(1 << 20);
	db_array_open(&s);
	for (size_t i = 0; i < c->kind_count; i++)
		db_array_text(&s, c->kinds[i]);
	db_array_close(&s);
	char *text = s.failed ? NULL : str_take(&s);
	str_free(&s);
	return text;
}

static void
clear_memory(struct session *s)
{
	for (size_t i = 0; i < s->kind_count; i++)
		marks_clear(&s->marks[i]);
	grants_clear(&s->grants);
}

static struct session *
new_session(const struct session_conf *c)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->kind_count = c->kind_count;
	s->slots = c->slots;
	s->worker = strdup(c->worker);
	s->host = strdup(c->host);
	s->version = strdup(c->version);
	s->kinds = kinds_literal(c);
	s->kind_nos = calloc(c->kind_count + 1, sizeof(*s->kind_nos));
	s->marks = calloc(c->kind_count + 1, sizeof(*s->marks));
	if (s->worker && s->host && s->version && s->kinds && s->kind_nos && s->marks)
		return s;
	release(s);
	return NULL;
}

static void
add_description(const struct session *s, struct args *a)
{
	args_text(a, s->worker);
	args_text(a, s->host);
	args_text(a, s->version);
	args_text(a, s->kinds);
	args_int(a, s->slots);
}

/* Columns (session, kind_nos, …) of the only row. */
static enum rc
take_number(struct session *s, const struct db_rows *rows, struct fault *f)
{
	if (db_count(rows) != 1 || !db_text(rows, 0, 0) ||
	    !read_int16s(db_text(rows, 0, 1), s->kind_nos, s->kind_count))
		return fault_set(f, RC_BUG, "a session needs a number for each kind");
	s->number = db_int(rows, 0, 0, 0);
	clear_memory(s);
	return RC_OK;
}

static enum rc
open_session(struct session *s, struct db *db, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	add_description(s, &a);
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call(
		&a, db, "select session, kind_nos from millrace.open_session($1, $2, $3, $4, $5)",
		f);
	return rows ? take_number(s, rows, f) : f->rc;
}

struct session *
session_open(struct db *db, const struct session_conf *c, struct fault *f)
{
	struct session *s = new_session(c);
	if (!s) {
		fault_set(f, RC_RETRY, "out of memory");
		return NULL;
	}
	if (open_session(s, db, f) == RC_OK)
		return s;
	release(s);
	return NULL;
}

int64_t
session_number(const struct session *s)
{
	return s->number;
}

int16_t
session_kind_no(const struct session *s, size_t kind)
{
	assert(kind < s->kind_count);
	return s->kind_nos[kind];
}

void
session_add_place(struct session *s, size_t kind, bool settled, struct args *a)
{
	struct str *classes = args_array(a), *marks = args_array(a);
	int64_t now_ms = clock_mono_ms();
	for (int16_t class = 0; class < MARK_CLASSES; class ++) {
		int64_t mark = marks_frontier(&s->marks[kind], class, settled, now_ms);
		if (mark < 0)
			continue;
		db_array_int(classes, class);
		db_array_int(marks, mark);
	}
	args_int(a, (int64_t)grants_held(&s->grants));
}

bool
session_alone(const struct session *s)
{
	return s->suspect && grants_held(&s->grants) > 0;
}

bool
session_hold(struct session *s, size_t kind, const struct ticket *t)
{
	s->suspect = t->class >= SUSPECT_CLASS;
	marks_advance(&s->marks[kind], t->class, t->position, clock_mono_ms());
	return grants_add(&s->grants, t->grant);
}

/* The settled frontiers that moved since the last heartbeat: others start from them, so none may be
 * where a commit is still to be expected. */
static void
add_moved_marks(struct session *s, struct args *a)
{
	struct str *kinds = args_array(a), *classes = args_array(a), *marks = args_array(a);
	int64_t now_ms = clock_mono_ms();
	for (size_t kind = 0; kind < s->kind_count; kind++)
		for (int16_t class = 0; class < MARK_CLASSES; class ++) {
			int64_t mark = marks_frontier(&s->marks[kind], class, true, now_ms);
			if (mark <= s->marks[kind].of[class].stored)
				continue;
			db_array_int(kinds, s->kind_nos[kind]);
			db_array_int(classes, class);
			db_array_int(marks, mark);
		}
}

static void
note_stored(struct session *s)
{
	for (size_t kind = 0; kind < s->kind_count; kind++)
		for (size_t class = 0; class < MARK_CLASSES; class ++)
			s->marks[kind].of[class].stored = s->marks[kind].of[class].settled;
}

enum rc
session_heartbeat(struct session *s, struct db *db, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, s->number);
	add_moved_marks(s, &a);
	grants_finished(&s->grants, args_array(&a));
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		args_call(&a, db, "select millrace.heartbeat($1, $2, $3, $4, $5)", f);
	if (!rows)
		return f->rc;
	if (db_count(rows) != 1 || !db_bool(rows, 0, 0))
		return fault_set(f, RC_LOST, "the session is gone: its jobs went to others");
	note_stored(s);
	grants_forget_finished(&s->grants);
	return RC_OK;
}

/* What is still ours is held under one new grant. */
static enum rc
take_kept(struct session *s, const struct db_rows *rows, struct ticket *held, size_t n,
          bool *ret_kept, struct fault *f)
{
	bool *kept = n > 0 ? calloc(n, sizeof(*kept)) : NULL;
	if (n > 0 && (!kept || !read_bools(db_text(rows, 0, 2), kept, n))) {
		free(kept);
		return fault_set(f, RC_BUG, "reopen_session did not answer for each ticket");
	}
	enum rc rc = take_number(s, rows, f);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		ret_kept[i] = kept[i];
		if (!kept[i])
			continue;
		held[i].grant = db_int(rows, 0, 3, 0);
		if (!grants_add(&s->grants, held[i].grant))
			rc = fault_set(f, RC_RETRY, "out of memory");
	}
	free(kept);
	return rc;
}

enum rc
session_reopen(struct session *s, struct db *db, struct ticket *held, size_t n, bool *ret_kept,
               struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, s->number);
	add_description(s, &a);
	struct str *kinds = args_array(&a), *classes = args_array(&a), *positions = args_array(&a);
	for (size_t i = 0; i < n; i++) {
		db_array_int(kinds, held[i].kind_no);
		db_array_int(classes, held[i].class);
		db_array_int(positions, held[i].position);
	}
	CLEANUP(db_rows_freep)
	struct db_rows *rows =
		args_call(&a, db,
	                  "select session, numbers, kept, grant_no"
	                  " from millrace.reopen_session($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	                  f);
	return rows ? take_kept(s, rows, held, n, ret_kept, f) : f->rc;
}

enum rc
session_close(struct session *s, struct db *db, struct fault *f)
{
	CLEANUP(args_free) struct args a = { 0 };
	args_int(&a, s->number);
	CLEANUP(db_rows_freep)
	struct db_rows *rows = args_call(&a, db, "select millrace.close_session($1)", f);
	if (!rows)
		return f->rc;
	if (db_count(rows) == 1)
		queue_wake(db, db_text(rows, 0, 0));
	clear_memory(s);
	return RC_OK;
}
