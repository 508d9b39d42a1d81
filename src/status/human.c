/* human.c -- times, durations and sizes for people. */
#include "status/human.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "status/html.h"
#include "base/banned.h"

#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)

/* Two or four digits at p as a number, -1 if they are none. */
static int
digits(const char *p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/* ".678901" as microseconds; moves *p behind it. */
static int64_t
parse_fraction(const char **p)
{
	int64_t us = 0;
	int64_t unit = US_PER_S / 10;
	if (**p != '.')
		return 0;
	for (++*p; **p >= '0' && **p <= '9'; ++*p) {
		us += (**p - '0') * unit;
		unit /= 10;
	}
	return us;
}

/* Seconds of "YYYY-MM-DDThh:mm:ss", which has 19 characters. */
static bool
parse_seconds(const char *p, int64_t *ret)
{
	if (strlen(p) < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') ||
	    p[13] != ':' || p[16] != ':')
		return false;
	const int part[] = { digits(p, 4),      digits(p + 5, 2),  digits(p + 8, 2),
		             digits(p + 11, 2), digits(p + 14, 2), digits(p + 17, 2) };
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (part[i] < 0)
			return false;
	struct tm tm = { .tm_year = part[0] - 1900,
		         .tm_mon = part[1] - 1,
		         .tm_mday = part[2],
		         .tm_hour = part[3],
		         .tm_min = part[4],
		         .tm_sec = part[5] };
	*ret = timegm(&tm);
	return true;
}

bool
human_parse_time(const char *rfc3339, int64_t *ret_us)
{
	int64_t s = 0;
	if (!rfc3339 || !parse_seconds(rfc3339, &s))
		return false;
	const char *p = rfc3339 + 19;
	int64_t us = parse_fraction(&p);
	if (strcmp(p, "Z") != 0 && strcmp(p, "+00:00") != 0 && strcmp(p, "+00") != 0)
		return false;
	*ret_us = s * US_PER_S + us;
	return true;
}

void
human_duration(struct str *out, int64_t us)
{
	int64_t ms = us <= 0 ? 0 : (us + US_PER_MS / 2) / US_PER_MS;
	int64_t s = ms / 1000;
	if (us > 0 && us < US_PER_MS)
		str_addf(out, "0.%" PRId64 " ms", us < 100 ? 1 : us / 100);
	else if (ms < 1000)
		str_addf(out, "%" PRId64 " ms", ms);
	else if (s < 60)
		str_addf(out, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		str_addf(out, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < S_PER_DAY)
		str_addf(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		str_addf(out, "%" PRId64 " d %" PRId64 " h", s / S_PER_DAY, s % S_PER_DAY / 3600);
}

void
human_size(struct str *out, int64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	if (bytes < 1024) {
		str_addf(out, "%" PRId64 " B", bytes);
		return;
	}
	double v = (double)bytes / 1024;
	size_t u = 0;
	while (v >= 1023.95 && u + 1 < ARRAY_LEN(units)) {
		v /= 1024;
		u++;
	}
	str_addf(out, "%.1f %s", v, units[u]);
}

void
human_count(struct str *out, int64_t n)
{
	if (n < 0)
		str_addc(out, '-');
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	uint64_t unit = 1;
	while (rest / unit >= 1000)
		unit *= 1000;
	str_addf(out, "%" PRIu64, rest / unit);
	for (unit /= 1000; unit > 0; unit /= 1000)
		str_addf(out, ",%03" PRIu64, rest / unit % 1000);
}

void
human_size_html(struct str *out, int64_t bytes)
{
	str_add(out, "<span title=\"");
	human_count(out, bytes);
	str_add(out, " bytes\">");
	human_size(out, bytes);
	str_add(out, "</span>");
}

static void
open_time(struct str *out, const char *rfc3339)
{
	str_add(out, "<time datetime=\"");
	html_attr(out, rfc3339);
	str_add(out, "\" title=\"");
	html_attr(out, rfc3339);
	str_add(out, "\">");
}

void
human_time_html(struct str *out, const char *rfc3339, int64_t now_us)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t us = 0;
	struct tm tm = { 0 };
	if (!human_parse_time(rfc3339, &us)) {
		str_add(out, "–");
		return;
	}
	const time_t s = us / US_PER_S;
	gmtime_r(&s, &tm);
	open_time(out, rfc3339);
	if (s / S_PER_DAY != now_us / US_PER_S / S_PER_DAY)
		str_addf(out, "%d %s %d ", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900);
	str_addf(out, "%02d:%02d:%02d UTC</time>", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
human_ago_html(struct str *out, const char *rfc3339, int64_t now_us)
{
	int64_t us = 0;
	if (!human_parse_time(rfc3339, &us)) {
		str_add(out, "–");
		return;
	}
	open_time(out, rfc3339);
	human_duration(out, now_us - us);
	str_add(out, " ago</time>");
}
