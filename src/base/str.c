/* str.c -- a growing byte string with a hard maximum. */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#include "base/banned.h"

void
str_init(struct str *s, size_t max)
{
	*s = (struct str)STR_INIT(max);
}

void
str_free(struct str *s)
{
	if (!s)
		return;
	free(s->data);
	str_init(s, s->max);
}

void
str_reset(struct str *s)
{
	s->len = 0;
	s->failed = false;
	if (s->data)
		s->data[0] = '\0';
}

const char *
str_text(const struct str *s)
{
	return s->data ? s->data : "";
}

char *
str_take(struct str *s)
{
	char *data = s->data ? s->data : calloc(1, 1);
	str_init(s, s->max);
	return data;
}

static bool
fail(struct str *s)
{
	s->failed = true;
	return false;
}

/* Makes room for n more bytes and the NUL. */
static bool
reserve(struct str *s, size_t n)
{
	if (s->failed || n > s->max || s->len > s->max - n)
		return fail(s);
	size_t wanted = s->len + n + 1;
	if (wanted <= s->cap)
		return true;
	size_t cap = s->cap ? s->cap : 64;
	while (cap < wanted)
		cap = cap > SIZE_MAX / 2 ? wanted : cap * 2;
	if (cap > s->max + 1)
		cap = s->max + 1;
	char *data = realloc(s->data, cap);
	if (!data)
		return fail(s);
	s->data = data;
	s->cap = cap;
	return true;
}

bool
str_addn(struct str *s, const void *bytes, size_t n)
{
	if (!reserve(s, n))
		return false;
	if (n > 0)
		memcpy(s->data + s->len, bytes, n);
	s->len += n;
	s->data[s->len] = '\0';
	return true;
}

bool
str_add(struct str *s, const char *text)
{
	return str_addn(s, text, strlen(text));
}

bool
str_addc(struct str *s, char c)
{
	return str_addn(s, &c, 1);
}

bool
str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	bool ok = n >= 0 && reserve(s, (size_t)n);
	if (ok) {
		vsnprintf(s->data + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	} else {
		s->failed = true;
	}
	va_end(again);
	return ok;
}

bool
str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	bool ok = str_vaddf(s, fmt, ap);
	va_end(ap);
	return ok;
}

static bool
add_json_char(struct str *s, const char *p, size_t length, uint32_t value)
{
	switch (value) {
	case '"':
		return str_add(s, "\\\"");
	case '\\':
		return str_add(s, "\\\\");
	case '\n':
		return str_add(s, "\\n");
	case '\r':
		return str_add(s, "\\r");
	case '\t':
		return str_add(s, "\\t");
	default:
		break;
	}
	/* DEL and the C1 controls are legal in JSON but move cursors in terminals. */
	if (value < 0x20 || (value >= 0x7F && value < 0xA0))
		return str_addf(s, "\\u%04x", value);
	if (length == 1 && value == 0xFFFD)
		return str_add(s, "\xEF\xBF\xBD");
	return str_addn(s, p, length);
}

bool
str_add_jsonn(struct str *s, const char *text, size_t n)
{
	size_t before = s->len;
	bool ok = str_addc(s, '"');
	for (size_t i = 0; ok && i < n;) {
		uint32_t value;
		size_t length = utf8_next(text + i, n - i, &value);
		ok = add_json_char(s, text + i, length, value);
		i += length;
	}
	ok = ok && str_addc(s, '"');
	if (!ok && s->data) {
		s->len = before;
		s->data[before] = '\0';
	}
	return ok;
}

bool
str_add_json(struct str *s, const char *text)
{
	return str_add_jsonn(s, text, strlen(text));
}

bool
str_add_json_or_null(struct str *s, const char *text)
{
	return text ? str_add_json(s, text) : str_add(s, "null");
}

bool
str_add_hex(struct str *s, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	if (n > SIZE_MAX / 2 || !reserve(s, n * 2))
		return fail(s);
	for (size_t i = 0; i < n; i++) {
		s->data[s->len++] = digits[p[i] >> 4];
		s->data[s->len++] = digits[p[i] & 15];
	}
	s->data[s->len] = '\0';
	return true;
}

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

bool
str_add_uri(struct str *s, const char *text, size_t n, bool keep_slash)
{
	size_t before = s->len;
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (is_unreserved(c) || (c == '/' && keep_slash))
			ok = str_addc(s, (char)c);
		else
			ok = str_addf(s, "%%%02X", c);
	}
	if (!ok && s->data) {
		s->len = before;
		s->data[before] = '\0';
	}
	return ok;
}
