/* json.h -- reading JSON; the only face of jansson. Writing is str_add_json. */
#ifndef NET_JSON_H
#define NET_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

/* A document is owned; the values in it are borrowed and live as long as it does. Every reader
 * accepts NULL for a value and answers as for a missing one, so that paths can be chained. */
struct json_doc;
struct json;

enum json_type {
	JSON_NULL_,
	JSON_BOOL_,
	JSON_INT_,
	JSON_REAL_,
	JSON_TEXT_,
	JSON_ARRAY_,
	JSON_OBJECT_,
	JSON_MISSING_
};

void json_free(struct json_doc *d);
void json_freep(struct json_doc **d);
/* RC_PERMANENT with line and column: not JSON, deeper than max_depth, a duplicate key, \u0000,
 * invalid UTF-8, trailing bytes, n == 0. Depth is checked before parsing, so "[[[[…" costs nothing.
 */
struct json_doc *json_parse(const char *p, size_t n, int max_depth, struct fault *f)
	OWNS(json_free);
const struct json *json_root(const struct json_doc *d);

enum json_type json_type(const struct json *v);
const struct json *json_get(const struct json *object, const char *key);
size_t json_count(const struct json *v); /* of an array or an object, else 0 */
const struct json *json_at(const struct json *array, size_t i);
/* The i-th member of an object, in the file's order. */
const struct json *json_member(const struct json *object, size_t i, const char **ret_key);
const char *json_text(const struct json *v);       /* NULL unless a string */
bool json_int(const struct json *v, int64_t *ret); /* false unless an integer */
bool json_bool(const struct json *v, bool if_missing);
/* The value as compact JSON, keys sorted. */
bool json_write(const struct json *v, struct str *out);

#endif
