/* json.c -- reading JSON with jansson, under limits of our own. */
#include "net/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* jansson has a type of that name, we have a function. */
#define json_type jansson_type
#include <jansson.h>
#undef json_type

#include "base/banned.h"

/* One value. The members of a container lie side by side, so that reaching the i-th of a hostile
 * object costs nothing; texts and keys stay jansson's. */
struct json {
	enum json_type type;
	const char *key; /* as a member of an object */
	const json_t *value;
	struct json *kids;
	size_t count;
};

struct json_doc {
	json_t *tree;
	struct json *nodes; /* the root is the first */
};

static void
destroy(struct json_doc *d)
{
	if (d == NULL)
		return;
	json_decref(d->tree);
	free(d->nodes);
	free(d);
}

void
json_free(struct json_doc *d)
{
	destroy(d);
}

void
json_freep(struct json_doc **d)
{
	json_free(*d);
}

static enum json_type
type_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return JSON_OBJECT_;
	case JSON_ARRAY:
		return JSON_ARRAY_;
	case JSON_STRING:
		return JSON_TEXT_;
	case JSON_INTEGER:
		return JSON_INT_;
	case JSON_REAL:
		return JSON_REAL_;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_BOOL_;
	case JSON_NULL:
		return JSON_NULL_;
	}
	return JSON_MISSING_;
}

static size_t
count_nodes(json_t *v)
{
	size_t i, n = 1;
	const char *key;
	json_t *kid;

	if (json_is_array(v)) {
		json_array_foreach(v, i, kid) n += count_nodes(kid);
	} else if (json_is_object(v)) {
		json_object_foreach(v, key, kid) n += count_nodes(kid);
	}
	return n;
}

/* Fills n and all below it; *free_nodes moves past what was used. Recursion is bounded by the depth
 * that json_parse let through. */
static void
fill_node(struct json *n, json_t *v, struct json **free_nodes)
{
	size_t i = 0;
	const char *key;
	json_t *kid;

	n->type = type_of(v);
	n->value = v;
	if (n->type != JSON_ARRAY_ && n->type != JSON_OBJECT_)
		return;
	n->count = n->type == JSON_ARRAY_ ? json_array_size(v) : json_object_size(v);
	n->kids = *free_nodes;
	*free_nodes += n->count;
	if (n->type == JSON_ARRAY_) {
		json_array_foreach(v, i, kid) fill_node(&n->kids[i], kid, free_nodes);
		return;
	}
	json_object_foreach(v, key, kid)
	{
		n->kids[i].key = key;
		fill_node(&n->kids[i++], kid, free_nodes);
	}
	assert(i == n->count);
}

struct place {
	size_t line, column;
};

static struct place
place_of(const char *p, size_t at)
{
	struct place w = { 1, 1 };

	for (size_t i = 0; i < at; i++) {
		w.column++;
		if (p[i] == '\n')
			w = (struct place){ w.line + 1, 1 };
	}
	return w;
}

static enum rc
check_depth(const char *p, size_t n, int max_depth, struct fault *f)
{
	struct place w;
	bool in_text = false;
	int depth = 0;

	for (size_t i = 0; i < n; i++) {
		if (in_text) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				in_text = false;
			continue;
		}
		if (p[i] == '"')
			in_text = true;
		else if (p[i] == ']' || p[i] == '}')
			depth--;
		else if ((p[i] == '[' || p[i] == '{') && ++depth > max_depth) {
			w = place_of(p, i);
			return fault_set(f, RC_PERMANENT,
			                 "line %zu, column %zu: nested deeper than %d", w.line,
			                 w.column, max_depth);
		}
	}
	return RC_OK;
}

struct json_doc *
json_parse(const char *p, size_t n, int max_depth, struct fault *f)
{
	struct json_doc *d;
	struct json *free_nodes;
	json_error_t e;

	if (n == 0) {
		fault_set(f, RC_PERMANENT, "line 1, column 1: empty, not JSON");
		return NULL;
	}
	if (check_depth(p, n, max_depth, f) != RC_OK)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		goto no_memory;
	d->tree = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (d->tree == NULL) {
		if (json_error_code(&e) == json_error_out_of_memory)
			goto no_memory;
		fault_set(f, RC_PERMANENT, "line %d, column %d: %s", e.line, e.column, e.text);
		destroy(d);
		return NULL;
	}
	d->nodes = calloc(count_nodes(d->tree), sizeof(*d->nodes));
	if (d->nodes == NULL)
		goto no_memory;
	free_nodes = d->nodes + 1;
	fill_node(d->nodes, d->tree, &free_nodes);
	return d;
no_memory:
	destroy(d);
	fault_set(f, RC_RETRY, "no memory for a JSON text of %zu bytes", n);
	return NULL;
}

const struct json *
json_root(const struct json_doc *d)
{
	return d == NULL ? NULL : d->nodes;
}

enum json_type
json_type(const struct json *v)
{
	return v == NULL ? JSON_MISSING_ : v->type;
}

const struct json *
json_get(const struct json *object, const char *key)
{
	if (json_type(object) != JSON_OBJECT_)
		return NULL;
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->kids[i].key, key) == 0)
			return &object->kids[i];
	return NULL;
}

size_t
json_count(const struct json *v)
{
	return v == NULL ? 0 : v->count;
}

const struct json *
json_at(const struct json *array, size_t i)
{
	if (json_type(array) != JSON_ARRAY_ || i >= array->count)
		return NULL;
	return &array->kids[i];
}

const struct json *
json_member(const struct json *object, size_t i, const char **ret_key)
{
	if (json_type(object) != JSON_OBJECT_ || i >= object->count)
		return NULL;
	*ret_key = object->kids[i].key;
	return &object->kids[i];
}

const char *
json_text(const struct json *v)
{
	return json_type(v) == JSON_TEXT_ ? json_string_value(v->value) : NULL;
}

bool
json_int(const struct json *v, int64_t *ret)
{
	if (json_type(v) != JSON_INT_)
		return false;
	*ret = json_integer_value(v->value);
	return true;
}

bool
json_bool(const struct json *v, bool if_missing)
{
	return json_type(v) == JSON_BOOL_ ? json_is_true(v->value) : if_missing;
}

static int
by_key(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static bool
write_object(const struct json *v, struct str *out)
{
	const struct json **sorted = calloc(v->count + 1, sizeof(struct json *));
	bool ok = sorted != NULL && str_addc(out, '{');

	for (size_t i = 0; ok && i < v->count; i++)
		sorted[i] = &v->kids[i];
	if (ok)
		qsort(sorted, v->count, sizeof(struct json *), by_key);
	for (size_t i = 0; ok && i < v->count; i++)
		ok = (i == 0 || str_addc(out, ',')) && str_add_json(out, sorted[i]->key) &&
		     str_addc(out, ':') && json_write(sorted[i], out);
	free(sorted);
	return ok && str_addc(out, '}');
}

static bool
write_array(const struct json *v, struct str *out)
{
	bool ok = str_addc(out, '[');

	for (size_t i = 0; ok && i < v->count; i++)
		ok = (i == 0 || str_addc(out, ',')) && json_write(&v->kids[i], out);
	return ok && str_addc(out, ']');
}

/* A real stays a real: 1.0 is not written as 1. */
static bool
write_real(double d, struct str *out)
{
	size_t from = out->len;

	if (!str_addf(out, "%.17g", d))
		return false;
	if (strpbrk(out->data + from, ".e") == NULL)
		return str_add(out, ".0");
	return true;
}

bool
json_write(const struct json *v, struct str *out)
{
	switch (json_type(v)) {
	case JSON_MISSING_:
	case JSON_NULL_:
		return str_add(out, "null");
	case JSON_BOOL_:
		return str_add(out, json_bool(v, false) ? "true" : "false");
	case JSON_INT_:
		return str_addf(out, "%lld", (long long)json_integer_value(v->value));
	case JSON_REAL_:
		return write_real(json_real_value(v->value), out);
	case JSON_TEXT_:
		return str_add_json(out, json_string_value(v->value));
	case JSON_ARRAY_:
		return write_array(v, out);
	case JSON_OBJECT_:
		return write_object(v, out);
	}
	return false;
}
