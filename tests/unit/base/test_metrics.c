/* test_metrics.c -- what Prometheus gets to read. */
#include "tests/unit/base/suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "base/banned.h"

static struct metric hits = METRIC_COUNTER("test_hits_total", "Hits.", "result");
static struct metric depth = METRIC_GAUGE("test_depth", "Depth.", NULL);
static struct metric took = METRIC_HISTOGRAM("test_seconds", "Took.", "kind");
static struct str out = STR_INIT(1 << 20);

static const char *
written(void)
{
	str_reset(&out);
	metrics_write(&out);
	ck_assert(!out.failed);
	return str_text(&out);
}

static void
has(const char *part)
{
	const char *all = written();
	ck_assert_msg(strstr(all, part) != NULL, "no %s in %s", part, all);
}

START_TEST(counter_and_gauge)
{
	metric_add(&hits, "ok", 1);
	metric_add(&hits, "ok", 2);
	metric_add(&hits, "a\"b\\c\nx", 1);
	metric_set(&depth, NULL, 7);
	metric_set(&depth, NULL, 2.5);
	has("# HELP test_hits_total Hits.\n# TYPE test_hits_total counter\n");
	has("test_hits_total{result=\"ok\"} 3\n");
	has("test_hits_total{result=\"a\\\"b\\\\c\\nx\"} 1\n");
	has("# TYPE test_depth gauge\ntest_depth 2.5\n");
	/* By name, whichever was used first. */
	const char *all = written();
	ck_assert(strstr(all, "# HELP test_depth") < strstr(all, "# HELP test_hits_total"));
}
END_TEST

START_TEST(histogram)
{
	metric_observe(&took, "text", 0.0005);
	metric_observe(&took, "text", 3);
	metric_observe(&took, "text", 90000);
	metric_observe(&took, "bound", 5);
	has("test_seconds_bucket{kind=\"text\",le=\"0.001\"} 1\n");
	has("test_seconds_bucket{kind=\"text\",le=\"5\"} 2\n");
	has("test_seconds_bucket{kind=\"text\",le=\"3600\"} 2\n");
	has("test_seconds_bucket{kind=\"text\",le=\"+Inf\"} 3\n");
	has("test_seconds_sum{kind=\"text\"} 90003.000499999995\n");
	has("test_seconds_count{kind=\"text\"} 3\n");
	has("test_seconds_bucket{kind=\"bound\",le=\"2.5\"} 0\n");
	has("test_seconds_bucket{kind=\"bound\",le=\"5\"} 1\n");
}
END_TEST

START_TEST(a_label_has_at_most_64_values)
{
	char value[16];
	for (int i = 0; i < 200; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		metric_add(&hits, value, 1);
	}
	has("test_hits_total{result=\"v63\"} 1\n");
	has("test_hits_total{result=\"other\"} 136\n");
	ck_assert_ptr_null(strstr(written(), "\"v64\""));
}
END_TEST

START_TEST(hostile_label_values)
{
	struct str value = STR_INIT(1000), kept = STR_INIT(1000);
	/* A byte and then threes: the 63 that are kept would end within a character. */
	str_add(&value, "x");
	str_add(&kept, "{result=\"x");
	for (int i = 0; i < 100; i++) {
		str_add(&value, "\xE2\x82\xAC");
		str_add(&kept, i < 20 ? "\xE2\x82\xAC" : "");
	}
	str_add(&kept, "\"} 2\n");
	metric_add(&hits, str_text(&value), 1);
	metric_add(&hits, str_text(&value), 1);
	metric_add(&hits, "\xFF\xFE", 1);
	const char *all = written();
	ck_assert(utf8_valid(all, strlen(all)));
	has(str_text(&kept));
	has("{result=\"??\"} 1\n");
	str_free(&value);
	str_free(&kept);
}
END_TEST

/* What stands behind the line's name. */
static double
value_of(const char *name)
{
	const char *at = strstr(written(), name);
	ck_assert_msg(at != NULL, "no %s", name);
	return strtod(at + strlen(name), NULL);
}

static double
cpu_seconds(void)
{
	struct rusage u;
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &u), 0);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

START_TEST(process)
{
	int fds = 0;
	for (int fd = 0; fd < 1024; fd++)
		fds += fcntl(fd, F_GETFD) >= 0;
	ck_assert_double_eq(value_of("\nprocess_open_fds "), fds);
	struct rusage u;
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &u), 0);
	double peak = (double)u.ru_maxrss * 1024, resident;
	resident = value_of("\nprocess_resident_memory_bytes ");
	ck_assert_double_gt(resident, peak / 4);
	ck_assert_double_lt(resident, peak * 2);
	while (cpu_seconds() < 0.02)
		;
	double before = cpu_seconds(), cpu = value_of("\nprocess_cpu_seconds_total ");
	ck_assert_double_ge(cpu, before - 0.001);
	ck_assert_double_le(cpu, cpu_seconds() + 0.001);
	double now = (double)clock_wall_ms() / 1000;
	double started = value_of("\nprocess_start_time_seconds ");
	ck_assert_double_lt(started, now);
	ck_assert_double_gt(started, now - 3600);
	has("\nmillrace_build_info{version=");
}
END_TEST

static void *
count(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++)
		metric_add(&hits, "thread", 1);
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[4];
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_create(&t[i], NULL, count, NULL);
	for (int i = 0; i < 20; i++)
		written();
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	has("test_hits_total{result=\"thread\"} 40000\n");
}
END_TEST

SUITE_MAIN("metrics", counter_and_gauge, histogram, a_label_has_at_most_64_values,
           hostile_label_values, process, threads)
