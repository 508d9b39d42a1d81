/* tray.c -- the uploads that the router holds at the moment, and handing in what was decided. */
#include "route/tray.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "queue/refusal.h"
#include "base/banned.h"

#define CLAIM_BYTES (64u << 20)

static struct metric routed = METRIC_COUNTER("millrace_routed_total",
                                             "Uploads by what the router made of them.", "outcome");

static void
drop(struct tray *d, size_t i)
{
	struct routing *r = d->held[i];
	d->held[i] = d->held[--d->n];
	if (r->reading)
		r->lost = true;
	else
		routing_free(r);
}

void
tray_clear(struct tray *d)
{
	while (d->n > 0)
		drop(d, d->n - 1);
}

static void
release_claim(struct claim *c)
{
	arena_free(c->arena);
	pipeline_drop(c->pipeline);
	free(c);
}

/* What memory cannot hold stays in the database's hands: as lost, it is rescued. */
static void
hold(struct tray *d, struct claim *c, const struct route_item *items, size_t n)
{
	for (size_t i = 0; i < n && d->n < TRAY_MAX; i++) {
		struct routing *r = calloc(1, sizeof(*r));
		if (!r)
			break;
		r->item = items[i];
		r->claim = c;
		c->open++;
		d->held[d->n++] = r;
		KEPT(c);
	}
	if (c->open == 0)
		release_claim(c);
}

static struct claim *
new_claim(const struct pipeline *pipeline, int pipeline_no, struct fault *f)
{
	struct claim *c = calloc(1, sizeof(*c));
	if (c)
		c->arena = arena_new(CLAIM_BYTES);
	if (!c || !c->arena) {
		free(c);
		fault_set(f, RC_RETRY, "out of memory for a claim");
		return NULL;
	}
	c->pipeline = pipeline_hold(pipeline);
	c->pipeline_no = pipeline_no;
	return c;
}

enum rc
tray_claim(struct tray *d, struct session *s, struct db *db, const struct pipeline *pipeline,
           int pipeline_no, const struct decide_limits *limits, struct readers *readers, bool fresh,
           size_t *ret_n, struct fault *f)
{
	struct route_item *items = NULL;
	size_t n = 0, first = d->n;
	size_t room = TRAY_MAX - d->n < TRAY_CLAIM ? TRAY_MAX - d->n : TRAY_CLAIM;
	struct claim *c = new_claim(pipeline, pipeline_no, f);

	if (!c)
		return f->rc;
	enum rc rc = upload_claim_routes(s, db, room, fresh, c->arena, &items, &n, f);
	if (rc != RC_OK) {
		release_claim(c);
		return rc;
	}
	hold(d, c, items, n);
	for (size_t i = first; i < d->n; i++) {
		struct routing *r = d->held[i];
		r->reading = !routing_decide(r, limits);
		if (r->reading && !readers_put(readers, r)) {
			r->reading = false;
			routing_hand_back(r);
		}
	}
	*ret_n = n;
	return RC_OK;
}

void
tray_collect(struct readers *readers)
{
	struct routing *back[64];
	size_t n;
	while ((n = readers_take(readers, back, ARRAY_LEN(back))) > 0)
		for (size_t i = 0; i < n; i++) {
			back[i]->reading = false;
			if (back[i]->lost)
				routing_free(back[i]);
		}
}

static bool
is_ready(const struct routing *r)
{
	return !r->reading && r->decided; /* in this order: decided is the readers' till then */
}

/* The indices of what goes into one call: all of one pipeline. */
static size_t
gather(const struct tray *d, size_t at[TRAY_CLAIM])
{
	size_t n = 0, most = d->at_once > 0 ? d->at_once : TRAY_CLAIM;
	for (size_t i = 0; i < d->n && n < most; i++)
		if (is_ready(d->held[i]) && (n == 0 || d->held[i]->claim->pipeline_no ==
		                                               d->held[at[0]]->claim->pipeline_no))
			at[n++] = i;
	return n;
}

static void
report(const struct routing *r)
{
	const struct route_result *result = &r->result;
	struct log_ctx ctx = { .trace_id = r->item.trace_id };
	enum log_level level = result->outcome == ROUTE_EXPAND ? LOG_DEBUG_ : LOG_INFO_;

	metric_add(&routed, route_outcome_name(result->outcome), 1);
	log_event(&ctx, level, "upload routed", "%s%s%s%s%s", route_outcome_name(result->outcome),
	          result->reason ? ", " : "", result->reason ? result->reason : "",
	          result->detail ? ": " : "", result->detail ? result->detail : "");
}

/* One result that the database will not take comes back as a retry, whose limit makes it dead and
 * visible; one whose retry it will not take either is let go, and the session with it: opened anew
 * without this ticket, so that the database takes it back. */
static enum rc
mend(struct tray *d, size_t i, struct fault *f)
{
	struct routing *r = d->held[i];
	struct log_ctx ctx = { .trace_id = r->item.trace_id, .fault = f };
	log_event(&ctx, LOG_ERROR_, "routing refused", NULL);
	if (r->spoilt) {
		drop(d, i);
		f->rc = RC_LOST;
		return RC_LOST;
	}
	r->spoilt = true;
	r->result = (struct route_result){ .outcome = ROUTE_RETRY,
		                           .rule_no = -1,
		                           .size = -1,
		                           .delay_ms = -1,
		                           .reason = "database",
		                           .detail = "The database refused its routing." };
	return RC_OK;
}

/* What somebody may mend is waited for, with all that is held. */
static enum rc
keep_for_later(enum rc rc, struct fault *f)
{
	if (rc != RC_PERMANENT && rc != RC_BUG)
		return rc;
	f->rc = RC_RETRY;
	return RC_RETRY;
}

static enum rc
expand_some(struct tray *d, const size_t at[], size_t n, struct session *s, struct db *db,
            struct fault *f)
{
	struct route_result *results = calloc(n, sizeof(*results));
	bool accepted[TRAY_CLAIM] = { false };
	if (!results)
		return fault_set(f, RC_RETRY, "out of memory for results");
	for (size_t i = 0; i < n; i++) {
		results[i] = d->held[at[i]]->result;
		results[i].ticket = d->held[at[i]]->item.ticket;
	}
	enum rc rc =
		upload_expand(s, db, d->held[at[0]]->claim->pipeline_no, results, n, accepted, f);
	free(results);
	if (rc == RC_OK)
		/* From the back, since dropping moves the last one into the gap. */
		for (size_t i = n; i-- > 0;) {
			if (accepted[i])
				report(d->held[at[i]]);
			drop(d, at[i]);
		}
	return rc;
}

enum rc
tray_expand(struct tray *d, struct session *s, struct db *db, size_t *ret_n, struct fault *f)
{
	size_t at[TRAY_CLAIM], n, total = 0;
	while ((n = gather(d, at)) > 0) {
		enum rc rc = expand_some(d, at, n, s, db, f);
		bool spoilt = rc != RC_OK && queue_is_about_data(f);
		if (spoilt && n > 1)
			d->at_once = 1;
		else if (spoilt)
			rc = mend(d, at[0], f);
		else
			rc = keep_for_later(rc, f);
		if (rc != RC_OK && !(spoilt && n > 1))
			return rc;
		total += n;
	}
	d->at_once = 0;
	*ret_n = total;
	return RC_OK;
}

enum rc
tray_reopen(struct tray *d, struct session *s, struct db *db, struct fault *f)
{
	struct ticket *tickets = calloc(d->n + 1, sizeof(*tickets));
	bool kept[TRAY_MAX] = { false };
	if (!tickets)
		return fault_set(f, RC_RETRY, "out of memory for tickets");
	for (size_t i = 0; i < d->n; i++)
		tickets[i] = d->held[i]->item.ticket;
	enum rc rc = session_reopen(s, db, tickets, d->n, kept, f);
	for (size_t i = d->n; rc == RC_OK && i-- > 0;) {
		d->held[i]->item.ticket = tickets[i];
		if (!kept[i])
			drop(d, i);
	}
	free(tickets);
	return rc;
}
