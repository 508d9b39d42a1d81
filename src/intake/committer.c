/* committer.c -- the one thread that writes what the requests brought, and answers them. */
#include "intake/committer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "db/db.h"
#include "base/banned.h"

#define APP "millrace receive"
#define WAITING_MAX 4096
#define BATCH_BYTES (16u << 20)
#define BATCH_EVENTS 10000
#define CALL_MS 5000
#define PATIENCE_MS 2000
#define IDLE_MS 1000

static struct metric events_received =
	METRIC_COUNTER("millrace_events_received_total",
                       "Records of notifications by what became of them.", "result");
static struct metric commit_seconds =
	METRIC_HISTOGRAM("millrace_receive_commit_seconds",
                         "From the first of a batch being taken to its commit.", NULL);
static struct metric batches = METRIC_COUNTER("millrace_receive_batches_total",
                                              "Transactions that stored notifications.", "result");

struct committer {
	struct committer_conf conf;
	pthread_t thread;
	struct mailbox *inbox;  /* owned */
	struct message **taken; /* owned; max_batch of them; the thread's */
	pthread_mutex_t gate;   /* connected, and puts that rely on it */
	bool connected;
	atomic_bool ready, closing;
	struct db *db; /* owned; the thread's */
};

struct httpd_response *
committer_away(void)
{
	struct httpd_response *rs =
		httpd_error(503, "unavailable", "the database is away; try again soon");
	if (rs)
		httpd_response_header(rs, "Retry-After", "2");
	return rs;
}

static const char *
trace_of(const struct upload_verdict *v, char buf[TRACE_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof(v->id.bytes); i++)
		if (v->id.bytes[i])
			return ulid_trace_text(&v->id, buf);
	return NULL;
}

static void
report_refused(const struct message *m, size_t i)
{
	char trace[TRACE_TEXT_MAX];
	struct log_ctx ctx = { .trace_id = trace_of(&m->verdicts[i], trace) };
	const char *reason = m->events[i].reason;
	log_event(&ctx, LOG_WARN_, "record refused", "source %s: %s", m->source,
	          reason ? reason : "no reason");
}

/* {"uploads": [{"trace_id": …, "outcome": …}]} */
static struct httpd_response *
reply_of(const struct message *m)
{
	struct str body = STR_INIT(256 * m->event_n + 64);
	char trace[TRACE_TEXT_MAX];

	str_add(&body, "{\"uploads\":[");
	for (size_t i = 0; i < m->event_n; i++) {
		str_add(&body, i ? ",{\"trace_id\":" : "{\"trace_id\":");
		str_add_json_or_null(&body, trace_of(&m->verdicts[i], trace));
		str_addf(&body, ",\"outcome\":\"%s\"}",
		         upload_outcome_name(m->verdicts[i].outcome));
	}
	str_add(&body, "]}");
	struct httpd_response *rs = httpd_response_new(200, "application/json");
	if (rs)
		httpd_response_body(rs, &body);
	str_free(&body);
	return rs;
}

static void
answer(struct message *m)
{
	if (m->committed < m->event_n) {
		httpd_reply(m->request, committer_away());
		message_free(m);
		return;
	}
	httpd_reply(m->request, reply_of(m));
	for (size_t i = 0; i < m->event_n; i++) {
		metric_add(&events_received, upload_outcome_name(m->verdicts[i].outcome), 1);
		if (m->verdicts[i].outcome == UPLOAD_REFUSED)
			report_refused(m, i);
	}
	message_free(m);
}

static void
set_connected(struct committer *c, bool connected)
{
	pthread_mutex_lock(&c->gate);
	c->connected = connected;
	pthread_mutex_unlock(&c->gate);
}

bool
committer_put(struct committer *c, struct message *m)
{
	pthread_mutex_lock(&c->gate);
	bool put = c->connected && mailbox_try_put(c->inbox, m);
	pthread_mutex_unlock(&c->gate);
	return put;
}

bool
committer_ready(struct committer *c)
{
	return atomic_load(&c->ready);
}

static void
turn_away(struct committer *c)
{
	void *item = NULL;
	while (mailbox_take(c->inbox, &item, 1, 0) == 1)
		answer(item);
}

static void
report_away(const struct fault *f, void *arg)
{
	(void)arg;
	struct log_ctx ctx = { .fault = f };
	log_event(&ctx, LOG_WARN_, "database away", NULL);
}

/* The old connection goes, the new one, if there is any, has its deadline. */
static bool
adopt(struct committer *c, struct db *db)
{
	db_close(c->db);
	c->db = db;
	if (db)
		db_set_deadline_ms(db, CALL_MS);
	return db;
}

static enum rc
accept_by_database(void *arg, const struct upload_body *bodies, size_t body_n,
                   const struct upload_event *events, size_t n, struct upload_verdict *ret,
                   struct fault *f)
{
	struct committer *c = arg;
	if (!c->db || db_broken(c->db)) {
		if (!adopt(c, db_open(c->conf.database_url, APP, f)))
			return f->rc;
	}
	return upload_accept(c->db, bodies, body_n, events, n, ret, f);
}

/* A sender may have but one try: a database that restarts is waited for a moment. The same record
 * twice is harmless, so that a commit whose reply was lost may be sent again. */
static enum rc
commit_patiently(struct committer *c, struct message *const messages[], size_t n, struct fault *f)
{
	static const struct backoff pause = { .base_ms = 50, .cap_ms = 500 };
	int64_t until = clock_mono_ms() + c->conf.patience_ms;
	for (int attempt = 1;; attempt++) {
		enum rc rc = batch_commit(messages, n, accept_by_database, c, f);
		if (rc != RC_RETRY || clock_mono_ms() >= until)
			return rc;
		if (stop_wait_ms(backoff_ms(&pause, attempt, backoff_seed())) && attempt > 1)
			return rc;
	}
}

/* How many of the messages fit into one transaction; at least one. */
static size_t
fit(struct message *const messages[], size_t n)
{
	size_t bytes = 0, events = 0, i = 0;
	for (; i < n; i++) {
		bytes += messages[i]->body_n;
		events += messages[i]->event_n;
		if (i > 0 && (bytes > BATCH_BYTES || events > BATCH_EVENTS))
			break;
	}
	return i;
}

static bool
commit_some(struct committer *c, struct message *const messages[], size_t n)
{
	struct fault f = { 0 };
	int64_t from = clock_mono_us();
	enum rc rc = commit_patiently(c, messages, n, &f);
	metric_observe(&commit_seconds, NULL, (double)(clock_mono_us() - from) / 1e6);
	metric_add(&batches, rc_name(rc), 1);
	for (size_t i = 0; i < n; i++)
		answer(messages[i]);
	if (rc != RC_OK) {
		struct log_ctx ctx = { .fault = &f };
		log_event(&ctx, rc == RC_RETRY ? LOG_WARN_ : LOG_ERROR_, "notifications not stored",
		          "%zu were told to come again", n);
	}
	return c->db && !db_broken(c->db);
}

/* Until the connection is lost (true) or no more will come (false). */
static bool
serve_connected(struct committer *c)
{
	for (;;) {
		size_t n = mailbox_take(c->inbox, (void **)c->taken, c->conf.max_batch, IDLE_MS);
		if (n == 0 && atomic_load(&c->closing))
			return false;
		bool connected = true;
		for (size_t at = 0; at < n;) {
			size_t some = fit(c->taken + at, n - at);
			connected = commit_some(c, c->taken + at, some);
			at += some;
		}
		if (!connected)
			return true;
	}
}

static void
connect_again(struct committer *c)
{
	struct fault f = { 0 };
	if (adopt(c, db_open_patient(c->conf.database_url, APP, report_away, NULL, &f))) {
		atomic_store(&c->ready, true);
		return;
	}
	if (f.rc == RC_STOP)
		return;
	/* A changed password or a dropped role may be mended from outside while we answer 503. */
	struct log_ctx ctx = { .fault = &f };
	log_event(&ctx, LOG_ERROR_, "database refuses us", NULL);
	stop_wait_ms(IDLE_MS);
}

static void *
run(void *arg)
{
	struct committer *c = arg;
	for (;;) {
		connect_again(c);
		if (c->db) {
			set_connected(c, true);
			bool lost = serve_connected(c);
			set_connected(c, false);
			if (!lost)
				break;
		}
		turn_away(c);
		if (stop_requested() || atomic_load(&c->closing))
			break;
	}
	turn_away(c);
	db_close(c->db);
	return NULL;
}

static void
release(struct committer *c)
{
	mailbox_free(c->inbox);
	free(c->taken);
	pthread_mutex_destroy(&c->gate);
	free(c);
}

void
committer_stop(struct committer *c)
{
	if (!c)
		return;
	atomic_store(&c->closing, true);
	mailbox_close(c->inbox);
	pthread_join(c->thread, NULL);
	release(c);
}

struct committer *
committer_start(const struct committer_conf *conf, struct fault *f)
{
	struct committer *c = calloc(1, sizeof(*c));
	if (!c) {
		fault_set(f, RC_RETRY, "out of memory for the committer");
		return NULL;
	}
	c->conf = *conf;
	if (c->conf.patience_ms == 0)
		c->conf.patience_ms = PATIENCE_MS;
	pthread_mutex_init(&c->gate, NULL);
	c->inbox = mailbox_new(WAITING_MAX);
	c->taken = calloc(conf->max_batch, sizeof(struct message *));
	if (!c->inbox || !c->taken || pthread_create(&c->thread, NULL, run, c) != 0) {
		fault_set(f, RC_RETRY, "cannot start the committer");
		release(c);
		return NULL;
	}
	return c;
}
