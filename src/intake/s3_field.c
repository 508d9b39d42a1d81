/* s3_field.c -- single fields of an S3 record: keys, names, times, sequencers. */
#include "intake/s3_field.h"

#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "base/banned.h"

#define SEQUENCER_WIDTH 32

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
escapes_well_formed(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p == '%' && (hex_value(p[1]) < 0 || hex_value(p[2]) < 0))
			return false;
	return true;
}

char *
s3_decode_form(struct arena *a, const char *text, size_t *ret_n)
{
	char *out = arena_strdup(a, text);
	if (!out)
		return NULL;
	if (!escapes_well_formed(text)) {
		*ret_n = strlen(text);
		return out;
	}
	size_t n = 0;
	for (const char *p = text; *p; p++) {
		if (*p == '%') {
			out[n++] = (char)(hex_value(p[1]) * 16 + hex_value(p[2]));
			p += 2;
		} else {
			out[n++] = *p == '+' ? ' ' : *p;
		}
	}
	out[n] = '\0';
	*ret_n = n;
	return out;
}

const char *
s3_key_problem(const char *key, size_t n)
{
	if (n == 0)
		return "is empty";
	if (n > S3_KEY_MAX)
		return "is longer than 1,024 bytes";
	if (memchr(key, '\0', n))
		return "holds a NUL byte";
	if (!utf8_valid(key, n))
		return "is not valid UTF-8";
	return NULL;
}

const char *
s3_bucket_problem(const char *bucket)
{
	size_t n = strlen(bucket);
	if (n == 0)
		return "is empty";
	if (n > 255)
		return "is longer than 255 bytes";
	if (strcmp(bucket, ".") == 0 || strcmp(bucket, "..") == 0)
		return "is no bucket's name";
	for (const char *p = bucket; *p; p++)
		if (*p == '/' || *p == '\\' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return "holds a slash or a control character";
	return NULL;
}

static bool
is_listed(const char *name, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

enum event_what
s3_event_what(const char *name)
{
	/* Not ObjectCreated:*: MinIO's holds PutTagging and PutRetention too, so that a tag of ours
	 * would come back as an upload. */
	static const char *const created[] = {
		"ObjectCreated:Put",
		"ObjectCreated:Post",
		"ObjectCreated:Copy",
		"ObjectCreated:CompleteMultipartUpload",
	};
	static const char *const removed[] = {
		"ObjectRemoved:Delete",
		"ObjectRemoved:DeleteMarkerCreated",
		"ObjectRemoved:NoOP",
		"ObjectRemoved:DeleteAllVersions",
		"LifecycleExpiration:Delete",
		"LifecycleExpiration:DeleteMarkerCreated",
		"LifecycleDelMarkerExpiration:Delete",
	};
	static const char ceph_expiry[] = "ObjectLifecycle:Expiration:";

	if (strncmp(name, "s3:", 3) == 0)
		name += 3;
	if (is_listed(name, created, ARRAY_LEN(created)))
		return EVENT_CREATED;
	if (is_listed(name, removed, ARRAY_LEN(removed)) ||
	    strncmp(name, ceph_expiry, sizeof(ceph_expiry) - 1) == 0)
		return EVENT_REMOVED;
	return EVENT_OTHER;
}

/* Exactly n digits at *p, which moves past them; -1 if they are not there. */
static int
take_digits(const char **p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool
take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Days since 1970-01-01 in the Gregorian calendar, counted in eras of 400 years from March. */
static int64_t
days_from_civil(int y, int m, int d)
{
	int64_t year = m <= 2 ? y - 1 : y;
	int64_t era = year / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static bool
take_fraction(const char **p, int64_t *ret_us)
{
	int64_t us = 0;
	int digits = 0;
	for (; **p >= '0' && **p <= '9'; (*p)++, digits++)
		if (digits < 6)
			us = us * 10 + (**p - '0');
	for (int i = digits; i < 6; i++)
		us *= 10;
	*ret_us = us;
	return digits >= 1 && digits <= 9;
}

static bool
take_zone(const char **p, int64_t *ret_seconds)
{
	*ret_seconds = 0;
	if (**p == '\0' || take_char(p, 'Z'))
		return true;
	int sign = **p == '-' ? -1 : 1;
	if (!take_char(p, '+') && !take_char(p, '-'))
		return false;
	int hours = take_digits(p, 2);
	if (hours < 0 || !take_char(p, ':'))
		return false;
	int minutes = take_digits(p, 2);
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return hours <= 14 && minutes >= 0 && minutes < 60;
}

static bool
take_date(const char **p, int64_t *ret_days)
{
	int year = take_digits(p, 4);
	if (year < 1970 || !take_char(p, '-'))
		return false;
	int month = take_digits(p, 2);
	if (month < 1 || month > 12 || !take_char(p, '-'))
		return false;
	int day = take_digits(p, 2);
	*ret_days = days_from_civil(year, month, day);
	int next = month % 12 + 1;
	int64_t month_ends = days_from_civil(month == 12 ? year + 1 : year, next, 1);
	return day >= 1 && *ret_days < month_ends;
}

static bool
take_clock(const char **p, int64_t *ret_seconds)
{
	int hour = take_digits(p, 2);
	if (hour < 0 || hour > 23 || !take_char(p, ':'))
		return false;
	int minute = take_digits(p, 2);
	if (minute < 0 || minute > 59 || !take_char(p, ':'))
		return false;
	int second = take_digits(p, 2);
	*ret_seconds = hour * 3600 + minute * 60 + second;
	return second >= 0 && second <= 60;
}

int64_t
s3_event_time(const char *text)
{
	int64_t days = 0, seconds = 0, us = 0, zone = 0;
	const char *p = text;
	if (!p || !take_date(&p, &days) || !take_char(&p, 'T') || !take_clock(&p, &seconds))
		return 0;
	if (take_char(&p, '.') && !take_fraction(&p, &us))
		return 0;
	if (!take_zone(&p, &zone) || *p != '\0')
		return 0;
	return (days * 86400 + seconds - zone) * 1000000 + us;
}

const char *
s3_origin(struct arena *a, const char *event_source)
{
	size_t n = event_source ? strcspn(event_source, ":") : 0;
	if (n == 0 || n > 32 || strcmp(event_source + n, ":s3") != 0)
		return "unknown";
	for (size_t i = 0; i < n; i++)
		if ((event_source[i] < 'a' || event_source[i] > 'z') &&
		    (event_source[i] < '0' || event_source[i] > '9'))
			return "unknown";
	return arena_strndup(a, event_source, n);
}

static char
upper_hex(char c)
{
	return c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
}

/* The two little-endian words of Ceph's {seconds, nanoseconds}, each turned round. */
static const char *
ceph_sequencer(struct arena *a, const char *hex, size_t n)
{
	char *out = n == 16 ? arena_strndup(a, hex, n) : NULL;
	for (size_t i = 0; out && i < n; i += 2) {
		size_t from = (i / 8) * 8 + 6 - i % 8;
		out[i] = upper_hex(hex[from]);
		out[i + 1] = upper_hex(hex[from + 1]);
	}
	return out;
}

static const char *
aws_sequencer(struct arena *a, const char *hex, size_t n)
{
	char *out = n <= SEQUENCER_WIDTH ? arena_alloc(a, SEQUENCER_WIDTH + 1) : NULL;
	for (size_t i = 0; out && i < SEQUENCER_WIDTH; i++)
		out[i] = i < n ? upper_hex(hex[i]) : '0';
	return out;
}

const char *
s3_sequencer(struct arena *a, const char *origin, const char *text)
{
	static const char *const like_aws[] = { "aws", "minio", "rustfs", "sgws" };
	size_t n = text ? strlen(text) : 0;
	if (n == 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (hex_value(text[i]) < 0)
			return NULL;
	if (strcmp(origin, "ceph") == 0)
		return ceph_sequencer(a, text, n);
	return is_listed(origin, like_aws, ARRAY_LEN(like_aws)) ? aws_sequencer(a, text, n) : NULL;
}

const char *
s3_version(const char *origin, const char *text)
{
	if (!text || *text == '\0' || strcmp(text, "null") == 0)
		return NULL;
	/* As an identity it would make every overwrite a duplicate of the first upload. */
	if (strcmp(origin, "minio") == 0 && strcmp(text, "1") == 0)
		return NULL;
	return text;
}
