/* dev.c -- the whole of Millrace on one machine. */
#include "dev/dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "dev/child.h"
#include "dev/cluster.h"
#include "dev/database.h"
#include "dev/files.h"
#include "dev/progress.h"
#include "dev/roles.h"
#include "dev/say.h"
#include "dev/settings.h"
#include "dev/state.h"
#include "dev/feed.h"
#include "base/banned.h"

#define RECEIVE_PORT 8470
#define SERVE_PORT 8471
#define LOOK_MS 250
/* Uploads that are final must stay so for this long before --exit-when-done believes it. */
#define DONE_MS 1500
/* The roles' own grace is 25 s. */
#define STOP_MS (35 * 1000)
#define START_ATTEMPTS 3

struct dev {
	const struct dev_conf *conf;
	struct state state;
	struct settings settings;
	struct cluster *cluster;
	struct roles *roles;
	struct feed *feed;
	struct progress progress;
	const char *base_url;   /* of the status server */
	const char *events_url; /* of the receiver */
	const char *serve_at, *receive_at;
	int64_t quiet_since_ms; /* 0: something is under way */
};

static enum rc
out_of_memory(struct fault *f)
{
	return fault_set(f, RC_RETRY, "out of memory");
}

/* A page for people on this machine needs a port: what was asked for, or any that is free. */
static enum rc
choose_ports(struct dev *d, bool usual, struct fault *f)
{
	struct arena *a = d->state.arena;
	d->receive_at = arena_printf(a, "127.0.0.1:%u", roles_free_port(usual ? RECEIVE_PORT : 0));
	d->serve_at = d->conf->listen ? d->conf->listen
	                              : arena_printf(a, "127.0.0.1:%u",
	                                             roles_free_port(usual ? SERVE_PORT : 0));
	if (!d->receive_at || !d->serve_at)
		return out_of_memory(f);
	int64_t port;
	const char *colon = strrchr(d->serve_at, ':');
	if (!colon || !num_parse(colon + 1, 0, 65535, &port))
		return fault_set(f, RC_PERMANENT, "--listen %s: is not ADDRESS:PORT", d->serve_at);
	if (port == 0)
		d->serve_at = arena_printf(a, "%.*s:%u", (int)(colon - d->serve_at), d->serve_at,
		                           roles_free_port(0));
	if (!d->serve_at)
		return out_of_memory(f);
	bool all = d->serve_at[0] == ':';
	d->base_url = arena_printf(a, "http://%s%s", all ? "127.0.0.1" : "", d->serve_at);
	d->events_url = arena_printf(a, "http://%s/v1/events/%s", d->receive_at,
	                             d->conf->s3 ? "s3" : "watch");
	return d->base_url && d->events_url ? RC_OK : out_of_memory(f);
}

static enum rc
start_database(struct dev *d, struct fault *f)
{
	struct arena *a = d->state.arena;
	bool fresh = false;
	size_t applied = 0;
	const char *log = arena_printf(a, "%s/postgres.log", d->state.log);
	if (!log)
		return out_of_memory(f);
	d->cluster = cluster_new(d->state.postgres, log, &fresh, f);
	if (!d->cluster)
		return f->rc;
	if (fresh)
		say("postgres made in %s", d->state.postgres);
	enum rc rc = cluster_start(d->cluster, f);
	if (rc == RC_OK)
		rc = database_await(d->cluster, a, f);
	if (rc != RC_OK)
		return fault_context(f, "%s", log);
	say("postgres ready");
	rc = database_prepare(d->cluster, a, &applied, f);
	if (rc == RC_OK)
		say("schema ready, %zu migration%s applied", applied, applied == 1 ? "" : "s");
	return rc;
}

static void
role_ready(const char *command)
{
	say("%s ready", command);
}

static enum rc
start_roles_at(struct dev *d, struct fault *f)
{
	struct arena *a = d->state.arena;
	const struct cluster *c = d->cluster;
	const struct role_conf confs[] = {
		{ "receive", database_url(c, "receiver", a), d->receive_at },
		{ "route", database_url(c, "router", a), NULL },
		{ "work", database_url(c, "worker", a), NULL },
		{ "keep", database_url(c, "keeper", a), NULL },
		{ "serve", database_url(c, "reader", a), d->serve_at },
	};
	for (size_t i = 0; i < ARRAY_LEN(confs); i++)
		if (!confs[i].database_url)
			return out_of_memory(f);
	const char *people = database_url(c, "operator", a);
	enum rc rc =
		people ? settings_write(d->conf, &d->state, &d->settings, people, d->base_url, f)
		       : out_of_memory(f);
	if (rc != RC_OK)
		return rc;
	d->roles = roles_new(confs, ARRAY_LEN(confs), d->state.conf, d->state.log, f);
	return d->roles ? roles_start(d->roles, role_ready, f) : f->rc;
}

/* Between the choice of a port and its use another process may take it: then others are chosen. */
static enum rc
start_roles(struct dev *d, struct fault *f)
{
	enum rc rc = RC_PERMANENT;
	for (int attempt = 1; rc == RC_PERMANENT && attempt <= START_ATTEMPTS; attempt++) {
		if (d->roles) {
			say_problem(f);
			roles_stop(d->roles, STOP_MS);
			roles_free(d->roles);
			d->roles = NULL;
		}
		rc = choose_ports(d, attempt == 1, f);
		if (rc == RC_OK)
			rc = start_roles_at(d, f);
	}
	return rc;
}

static enum rc
start_feed(struct dev *d, struct fault *f)
{
	if (d->conf->s3)
		return RC_OK;
	const struct feed_conf conf = {
		.root = d->settings.root,
		.bucket = d->settings.bucket,
		.to = { .url = d->events_url, .token = d->state.token },
		.problem = say_problem,
	};
	d->feed = feed_start(&conf, f);
	return d->feed ? RC_OK : f->rc;
}

static enum rc
tell_how(struct dev *d, struct fault *f)
{
	const struct dev_conf *conf = d->conf;
	say("all ready");
	say_plain("status   %s/", d->base_url);
	if (conf->s3) {
		say_plain("store    %s, buckets %s", conf->s3, conf->s3_buckets);
		say_plain("notify   configure the buckets to send ObjectCreated events by HTTP to");
		say_plain("         %s?token=%s", d->events_url, d->state.token);
	} else if (d->settings.bucket) {
		say_plain("bucket   %s/%s: copy a file into it", d->settings.root,
		          d->settings.bucket);
	} else {
		say_plain("buckets  %s/: copy a file into a folder of it, say uploads/",
		          d->settings.root);
	}
	say_plain("command  MILLRACE_CONFIG=%s millrace jobs", d->state.conf);
	say_plain("stop     Ctrl-C; the next start goes on from here");
	struct str line = STR_INIT(4096);
	str_addf(&line, "%s\n", d->base_url);
	enum rc rc = files_write_text(d->state.ready, str_text(&line), f);
	str_free(&line);
	return rc;
}

static enum rc
start(struct dev *d, struct fault *f)
{
	enum rc rc = settings_find(d->conf, &d->state, &d->settings, f);
	if (rc == RC_OK)
		rc = start_database(d, f);
	if (rc == RC_OK)
		rc = start_roles(d, f);
	if (rc == RC_OK)
		rc = start_feed(d, f);
	return rc == RC_OK ? tell_how(d, f) : rc;
}

static void
look_after_database(struct dev *d)
{
	struct fault f = { 0 };
	char text[CHILD_STATUS_MAX];
	int status = 0;
	if (cluster_alive(d->cluster, &status))
		return;
	fault_set(&f, RC_RETRY, "PostgreSQL ended with %s; starting it again",
	          child_status_text(status, text));
	say_problem(&f);
	if (cluster_start(d->cluster, &f) != RC_OK && f.rc != RC_STOP)
		say_problem(&f);
}

static bool
all_done(struct dev *d)
{
	bool done = d->progress.seen_all > 0 && d->progress.open == 0 && d->progress.busy == 0 &&
	            (!d->feed || feed_idle(d->feed));
	int64_t now = clock_mono_ms();
	if (!done)
		d->quiet_since_ms = 0;
	else if (d->quiet_since_ms == 0)
		d->quiet_since_ms = now;
	return done && now - d->quiet_since_ms >= DONE_MS;
}

static void
run(struct dev *d)
{
	d->progress.base_url = d->base_url;
	d->progress.database_url = database_url(d->cluster, "reader", d->state.arena);
	bool told = false;
	do {
		struct fault f = { 0 };
		look_after_database(d);
		roles_look_after(d->roles, say_problem);
		enum rc rc = progress_look(&d->progress, &f);
		if (rc != RC_OK && !told)
			say_problem(&f);
		told = rc != RC_OK;
		if (rc == RC_OK && d->conf->exit_when_done && all_done(d))
			return;
	} while (!stop_wait_ms(LOOK_MS));
}

static enum rc
stop_all(struct dev *d, struct fault *f)
{
	bool clean = true;
	say("stopping");
	feed_free(d->feed);
	if (d->roles)
		clean = roles_stop(d->roles, STOP_MS);
	roles_free(d->roles);
	progress_close(&d->progress);
	if (d->cluster)
		cluster_stop(d->cluster);
	cluster_free(d->cluster);
	say("stopped");
	return clean ? RC_OK
	             : fault_set(f, RC_PERMANENT,
	                         "not every role stopped in order; see the logs in %s",
	                         d->state.log);
}

enum rc
dev_run(const struct dev_conf *conf, struct fault *f)
{
	struct dev d = { .conf = conf };
	say_begin();
	enum rc rc = state_open(conf->state_dir, &d.state, f);
	if (rc != RC_OK)
		return rc;
	rc = start(&d, f);
	if (rc == RC_OK)
		run(&d);
	struct fault while_stopping = { 0 };
	enum rc stopped = stop_all(&d, &while_stopping);
	/* A stop that came during the start is as orderly as any. */
	if (rc == RC_STOP)
		rc = RC_OK;
	if (rc == RC_OK && stopped != RC_OK) {
		*f = while_stopping;
		rc = stopped;
	}
	state_close(&d.state);
	return rc;
}
