/* routing.c -- one claimed upload on its way through the router. */
#include "route/routing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/stop.h"
#include "route/sniff.h"
#include "base/banned.h"

#define LEARNT_MAX (256u * 1024)
#define DENIED_DELAY_MS 60000
#define READ_MS 60000
#define QUEUE_DECIDES (-1)

static struct metric store_reads = METRIC_COUNTER("millrace_route_store_reads_total",
                                                  "What the router asked stores.", "result");

/* What is known of it so far, from the event and from the store. */
struct known {
	struct decide_facts facts;
	struct route_result result;
	char head[SNIFF_BYTES];
};

static void
start_known(const struct routing *r, struct known *k)
{
	k->facts = (struct decide_facts){ .bucket = r->item.bucket,
		                          .key = r->item.key,
		                          .content_type = r->item.content_type,
		                          .metadata = r->item.metadata,
		                          .size = r->item.size };
	k->result = (struct route_result){ .rule_no = -1, .size = -1, .delay_ms = QUEUE_DECIDES };
}

static void
settle(struct routing *r, struct known *k, enum route_outcome outcome, const char *reason,
       const char *detail)
{
	r->result = k->result;
	r->result.outcome = outcome;
	r->result.reason = reason;
	r->result.detail = detail;
	r->decided = true;
}

static void
settle_decision(struct routing *r, struct known *k, const struct decision *d)
{
	k->result.rule_no = d->rule_no;
	k->result.sniffed_type = d->sniffed_type;
	settle(r, k, d->outcome, d->reason, d->detail);
}

bool
routing_decide(struct routing *r, const struct decide_limits *limits)
{
	struct known k;
	start_known(r, &k);
	struct decision d = decide(r->claim->pipeline, limits, &k.facts, r->claim->arena);
	if (d.need == NEED_NOTHING)
		settle_decision(r, &k, &d);
	return d.need == NEED_NOTHING;
}

static void
settle_fault(struct routing *r, struct known *k, const struct fault *f)
{
	const char *detail = arena_strdup(r->learnt, f->message);
	metric_add(&store_reads, f->code[0] ? f->code : rc_name(f->rc), 1);
	if (stop_requested()) {
		settle(r, k, ROUTE_INTERRUPTED, NULL, NULL);
	} else if (strcmp(f->code, "NotFound") == 0) {
		settle(r, k, ROUTE_SOURCE_GONE, "source_gone", detail);
	} else if (strcmp(f->code, "Replaced") == 0) {
		settle(r, k, ROUTE_SUPERSEDED, "superseded", detail);
	} else if (strcmp(f->code, "BadKey") == 0) {
		settle(r, k, ROUTE_REJECTED, "key", detail);
	} else {
		/* A right that is missing is usually given soon, but not within a second. */
		if (f->rc != RC_RETRY)
			k->result.delay_ms = DENIED_DELAY_MS;
		else if (f->retry_after_ms > 0)
			k->result.delay_ms = f->retry_after_ms;
		settle(r, k, ROUTE_RETRY, "store", detail);
	}
}

static enum rc
learn_size(struct routing *r, struct known *k, struct store *store, const struct store_ref *ref,
           struct fault *f)
{
	struct store_meta meta = { 0 };
	enum rc rc = store_head(store, ref, r->learnt, &meta, f);
	if (rc != RC_OK)
		return rc;
	k->facts.size = k->result.size = meta.size;
	if (!k->facts.content_type)
		k->facts.content_type = k->result.content_type = meta.content_type;
	if (!r->item.etag)
		k->result.etag = meta.etag;
	if (!r->item.version_id)
		k->result.version_id = meta.version_id;
	k->result.client_trace_id = meta.trace_id;
	return RC_OK;
}

static enum rc
learn_head(struct known *k, struct store *store, const struct store_ref *ref, struct fault *f)
{
	enum rc rc = store_get_head(store, ref, k->head, sizeof(k->head), &k->facts.head_n, f);
	if (rc == RC_OK)
		k->facts.head = k->head;
	return rc;
}

static enum rc
learn(struct routing *r, struct known *k, enum decide_need need, struct store_set *stores,
      struct fault *f)
{
	struct store_ref ref = { .bucket = r->item.bucket,
		                 .key = r->item.key,
		                 .version_id = r->item.version_id,
		                 .etag = r->item.etag };
	struct store *store = store_set_get(stores, r->item.store, f);
	if (!store)
		return f->rc;
	store_bound(store, stop_fd(), clock_mono_ms() + READ_MS);
	return need == NEED_SIZE ? learn_size(r, k, store, &ref, f) : learn_head(k, store, &ref, f);
}

void
routing_read(struct routing *r, const struct decide_limits *limits, struct store_set *stores)
{
	struct known k;
	struct fault f = { 0 };

	start_known(r, &k);
	if (!r->learnt && !(r->learnt = arena_new(LEARNT_MAX))) {
		settle(r, &k, ROUTE_RETRY, "memory", NULL);
		return;
	}
	for (;;) {
		struct decision d = decide(r->claim->pipeline, limits, &k.facts, r->learnt);
		if (d.need == NEED_NOTHING) {
			settle_decision(r, &k, &d);
			return;
		}
		if (learn(r, &k, d.need, stores, &f) != RC_OK) {
			settle_fault(r, &k, &f);
			return;
		}
		metric_add(&store_reads, "ok", 1);
	}
}

void
routing_hand_back(struct routing *r)
{
	struct known k;
	start_known(r, &k);
	settle(r, &k, ROUTE_INTERRUPTED, NULL, NULL);
}

void
routing_free(struct routing *r)
{
	struct claim *c = r->claim;
	arena_free(r->learnt);
	free(r);
	if (--c->open > 0)
		return;
	arena_free(c->arena);
	pipeline_drop(c->pipeline);
	free(c);
}
