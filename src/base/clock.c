/* clock.c -- this machine's clocks. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/banned.h"

static int64_t
read_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t
clock_wall_ms(void)
{
	return clock_wall_us() / 1000;
}

/* Splits microseconds so that the fraction is never negative; false for years beyond 0 to 9999. */
static int64_t
split(int64_t wall_us, struct tm *ret)
{
	int64_t seconds = wall_us / 1000000;
	int64_t micros = wall_us % 1000000;
	if (micros < 0) {
		micros += 1000000;
		seconds--;
	}
	time_t t = (time_t)seconds;
	if (!gmtime_r(&t, ret)) {
		time_t epoch = 0;
		gmtime_r(&epoch, ret);
	}
	return micros;
}

char *
clock_rfc3339(int64_t wall_us, char buf[CLOCK_TEXT_MAX])
{
	struct tm tm;
	int64_t micros = split(wall_us, &tm);
	size_t n = strftime(buf, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, CLOCK_TEXT_MAX - n, ".%06dZ", (int)micros);
	return buf;
}

char *
clock_basic(int64_t wall_us, char buf[CLOCK_TEXT_MAX])
{
	struct tm tm;
	split(wall_us, &tm);
	strftime(buf, CLOCK_TEXT_MAX, "%Y%m%dT%H%M%SZ", &tm);
	return buf;
}
