/* num.c -- numbers, sizes and durations from text. */
#include "base/num.h"

#include <string.h>
#include <strings.h>

#include "base/compiler.h"

#include "base/banned.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* Digits from *text on into *ret; moves *text past them. False without a digit or past INT64_MAX.
 */
static bool
take_digits(const char **text, int64_t *ret)
{
	const char *p = *text;
	int64_t v = 0;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		int digit = *p - '0';
		if (v > (INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*text = p;
	*ret = v;
	return true;
}

bool
num_parse(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = *text == '-';
	const char *p = text + (negative ? 1 : 0);
	int64_t v;
	/* The one number whose positive does not fit. */
	if (strcmp(text, "-9223372036854775808") == 0)
		v = INT64_MIN;
	else if (!take_digits(&p, &v) || *p != '\0')
		return false;
	else if (negative)
		v = -v;
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

static bool
parse_with_unit(const char *text, const struct unit *units, size_t n, int64_t *ret)
{
	const char *p = text;
	int64_t v;
	if (!take_digits(&p, &v))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(p, units[i].name) != 0)
			continue;
		if (v > INT64_MAX / units[i].factor)
			return false;
		*ret = v * units[i].factor;
		return true;
	}
	return false;
}

#define K INT64_C(1024)

bool
num_parse_size(const char *text, int64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "k", K },
		{ "kb", K },
		{ "kib", K },
		{ "m", K * K },
		{ "mb", K * K },
		{ "mib", K * K },
		{ "g", K * K * K },
		{ "gb", K * K * K },
		{ "gib", K * K * K },
		{ "t", K * K * K * K },
		{ "tb", K * K * K * K },
		{ "tib", K * K * K * K },
	};
	return parse_with_unit(text, units, ARRAY_LEN(units), ret_bytes);
}

bool
num_parse_duration(const char *text, int64_t *ret_ms)
{
	static const struct unit units[] = {
		{ "", 1000 },       { "ms", 1 },          { "s", 1000 },
		{ "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 },
	};
	return parse_with_unit(text, units, ARRAY_LEN(units), ret_ms);
}

static unsigned
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	/* 'a' is 'A' with one bit more. */
	return (unsigned)((c | 0x20) - 'a') + 10;
}

bool
num_parse_hex(const char *text, void *ret, size_t n)
{
	unsigned char *out = ret;
	if (strlen(text) != n * 2 || strspn(text, "0123456789abcdefABCDEF") != n * 2)
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
	return true;
}
