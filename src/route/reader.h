/* reader.h -- private to the pipeline file's parser: typed reading of JSON that notes each problem
 * with its path. */
#ifndef ROUTE_READER_H
#define ROUTE_READER_H

#include "base/arena.h"
#include "net/json.h"
#include "route/pipeline.h"

struct reader {
	struct arena *arena;
	struct pipeline_problems *problems, *warnings;
	bool exhausted; /* memory ended */
};

/* A place in the document: frames on the stack of whoever descends. */
struct at {
	const struct at *up; /* NULL at the root */
	const char *key;     /* NULL: an element of an array */
	size_t index;
};

void reader_problem(struct reader *r, const struct at *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* What is no reason to refuse the file. */
void reader_warning(struct reader *r, const struct at *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Zeroed; NULL on exhaustion, which it notes. */
void *reader_alloc(struct reader *r, size_t count, size_t size);
const char *reader_copy(struct reader *r, const char *text);

/* Notes every member of object that is in no list; false (and noted) if it is no object. */
bool reader_object(struct reader *r, const struct at *at, const struct json *v,
                   const char *const known[], size_t n);
/* A member that must be there. */
bool reader_required(struct reader *r, const struct at *at, const struct json *object,
                     const char *key);
/* A text copied into the arena; NULL when absent, or noted when of another type. */
const char *reader_text(struct reader *r, const struct at *at, const struct json *object,
                        const char *key);
/* [a-z0-9][a-z0-9-]{0,62}; noted when absent or otherwise; NULL then. */
const char *reader_name(struct reader *r, const struct at *at, const struct json *object,
                        const char *key);
bool reader_is_name(const char *text);
int64_t reader_int(struct reader *r, const struct at *at, const struct json *object,
                   const char *key, int64_t min, int64_t max, int64_t if_absent);
bool reader_bool(struct reader *r, const struct at *at, const struct json *object, const char *key,
                 bool if_absent);
/* One text or an array of texts, each checked by problem (NULL: any). */
struct pipeline_texts reader_texts(struct reader *r, const struct at *at, const struct json *object,
                                   const char *key, const char *(*problem)(const char *text));

#endif
