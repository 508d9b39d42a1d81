/* ulid.c -- trace IDs. */
#include "base/ulid.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/num.h"

#include "base/banned.h"

#define CROCKFORD "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#define CHARACTERS 26
#define PREFIX "trace_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

enum rc
ulid_new(struct ulid *ret, struct fault *f)
{
	struct ulid u;
	uint64_t ms = (uint64_t)clock_wall_ms();
	for (int i = 0; i < 6; i++)
		u.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	if (getrandom(u.bytes + 6, 10, 0) != 10)
		return fault_set(f, RC_RETRY, "the kernel gives no random bytes: %s",
		                 strerror(errno));
	*ret = u;
	return RC_OK;
}

/* The i-th group of 5 bits of 130, of which the first two are zero. */
static unsigned
group(const struct ulid *u, unsigned i)
{
	unsigned value = 0;
	for (unsigned bit = i * 5; bit < i * 5 + 5; bit++) {
		value <<= 1;
		if (bit >= 2)
			value |= ((unsigned)u->bytes[(bit - 2) / 8] >> (7 - (bit - 2) % 8)) & 1u;
	}
	return value;
}

char *
ulid_trace_text(const struct ulid *u, char buf[TRACE_TEXT_MAX])
{
	memcpy(buf, PREFIX, PREFIX_LEN);
	for (unsigned i = 0; i < CHARACTERS; i++)
		buf[PREFIX_LEN + i] = CROCKFORD[group(u, i)];
	buf[PREFIX_LEN + CHARACTERS] = '\0';
	return buf;
}

char *
ulid_hex_text(const struct ulid *u, char buf[ULID_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(u->bytes); i++) {
		buf[2 * i] = digits[u->bytes[i] >> 4];
		buf[2 * i + 1] = digits[u->bytes[i] & 15];
	}
	buf[32] = '\0';
	return buf;
}

char *
ulid_uuid_text(const struct ulid *u, char buf[ULID_UUID_MAX])
{
	char hex[ULID_HEX_MAX];
	ulid_hex_text(u, hex);
	size_t out = 0;
	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			buf[out++] = '-';
		buf[out++] = hex[i];
	}
	buf[out] = '\0';
	return buf;
}

static bool
parse_crockford(const char *text, struct ulid *ret)
{
	struct ulid u = { { 0 } };
	for (unsigned i = 0; i < CHARACTERS; i++) {
		char c = text[i];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		const char *at = c ? strchr(CROCKFORD, c) : NULL;
		if (!at || (i == 0 && at - CROCKFORD > 7))
			return false;
		unsigned value = (unsigned)(at - CROCKFORD);
		for (unsigned b = 0; b < 5; b++) {
			unsigned bit = i * 5 + b;
			if (bit >= 2 && (value >> (4 - b) & 1u))
				u.bytes[(bit - 2) / 8] |= (uint8_t)(0x80u >> (bit - 2) % 8);
		}
	}
	*ret = u;
	return true;
}

static bool
parse_uuid(const char *text, struct ulid *ret)
{
	char hex[ULID_HEX_MAX];
	size_t out = 0;
	for (size_t i = 0; i < ULID_UUID_MAX - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash != (text[i] == '-'))
			return false;
		if (!dash)
			hex[out++] = text[i];
	}
	hex[out] = '\0';
	return num_parse_hex(hex, ret->bytes, sizeof(ret->bytes));
}

bool
ulid_parse(const char *text, struct ulid *ret)
{
	static const struct ulid zero;
	struct ulid u = { { 0 } };
	size_t n = strlen(text);
	bool ok;
	if (n == PREFIX_LEN + CHARACTERS && strncasecmp(text, PREFIX, PREFIX_LEN) == 0)
		ok = parse_crockford(text + PREFIX_LEN, &u);
	else if (n == CHARACTERS)
		ok = parse_crockford(text, &u);
	else if (n == ULID_HEX_MAX - 1)
		ok = num_parse_hex(text, u.bytes, sizeof(u.bytes));
	else
		ok = n == ULID_UUID_MAX - 1 && parse_uuid(text, &u);
	if (!ok || memcmp(&u, &zero, sizeof(u)) == 0)
		return false;
	*ret = u;
	return true;
}
