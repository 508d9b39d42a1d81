/* metrics.c -- counters, gauges and histograms, written as Prometheus text. */
#include "base/metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/version.h"
#include "base/utf8.h"

#include "base/banned.h"

#define SERIES_MAX 64
#define VALUE_MAX 64
#define OTHER "other"

static const double bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
	                         1,     2.5,    5,     10,   30,    60,   300, 900,  3600 };
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct metric_series {
	struct metric_series *next;
	double sum; /* the value of a counter or gauge */
	uint64_t count;
	uint64_t buckets[BOUNDS];
	char value[VALUE_MAX]; /* of the label */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects every metric */
static struct metric *all;

static void
register_metric(struct metric *m)
{
	if (m->registered)
		return;
	m->registered = 1;
	struct metric **at = &all;
	while (*at && strcmp((*at)->name, m->name) < 0)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
}

/* A label's value as it is kept: valid UTF-8, or Prometheus refuses the whole page. */
static void
keep_value(const char *value, char kept[VALUE_MAX])
{
	size_t n = utf8_cut(value, strnlen(value, VALUE_MAX - 1));
	memcpy(kept, value, n);
	kept[n] = '\0';
	for (size_t i = 0; i < n && !utf8_valid(kept, n); i++)
		if ((unsigned char)kept[i] >= 0x80)
			kept[i] = '?';
}

static struct metric_series *
find_series(struct metric *m, const char *value)
{
	struct metric_series **at = &m->series;
	size_t n = 0;
	char wanted[VALUE_MAX];
	keep_value(value ? value : "", wanted);
	for (; *at; at = &(*at)->next, n++)
		if (strcmp((*at)->value, wanted) == 0)
			return *at;
	if (n >= SERIES_MAX && strcmp(wanted, OTHER) != 0)
		return find_series(m, OTHER);
	struct metric_series *s = calloc(1, sizeof(*s));
	if (s) {
		memcpy(s->value, wanted, sizeof(wanted));
		*at = s;
	}
	return s;
}

static void
change(struct metric *m, const char *value, double v, bool set)
{
	pthread_mutex_lock(&lock);
	register_metric(m);
	struct metric_series *s = find_series(m, value);
	/* Without memory a count is lost, which is better than the process. */
	if (s)
		s->sum = set ? v : s->sum + v;
	pthread_mutex_unlock(&lock);
}

void
metric_add(struct metric *m, const char *value, double delta)
{
	change(m, value, delta, false);
}

void
metric_set(struct metric *m, const char *value, double v)
{
	change(m, value, v, true);
}

void
metric_observe(struct metric *m, const char *value, double seconds)
{
	pthread_mutex_lock(&lock);
	register_metric(m);
	struct metric_series *s = find_series(m, value);
	if (s) {
		s->sum += seconds;
		s->count++;
		for (size_t i = 0; i < BOUNDS; i++)
			if (seconds <= bounds[i])
				s->buckets[i]++;
	}
	pthread_mutex_unlock(&lock);
}

/* A label's value in quotes, escaped as the format wants it. */
static void
add_label_value(struct str *out, const char *value)
{
	str_addc(out, '"');
	for (const char *p = value; *p; p++) {
		if (*p == '\n')
			str_add(out, "\\n");
		else if (*p == '"' || *p == '\\')
			str_addf(out, "\\%c", *p);
		else
			str_addc(out, *p);
	}
	str_addc(out, '"');
}

static void
add_labels(struct str *out, const struct metric *m, const struct metric_series *s, const char *le)
{
	if (!m->label && !le)
		return;
	str_addc(out, '{');
	if (m->label) {
		str_addf(out, "%s=", m->label);
		add_label_value(out, s->value);
	}
	if (le)
		str_addf(out, "%sle=\"%s\"", m->label ? "," : "", le);
	str_addc(out, '}');
}

static void
write_histogram(struct str *out, const struct metric *m, const struct metric_series *s)
{
	for (size_t i = 0; i < BOUNDS; i++) {
		char le[32];
		snprintf(le, sizeof(le), "%g", bounds[i]);
		str_addf(out, "%s_bucket", m->name);
		add_labels(out, m, s, le);
		str_addf(out, " %llu\n", (unsigned long long)s->buckets[i]);
	}
	str_addf(out, "%s_bucket", m->name);
	add_labels(out, m, s, "+Inf");
	str_addf(out, " %llu\n%s_sum", (unsigned long long)s->count, m->name);
	add_labels(out, m, s, NULL);
	str_addf(out, " %.17g\n%s_count", s->sum, m->name);
	add_labels(out, m, s, NULL);
	str_addf(out, " %llu\n", (unsigned long long)s->count);
}

static void
write_metric(struct str *out, const struct metric *m)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, types[m->type]);
	for (const struct metric_series *s = m->series; s; s = s->next) {
		if (m->type == METRIC_HISTOGRAM_) {
			write_histogram(out, m, s);
			continue;
		}
		str_add(out, m->name);
		add_labels(out, m, s, NULL);
		str_addf(out, " %.17g\n", s->sum);
	}
}

static long
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return 0;
	long n = -3; /* ".", ".." and the folder itself */
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int64_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	char line[128];
	int64_t pages = 0;
	if (fgets(line, sizeof(line), f)) {
		char *second = strchr(line, ' ');
		char *end = second ? strchr(second + 1, ' ') : NULL;
		if (end) {
			*end = '\0';
			if (!num_parse(second + 1, 0, INT64_MAX, &pages))
				pages = 0;
		}
	}
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static double started;

__attribute__((constructor)) static void
note_start(void)
{
	started = (double)clock_wall_ms() / 1000;
}

static void
write_process(struct str *out)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	             (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	str_addf(out,
	         "# HELP process_resident_memory_bytes Resident memory.\n"
	         "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n"
	         "# HELP process_cpu_seconds_total CPU time used.\n"
	         "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n"
	         "# HELP process_open_fds Open file descriptors.\n"
	         "# TYPE process_open_fds gauge\nprocess_open_fds %ld\n"
	         "# HELP process_start_time_seconds When the process started.\n"
	         "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n"
	         "# HELP millrace_build_info The version that runs.\n"
	         "# TYPE millrace_build_info gauge\nmillrace_build_info{version=\"" MILLRACE_VERSION
	         "\"} 1\n",
	         (long long)resident_bytes(), cpu, count_fds(), started);
}

void
metrics_write(struct str *out)
{
	pthread_mutex_lock(&lock);
	for (const struct metric *m = all; m; m = m->next)
		write_metric(out, m);
	pthread_mutex_unlock(&lock);
	write_process(out);
}
