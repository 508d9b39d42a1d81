/* table.c -- aligned columns for people. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/show.h"
#include "base/utf8.h"
#include "base/banned.h"

#define CELL_MAX 4096
#define GAP 2

struct table {
	const char *const *heads; /* borrowed */
	size_t columns;
	struct str *cells; /* owned, row by row */
	size_t n, cap;
	bool failed;
};

static void
destroy(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		str_free(&t->cells[i]);
	free(t->cells);
	free(t);
}

void
table_free(struct table *t)
{
	destroy(t);
}

void
table_freep(struct table **t)
{
	destroy(*t);
}

struct table *
table_new(const char *const heads[], size_t n)
{
	struct table *t = calloc(1, sizeof(*t));
	if (t) {
		t->heads = heads;
		t->columns = n;
	}
	return t;
}

static struct str *
next_cell(struct table *t)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct str *cells = realloc(t->cells, cap * sizeof(*cells));
		if (!cells) {
			t->failed = true;
			return NULL;
		}
		t->cells = cells;
		t->cap = cap;
	}
	str_init(&t->cells[t->n], CELL_MAX);
	return &t->cells[t->n++];
}

/* Cells are one line of at most CELL_MAX bytes; of more, the start. */
static void
add_clean(struct str *cell, const char *text)
{
	size_t n = strnlen(text, CELL_MAX);
	if (n >= CELL_MAX - 1)
		n = utf8_cut(text, CELL_MAX / 2);
	for (size_t i = 0; i < n; i++)
		str_addc(cell, (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
}

void
table_text(struct table *t, const char *text)
{
	struct str *cell = next_cell(t);
	if (cell)
		add_clean(cell, text && *text ? text : "-");
}

static void
add_value(struct str *cell, const struct json *v)
{
	int64_t number = 0;
	if (json_int(v, &number))
		str_addf(cell, "%" PRId64, number);
	else if (json_type(v) == JSON_BOOL_)
		str_add(cell, json_bool(v, false) ? "yes" : "no");
	else if (json_text(v))
		add_clean(cell, json_text(v));
	else
		str_add(cell, "-");
}

void
table_value(struct table *t, const struct json *v)
{
	struct str *cell = next_cell(t);
	if (!cell)
		return;
	if (json_type(v) != JSON_ARRAY_) {
		add_value(cell, v);
		return;
	}
	for (size_t i = 0; i < json_count(v); i++) {
		if (i > 0)
			str_addc(cell, ',');
		add_value(cell, json_at(v, i));
	}
}

void
table_time(struct table *t, const struct json *v)
{
	const char *text = json_text(v);
	struct str *cell = next_cell(t);
	if (!cell)
		return;
	if (!text || strlen(text) < strlen("2026-01-02T03:04:05"))
		str_add(cell, "-");
	else
		str_addf(cell, "%.10s %.8sZ", text, text + 11);
}

static size_t
width_of(const char *text)
{
	size_t width = 0;
	for (; *text; text++)
		width += ((unsigned char)*text & 0xC0) != 0x80;
	return width;
}

static size_t
column_width(const struct table *t, size_t column)
{
	size_t width = width_of(t->heads[column]);
	for (size_t i = column; i < t->n; i += t->columns) {
		size_t w = width_of(str_text(&t->cells[i]));
		if (w > width)
			width = w;
	}
	return width;
}

static void
print_cell(const char *text, size_t width, bool last, FILE *to)
{
	fputs(text, to);
	for (size_t i = width_of(text); !last && i < width + GAP; i++)
		fputc(' ', to);
	if (last)
		fputc('\n', to);
}

void
table_print(const struct table *t, const char *if_empty, FILE *to)
{
	if (!t || t->failed || t->columns == 0) {
		fputs("out of memory\n", to);
		return;
	}
	if (t->n == 0) {
		fprintf(to, "%s\n", if_empty);
		return;
	}
	size_t *widths = calloc(t->columns, sizeof(*widths));
	for (size_t c = 0; widths && c < t->columns; c++)
		widths[c] = column_width(t, c);
	for (size_t c = 0; c < t->columns; c++)
		print_cell(t->heads[c], widths ? widths[c] : 0, c + 1 == t->columns, to);
	for (size_t i = 0; i < t->n; i++) {
		size_t c = i % t->columns;
		print_cell(str_text(&t->cells[i]), widths ? widths[c] : 0, c + 1 == t->columns, to);
	}
	free(widths);
}
