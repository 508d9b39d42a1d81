/* utf8.c -- UTF-8 after RFC 3629. */
#include "base/utf8.h"

#include "base/banned.h"

#define REPLACEMENT 0xFFFDu

/* The smallest value that a sequence of each length may stand for. */
static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t
sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 2;
	if (lead >= 0xE0 && lead <= 0xEF)
		return 3;
	if (lead >= 0xF0 && lead <= 0xF4)
		return 4;
	return 0;
}

/* The length of the valid character at p, 0 if there is none. */
static size_t
decode(const char *p, size_t n, uint32_t *ret)
{
	size_t length = sequence_length((unsigned char)p[0]);
	if (length == 0 || length > n)
		return 0;
	uint32_t value = (unsigned char)p[0];
	if (length > 1)
		value &= 0x7Fu >> length;
	for (size_t i = 1; i < length; i++) {
		unsigned char c = (unsigned char)p[i];
		if ((c & 0xC0) != 0x80)
			return 0;
		value = value << 6 | (c & 0x3Fu);
	}
	if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
		return 0;
	*ret = value;
	return length;
}

bool
utf8_valid(const char *p, size_t n)
{
	while (n > 0) {
		uint32_t value;
		size_t length = decode(p, n, &value);
		if (length == 0)
			return false;
		p += length;
		n -= length;
	}
	return true;
}

size_t
utf8_next(const char *p, size_t n, uint32_t *ret)
{
	size_t length = decode(p, n, ret);
	if (length > 0)
		return length;
	*ret = REPLACEMENT;
	return 1;
}

size_t
utf8_cut(const char *p, size_t n)
{
	/* Back over the bytes of a character that n cuts in two; at most three of them. */
	size_t start = n;
	while (start > 0 && n - start < 4 && ((unsigned char)p[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return n;
	size_t length = sequence_length((unsigned char)p[start - 1]);
	return length > n - start + 1 ? start - 1 : n;
}

size_t
utf8_rest(const char *p, size_t n)
{
	size_t rest = 0;
	while (rest < n && rest < 3 && ((unsigned char)p[rest] & 0xC0) == 0x80)
		rest++;
	return rest;
}
