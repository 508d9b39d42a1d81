/* utf8.h -- is it valid UTF-8, and where do its characters end. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 3629: no overlong forms, surrogates or values past U+10FFFF. NUL bytes are valid here. */
bool utf8_valid(const char *p, size_t n);
/* The length of the longest prefix of at most n bytes that ends at a character's end. */
size_t utf8_cut(const char *p, size_t n);
/* How many bytes at the start only continue a character that was cut off before them: 0 to 3. */
size_t utf8_rest(const char *p, size_t n);
/* Decodes one character: bytes consumed (1 to 4) and its value; an invalid byte is consumed alone
 * as U+FFFD. n > 0. */
size_t utf8_next(const char *p, size_t n, uint32_t *ret);

#endif
