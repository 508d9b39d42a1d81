/* door.c -- who may come in: the password, and names that this server goes by. */
#include "status/site.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "net/hash.h"
#include "base/banned.h"

static int
base64_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Up to the first character that is none of base64's. */
static void
add_base64_decoded(struct str *out, const char *text)
{
	uint32_t bits = 0;
	int have = 0;
	for (; base64_value(*text) >= 0; text++) {
		bits = bits << 6 | (uint32_t)base64_value(*text);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		str_addc(out, (char)(bits >> have & 0xff));
	}
}

/* Hashes are compared, so that neither the bytes nor the length can be found by the time it takes.
 */
static bool
is_password(const char *given, size_t n, const char *password)
{
	uint8_t a[SHA256_BYTES];
	uint8_t b[SHA256_BYTES];
	hash_sha256(given, n, a);
	hash_sha256(password, strlen(password), b);
	return hash_equal(a, sizeof(a), b, sizeof(b));
}

static bool
has_password(const struct httpd_request *rq, const char *password)
{
	const char *header = httpd_header(rq, "Authorization");
	if (!header || strncasecmp(header, "Basic ", 6) != 0)
		return false;
	struct str given = STR_INIT(8192);
	add_base64_decoded(&given, header + 6 + strspn(header + 6, " "));
	const char *colon = given.len > 0 ? memchr(given.data, ':', given.len) : NULL;
	bool ok = colon &&
	          is_password(colon + 1, given.len - (size_t)(colon + 1 - given.data), password);
	if (given.data)
		explicit_bzero(given.data, given.len);
	str_free(&given);
	return ok;
}

static struct httpd_response *
ask_for_password(void)
{
	struct httpd_response *rs = httpd_error(401, "unauthorized", "a password is needed");
	if (rs) {
		reply_common_headers(rs);
		httpd_response_header(rs, "WWW-Authenticate",
		                      "Basic realm=\"Millrace\", charset=\"UTF-8\"");
	}
	return rs;
}

/* True if text, up to its port, is name; case does not matter. */
static bool
is_host(const char *text, const char *name, size_t n)
{
	return strncasecmp(text, name, n) == 0 && (text[n] == '\0' || text[n] == ':');
}

static bool
is_public_host(const char *host, const char *public_url)
{
	const char *name = public_url ? strstr(public_url, "://") : NULL;
	return name && is_host(host, name + 3, strcspn(name + 3, ":/?#"));
}

/*
 * Anybody on this machine may read from a loopback listener, but a foreign page that made its own
 * name point here may not: a browser would hand it our answers.
 */
static bool
names_us(const struct site *s, const char *host)
{
	static const char *const ours[] = { "localhost", "127.0.0.1", "[::1]" };
	if (!s->loopback || s->conf.password || !host)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (is_host(host, ours[i], strlen(ours[i])))
			return true;
	return is_public_host(host, s->conf.public_url);
}

struct httpd_response *
door_check(const struct site *s, const struct httpd_request *rq)
{
	if (s->conf.password && !has_password(rq, s->conf.password))
		return ask_for_password();
	if (!names_us(s, httpd_header(rq, "Host")))
		return httpd_error(403, "unknown_host",
		                   "this server does not go by that name; see --public-url");
	return NULL;
}
