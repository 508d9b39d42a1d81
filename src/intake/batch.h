/* batch.h -- what many requests brought, in one transaction; and when PostgreSQL refuses one record
 * of it, without that one. */
#ifndef INTAKE_BATCH_H
#define INTAKE_BATCH_H

#include "base/arena.h"
#include "net/httpd.h"
#include "queue/upload.h"

/* One notification between its request and its reply. */
struct message {
	struct httpd_request *request; /* borrowed; holds the body */
	struct arena *arena;           /* owned */
	const char *source;            /* borrowed from the settings */
	const char *body;
	size_t body_n;
	struct upload_event *events;     /* at least one */
	struct upload_verdict *verdicts; /* one per event; set once committed */
	size_t event_n;
	size_t committed; /* events whose verdict stands */
};

void message_free(struct message *m); /* accepts NULL */

/* As upload_accept; a pointer, so that tests can refuse what they like. */
typedef enum rc batch_accept(void *arg, const struct upload_body *bodies, size_t body_n,
                             const struct upload_event *events, size_t n,
                             struct upload_verdict *ret, struct fault *f);

/*
 * One call for all, if that works. If the data of one record is refused, halves are tried, down to
 * that record, which is then stored as refused with PostgreSQL's reason; the others are accepted.
 * A message is done when committed == event_n, also when this fails half way; what is done already
 * is not sent again.
 */
enum rc batch_commit(struct message *const messages[], size_t n, batch_accept *accept, void *arg,
                     struct fault *f) MUST_USE;

#endif
