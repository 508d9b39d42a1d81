/* metrics.h -- counters, gauges and histograms of this process, written as Prometheus text. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * A metric is a static object of the room that counts; it registers itself at first use and lives
 * for good. label is NULL or the name of its one label. All calls are thread-safe. static struct
 * metric received = METRIC_COUNTER("millrace_events_received_total", "Notifications received.",
 * "result"); metric_add(&received, "accepted", 1);
 */
enum metric_type { METRIC_COUNTER_, METRIC_GAUGE_, METRIC_HISTOGRAM_ };

struct metric_series;
struct metric {
	const char *name, *help, *label;
	enum metric_type type;
	struct metric *next;
	struct metric_series *series;
	int registered;
};

#define METRIC_COUNTER(n, h, l)                                                                    \
	{                                                                                          \
		.name = (n), .help = (h), .label = (l), .type = METRIC_COUNTER_                    \
	}
#define METRIC_GAUGE(n, h, l)                                                                      \
	{                                                                                          \
		.name = (n), .help = (h), .label = (l), .type = METRIC_GAUGE_                      \
	}
#define METRIC_HISTOGRAM(n, h, l)                                                                  \
	{                                                                                          \
		.name = (n), .help = (h), .label = (l), .type = METRIC_HISTOGRAM_                  \
	}

/* value is the label's value, NULL when the metric has none; a 65th value of a label is counted as
 * "other". */
void metric_add(struct metric *m, const char *value, double delta);
void metric_set(struct metric *m, const char *value, double v);
/* Histogram: seconds. Buckets 1 ms to 1 h. */
void metric_observe(struct metric *m, const char *value, double seconds);
/* All registered metrics in the text format 0.0.4, process_* (RSS, CPU, fds, start time) and
 * millrace_build_info included. */
void metrics_write(struct str *out);

#endif
