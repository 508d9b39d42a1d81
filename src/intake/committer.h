/* committer.h -- the one thread that writes what the requests brought, and answers them. */
#ifndef INTAKE_COMMITTER_H
#define INTAKE_COMMITTER_H

#include "intake/batch.h"

struct committer_conf {
	const char *database_url;
	size_t max_batch;    /* notifications in one transaction */
	int64_t patience_ms; /* how long a batch may wait for a lost database; 0: 2,000 */
};

struct committer;

/* Answers what is still waiting, then frees. No put may come after. Accepts NULL. */
void committer_stop(struct committer *c);
struct committer *committer_start(const struct committer_conf *conf, struct fault *f)
	OWNS(committer_stop);
/* Takes the message and will answer its request. False: nothing was taken; the database is away or
 * too much is waiting. */
bool committer_put(struct committer *c, struct message *m) MUST_USE;
/* Has ever been connected. */
bool committer_ready(struct committer *c);

/* 503 with Retry-After. */
struct httpd_response *committer_away(void);

#endif
