/* str.h -- a growing byte string with a hard maximum. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * data is owned and always NUL-terminated once anything was added (NULL before); len excludes the
 * NUL. When an addition would pass max, or memory ends, nothing is added, `failed` is set and stays
 * set until str_reset, and every later addition is refused: build first, check once.
 */
struct str {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

#define STR_INIT(maximum)                                                                          \
	{                                                                                          \
		.max = (maximum)                                                                   \
	}

void str_init(struct str *s, size_t max);
void str_free(struct str *s);              /* accepts NULL and a freed one; keeps max */
void str_reset(struct str *s);             /* empty again, memory kept, failed cleared */
const char *str_text(const struct str *s); /* never NULL: "" when empty */
char *str_take(struct str *s);             /* the caller owns the result (free); s is empty after */

bool str_add(struct str *s, const char *text);
bool str_addn(struct str *s, const void *bytes, size_t n);
bool str_addc(struct str *s, char c);
bool str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool str_vaddf(struct str *s, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* A JSON string with its quotes. Invalid UTF-8 becomes U+FFFD, so the output is always valid JSON.
 */
bool str_add_json(struct str *s, const char *text);
bool str_add_jsonn(struct str *s, const char *text, size_t n);
/* null for NULL, else as above. */
bool str_add_json_or_null(struct str *s, const char *text);
/* Lower-case hex of n bytes. */
bool str_add_hex(struct str *s, const void *bytes, size_t n);
/* Percent-encodes all but A-Za-z0-9-._~ and, if keep_slash, '/'. */
bool str_add_uri(struct str *s, const char *text, size_t n, bool keep_slash);

#endif
