/* receiver.h -- takes notifications over HTTP and answers after the commit. */
#ifndef INTAKE_RECEIVER_H
#define INTAKE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "intake/s3_event.h"

enum source_auth {
	AUTH_BEARER, /* Authorization: the secret, with or without "Bearer " */
	AUTH_QUERY,  /* ?token=the secret, for stores that send no headers */
	AUTH_NONE,   /* on loopback only */
};

/* One [source NAME]; texts are borrowed for good. */
struct source_conf {
	const char *name;
	enum source_auth auth;
	const char *secret_file, *secret_file_2; /* the second may be NULL */
	const char *store;
	enum key_encoding keys;
};

struct receiver_conf {
	const char *listen;       /* as httpd_conf */
	const char *database_url; /* as db_open */
	size_t max_body, max_records, max_batch;
	const struct source_conf *sources; /* borrowed for good */
	size_t source_count;
};

/*
 * POST /v1/events/NAME: 200 {"uploads": [{"trace_id", "outcome"}]} once it is committed, also for
 * what was not understood (it is kept as refused: a sender that sees anything else would send it
 * again for ever). 400 empty, 401 not proven, 404 no such source, 405, 413 too large, 503 with
 * Retry-After when it could not be stored now. GET and HEAD of it and of / are probes of senders.
 */
struct receiver;

/* Stops accepting, lets what is in flight be committed and answered, frees. Accepts NULL. */
void receiver_stop(struct receiver *r);
/* RC_PERMANENT: no source, a source without a secret, or one without authentication on an address
 * that is not loopback. */
struct receiver *receiver_start(const struct receiver_conf *c, struct fault *f) OWNS(receiver_stop);
unsigned receiver_port(const struct receiver *r);
/* Connected at least once, and not asked to stop; arg is the receiver. Away is no reason: senders
 * shall get their 503 with Retry-After from us. */
bool receiver_ready(void *arg);
/* Until a stop is requested: reads secrets again when their files change. */
void receiver_run(struct receiver *r);

#endif
