/* args.c -- parameters of a call, waking, and reading small arrays. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "base/num.h"
#include "base/banned.h"

/* Well below what one message to PostgreSQL may hold. */
#define ARG_BYTES_MAX ((size_t)512 << 20)

void
args_free(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		str_free(&a->text[i]);
	a->n = 0;
}

static struct str *
next(struct args *a)
{
	assert(a->n < ARGS_MAX);
	struct str *s = &a->text[a->n++];
	str_init(s, ARG_BYTES_MAX);
	return s;
}

struct str *
args_array(struct args *a)
{
	a->array[a->n] = true;
	struct str *s = next(a);
	db_array_open(s);
	return s;
}

void
args_int(struct args *a, int64_t v)
{
	str_addf(next(a), "%" PRId64, v);
}

void
args_text(struct args *a, const char *text)
{
	str_add(next(a), text);
}

struct str *
args_json(struct args *a)
{
	return next(a);
}

static enum rc
close_all(struct args *a, const char *ret[ARGS_MAX], struct fault *f)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->array[i])
			db_array_close(&a->text[i]);
		if (a->text[i].failed)
			return fault_set(f, RC_PERMANENT,
			                 "a parameter is over %zu MiB, or memory ended",
			                 ARG_BYTES_MAX >> 20);
		ret[i] = str_text(&a->text[i]);
	}
	return RC_OK;
}

static struct db_rows *
call(struct args *a, struct db *db, const char *sql, struct fault *f)
{
	const char *ptrs[ARGS_MAX];
	if (close_all(a, ptrs, f) != RC_OK)
		return NULL;
	return db_call(db, sql, a->n, ptrs, f);
}

struct db_rows *
args_call(struct args *a, struct db *db, const char *sql, struct fault *f)
{
	return call(a, db, sql, f);
}

struct db_rows *
args_call_wake(struct args *a, struct db *db, const char *sql, const char *wake_sql,
               struct args *wake, struct fault *f)
{
	const char *ptrs[ARGS_MAX], *wake_ptrs[ARGS_MAX];
	enum rc woken = RC_OK;
	if (close_all(a, ptrs, f) != RC_OK || close_all(wake, wake_ptrs, f) != RC_OK)
		return NULL;
	return db_call_then(db, sql, a->n, ptrs, wake_sql, wake->n, wake_ptrs, &woken, f);
}

void
queue_wake(struct db *db, const char *kinds)
{
	if (!kinds || strcmp(kinds, "{}") == 0)
		return;
	struct fault ignored = { 0 };
	const char *const args[] = { kinds };
	db_rows_free(db_call(db, "select millrace.wake($1)", 1, args, &ignored));
}

enum rc
queue_count_call(struct db *db, const char *sql, struct args *a, int64_t *ret, struct fault *f)
{
	CLEANUP(db_rows_freep) struct db_rows *rows = call(a, db, sql, f);
	if (!rows)
		return f->rc;
	if (db_count(rows) != 1 || db_columns(rows) < 2)
		return fault_set(f, RC_BUG, "expected one row: %s", sql);
	queue_wake(db, db_text(rows, 0, db_columns(rows) - 1));
	*ret = db_int(rows, 0, 0, 0);
	return RC_OK;
}

/* The text of element i, at most 7 characters, at *p; moves *p behind it. */
static bool
next_element(const char **p, bool last, char ret[8])
{
	size_t n = strcspn(*p, ",}");
	if (n == 0 || n > 7 || (*p)[n] != (last ? '}' : ','))
		return false;
	memcpy(ret, *p, n);
	ret[n] = '\0';
	*p += n + 1;
	return true;
}

bool
read_int16s(const char *text, int16_t *ret, size_t n)
{
	if (!text || *text++ != '{' || (n == 0 && *text++ != '}'))
		return false;
	for (size_t i = 0; i < n; i++) {
		char one[8];
		int64_t v = 0;
		if (!next_element(&text, i + 1 == n, one) ||
		    !num_parse(one, INT16_MIN, INT16_MAX, &v))
			return false;
		ret[i] = (int16_t)v;
	}
	return *text == '\0';
}

bool
read_bools(const char *text, bool *ret, size_t n)
{
	if (!text || *text++ != '{' || (n == 0 && *text++ != '}'))
		return false;
	for (size_t i = 0; i < n; i++) {
		char one[8];
		if (!next_element(&text, i + 1 == n, one) || one[1] ||
		    (one[0] != 't' && one[0] != 'f'))
			return false;
		ret[i] = one[0] == 't';
	}
	return *text == '\0';
}

size_t
find_name(const char *const names[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (name && strcmp(names[i], name) == 0)
			return i;
	return n;
}
