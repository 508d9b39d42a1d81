/* test_metrics.c -- what Prometheus gets to read. */
#include "tests/unit/base/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
}
END_TEST

START_TEST(histogram)
{
	metric_observe(&took, "text", 0.0005);
	metric_observe(&took, "text", 3);
	metric_observe(&took, "text", 90000);
	has("test_seconds_bucket{kind=\"text\",le=\"0.001\"} 1\n");
	has("test_seconds_bucket{kind=\"text\",le=\"5\"} 2\n");
	has("test_seconds_bucket{kind=\"text\",le=\"3600\"} 2\n");
	has("test_seconds_bucket{kind=\"text\",le=\"+Inf\"} 3\n");
	has("test_seconds_count{kind=\"text\"} 3\n");
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
	struct str value = STR_INIT(1000);
	for (int i = 0; i < 100; i++)
		str_add(&value, "\xE2\x82\xAC");
	metric_add(&hits, str_text(&value), 1);
	metric_add(&hits, str_text(&value), 1);
	metric_add(&hits, "\xFF\xFE", 1);
	const char *all = written();
	ck_assert(utf8_valid(all, strlen(all)));
	has("\"} 2\n");
	str_free(&value);
}
END_TEST

START_TEST(process)
{
	has("\nprocess_resident_memory_bytes ");
	has("\nprocess_cpu_seconds_total ");
	has("\nprocess_open_fds ");
	double now = (double)clock_wall_ms() / 1000;
	const char *started = strstr(written(), "\nprocess_start_time_seconds ");
	ck_assert_ptr_nonnull(started);
	ck_assert(strtod(started + strlen("\nprocess_start_time_seconds "), NULL) < now);
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
