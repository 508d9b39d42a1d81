/* rows.c -- typed looks at what a call returned. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "db/internal.h"
#include "base/banned.h"

static void
destroy(struct db_rows *r)
{
	if (!r)
		return;
	PQclear(r->result);
	free(r);
}

void
db_rows_free(struct db_rows *r)
{
	destroy(r);
}

void
db_rows_freep(struct db_rows **r)
{
	destroy(*r);
}

size_t
db_count(const struct db_rows *r)
{
	return (size_t)PQntuples(r->result);
}

size_t
db_columns(const struct db_rows *r)
{
	return (size_t)PQnfields(r->result);
}

const char *
db_column_name(const struct db_rows *r, size_t column)
{
	assert(column < db_columns(r));
	return PQfname(r->result, (int)column);
}

const char *
db_text(const struct db_rows *r, size_t row, size_t column)
{
	assert(row < db_count(r) && column < db_columns(r));
	if (PQgetisnull(r->result, (int)row, (int)column))
		return NULL;
	return PQgetvalue(r->result, (int)row, (int)column);
}

int64_t
db_int(const struct db_rows *r, size_t row, size_t column, int64_t if_null)
{
	const char *text = db_text(r, row, column);
	if (!text)
		return if_null;
	char *end = NULL;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	assert(errno == 0 && end != text && *end == '\0');
	return v;
}

bool
db_bool(const struct db_rows *r, size_t row, size_t column)
{
	const char *text = db_text(r, row, column);
	return text && text[0] == 't';
}
