/* batch.c -- what many requests brought, in one transaction, without the record that spoils it. */
#include "intake/batch.h"

#include <stdlib.h>
#include <string.h>

#include "queue/refusal.h"
#include "base/banned.h"

/* A run of a message's events. */
struct part {
	struct message *message;
	size_t first, n;
};

struct batch {
	batch_accept *accept;
	void *arg;
};

void
message_free(struct message *m)
{
	if (!m)
		return;
	arena_free(m->arena);
	free(m);
}

static size_t
count_events(const struct part *parts, size_t n)
{
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += parts[i].n;
	return total;
}

static void
keep_verdicts(const struct part *parts, size_t n, const struct upload_verdict *verdicts)
{
	for (size_t i = 0; i < n; i++) {
		struct message *m = parts[i].message;
		memcpy(m->verdicts + parts[i].first, verdicts, parts[i].n * sizeof(*verdicts));
		m->committed += parts[i].n;
		verdicts += parts[i].n;
	}
}

static void
lay_out(const struct part *parts, size_t n, struct upload_body *bodies, struct upload_event *events)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		const struct message *m = parts[i].message;
		bodies[i] = (struct upload_body){ m->source, m->body, m->body_n };
		for (size_t k = 0; k < parts[i].n; k++) {
			events[at] = m->events[parts[i].first + k];
			events[at++].body = i;
		}
	}
}

static enum rc
send_parts(const struct batch *b, const struct part *parts, size_t n, struct fault *f)
{
	size_t total = count_events(parts, n);
	struct upload_body *bodies = calloc(n, sizeof(*bodies));
	struct upload_event *events = calloc(total, sizeof(*events));
	struct upload_verdict *verdicts = calloc(total, sizeof(*verdicts));
	enum rc rc = RC_RETRY;

	if (bodies && events && verdicts) {
		lay_out(parts, n, bodies, events);
		rc = b->accept(b->arg, bodies, n, events, total, verdicts, f);
	} else {
		fault_set(f, RC_RETRY, "out of memory for %zu notifications", n);
	}
	if (rc == RC_OK)
		keep_verdicts(parts, n, verdicts);
	free(bodies);
	free(events);
	free(verdicts);
	return rc;
}

static enum rc
send_as_refused(const struct batch *b, const struct part *part, struct fault *f)
{
	struct message *m = part->message;
	struct upload_event *e = &m->events[part->first];
	const char *reason = arena_printf(m->arena, "the database refused it: %s", f->message);

	*e = (struct upload_event){ .what = EVENT_REFUSED,
		                    .store = e->store,
		                    .size = -1,
		                    .reason = reason ? reason : "the database refused it" };
	return send_parts(b, part, 1, f);
}

static enum rc
commit_parts(const struct batch *b, const struct part *parts, size_t n, struct fault *f)
{
	enum rc rc = send_parts(b, parts, n, f);
	if (rc == RC_OK || !queue_is_about_data(f))
		return rc;
	if (n > 1) {
		rc = commit_parts(b, parts, n / 2, f);
		return rc != RC_OK ? rc : commit_parts(b, parts + n / 2, n - n / 2, f);
	}
	if (parts->n > 1) {
		struct part one = { parts->message, parts->first, parts->n / 2 };
		struct part two = { parts->message, one.first + one.n, parts->n - one.n };
		rc = commit_parts(b, &one, 1, f);
		return rc != RC_OK ? rc : commit_parts(b, &two, 1, f);
	}
	return send_as_refused(b, parts, f);
}

enum rc
batch_commit(struct message *const messages[], size_t n, batch_accept *accept, void *arg,
             struct fault *f)
{
	struct batch b = { .accept = accept, .arg = arg };
	struct part *parts = calloc(n ? n : 1, sizeof(*parts));
	size_t open = 0;

	if (!parts)
		return fault_set(f, RC_RETRY, "out of memory for %zu notifications", n);
	/* Events of one message are committed in order, so that a count is enough to go on. */
	for (size_t i = 0; i < n; i++)
		if (messages[i]->committed < messages[i]->event_n)
			parts[open++] =
				(struct part){ messages[i], messages[i]->committed,
				               messages[i]->event_n - messages[i]->committed };
	enum rc rc = open > 0 ? commit_parts(&b, parts, open, f) : RC_OK;
	free(parts);
	return rc;
}
