/* reader.c -- typed reading of JSON that notes each problem with its path. */
#include "route/reader.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PROBLEMS_MAX 100
#define TEXT_MAX (64u * 1024)

static void
add_path(struct str *out, const struct at *at)
{
	if (!at)
		return;
	add_path(out, at->up);
	if (!at->key)
		str_addf(out, "[%zu]", at->index);
	else if (*at->key != '\0')
		str_addf(out, "%s%s", out->len > 0 ? "." : "", at->key);
}

static void PRINTF_LIKE(4, 0) note(struct reader *r, struct pipeline_problems *list,
                                   const struct at *at, const char *fmt, va_list ap)
{
	if (list->count >= PROBLEMS_MAX) {
		list->more = true;
		return;
	}
	struct pipeline_problem *items =
		realloc(list->items, (list->count + 1) * sizeof(*list->items));
	if (!items) {
		r->exhausted = true;
		return;
	}
	struct str path = STR_INIT(TEXT_MAX), message = STR_INIT(TEXT_MAX);
	add_path(&path, at);
	str_vaddf(&message, fmt, ap);
	struct pipeline_problem problem = {
		.path = path.len ? str_take(&path) : strdup(""),
		.message = message.len ? str_take(&message) : strdup("is wrong"),
	};
	items[list->count++] = problem;
	list->items = items;
	KEPT(items);
	KEPT(problem.path);
	KEPT(problem.message);
}

void
reader_problem(struct reader *r, const struct at *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(r, r->problems, at, fmt, ap);
	va_end(ap);
}

void
reader_warning(struct reader *r, const struct at *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(r, r->warnings, at, fmt, ap);
	va_end(ap);
}

void *
reader_alloc(struct reader *r, size_t count, size_t size)
{
	void *p = arena_alloc(r->arena, (count ? count : 1) * size);
	if (!p)
		r->exhausted = true;
	return p;
}

const char *
reader_copy(struct reader *r, const char *text)
{
	const char *copy = arena_strdup(r->arena, text);
	if (!copy)
		r->exhausted = true;
	return copy;
}

bool
reader_object(struct reader *r, const struct at *at, const struct json *v,
              const char *const known[], size_t n)
{
	if (json_type(v) != JSON_OBJECT_) {
		reader_problem(r, at, "must be an object");
		return false;
	}
	for (size_t i = 0; i < json_count(v); i++) {
		const char *key = NULL;
		bool found = false;
		json_member(v, i, &key);
		for (size_t k = 0; k < n && !found; k++)
			found = strcmp(known[k], key) == 0;
		if (!found)
			reader_problem(r, &(struct at){ .up = at, .key = key }, "is not known");
	}
	return true;
}

bool
reader_required(struct reader *r, const struct at *at, const struct json *object, const char *key)
{
	if (json_type(json_get(object, key)) != JSON_MISSING_)
		return true;
	reader_problem(r, &(struct at){ .up = at, .key = key }, "is missing");
	return false;
}

const char *
reader_text(struct reader *r, const struct at *at, const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);
	if (json_type(v) == JSON_MISSING_)
		return NULL;
	if (json_type(v) == JSON_TEXT_)
		return reader_copy(r, json_text(v));
	reader_problem(r, &(struct at){ .up = at, .key = key }, "must be a text");
	return NULL;
}

bool
reader_is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t n = strlen(text);
	return n >= 1 && n <= 63 && text[0] != '-' && strspn(text, allowed) == n;
}

const char *
reader_name(struct reader *r, const struct at *at, const struct json *object, const char *key)
{
	if (!reader_required(r, at, object, key))
		return NULL;
	const char *text = reader_text(r, at, object, key);
	if (!text || reader_is_name(text))
		return text;
	reader_problem(r, &(struct at){ .up = at, .key = key },
	               "'%s' is no name: 1 to 63 of a-z, 0-9 and -, not - first", text);
	return NULL;
}

int64_t
reader_int(struct reader *r, const struct at *at, const struct json *object, const char *key,
           int64_t min, int64_t max, int64_t if_absent)
{
	const struct json *v = json_get(object, key);
	int64_t value = if_absent;
	if (json_type(v) == JSON_MISSING_)
		return if_absent;
	if (!json_int(v, &value) || value < min || value > max) {
		reader_problem(r, &(struct at){ .up = at, .key = key },
		               "must be a whole number from %lld to %lld", (long long)min,
		               (long long)max);
		return if_absent;
	}
	return value;
}

bool
reader_bool(struct reader *r, const struct at *at, const struct json *object, const char *key,
            bool if_absent)
{
	const struct json *v = json_get(object, key);
	if (json_type(v) != JSON_MISSING_ && json_type(v) != JSON_BOOL_)
		reader_problem(r, &(struct at){ .up = at, .key = key }, "must be true or false");
	return json_bool(v, if_absent);
}

static const char *
checked_text(struct reader *r, const struct at *at, const struct json *v,
             const char *(*problem)(const char *text))
{
	const char *text = json_text(v);
	if (!text) {
		reader_problem(r, at, "must be a text");
		return NULL;
	}
	const char *wrong = problem ? problem(text) : NULL;
	if (wrong) {
		reader_problem(r, at, "'%s' %s", text, wrong);
		return NULL;
	}
	return reader_copy(r, text);
}

struct pipeline_texts
reader_texts(struct reader *r, const struct at *at, const struct json *object, const char *key,
             const char *(*problem)(const char *text))
{
	struct pipeline_texts texts = { 0 };
	const struct json *v = json_get(object, key);
	struct at here = { .up = at, .key = key };
	bool is_array = json_type(v) == JSON_ARRAY_;
	size_t n = is_array ? json_count(v) : 1;

	if (json_type(v) == JSON_MISSING_)
		return texts;
	if (!is_array && json_type(v) != JSON_TEXT_) {
		reader_problem(r, &here, "must be a text or an array of texts");
		return texts;
	}
	const char **items = reader_alloc(r, n, sizeof(*items));
	for (size_t i = 0; items && i < n; i++)
		items[i] = is_array ? checked_text(r, &(struct at){ .up = &here, .index = i },
		                                   json_at(v, i), problem)
		                    : checked_text(r, &here, v, problem);
	texts.items = items;
	texts.count = items ? n : 0;
	return texts;
}
