/* fetch.c -- threads of their own for what asks a store: one that hangs takes no page with it. */
#include "status/fetch.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mailbox.h"
#include "status/site.h"
#include "base/banned.h"

#define WAITING_MAX 16

struct fetchers {
	struct mailbox *inbox; /* owned; its visits own themselves */
	size_t count;
	pthread_t threads[FETCH_THREADS];
};

static void *
run(void *arg)
{
	struct fetchers *t = arg;
	void *item;
	while (mailbox_take(t->inbox, &item, 1, -1) > 0) {
		struct visit *v = item;
		struct arena *arena = v->arena;
		httpd_reply(v->rq, send_result(v));
		arena_free(arena);
	}
	return NULL;
}

static void
destroy(struct fetchers *t)
{
	if (t->inbox)
		mailbox_close(t->inbox);
	for (size_t i = 0; i < t->count; i++)
		pthread_join(t->threads[i], NULL);
	if (t->inbox)
		mailbox_free(t->inbox);
	free(t);
}

void
fetchers_stop(struct fetchers *t)
{
	if (t)
		destroy(t);
}

struct fetchers *
fetchers_start(struct fault *f)
{
	struct fetchers *t = calloc(1, sizeof(*t));
	if (t)
		t->inbox = mailbox_new(WAITING_MAX);
	while (t && t->inbox && t->count < FETCH_THREADS &&
	       pthread_create(&t->threads[t->count], NULL, run, t) == 0)
		t->count++;
	if (t && t->count == FETCH_THREADS)
		return t;
	if (t)
		destroy(t);
	fault_set(f, RC_RETRY, "cannot start the threads that fetch results");
	return NULL;
}

bool
fetchers_put(struct fetchers *t, struct visit *v)
{
	return mailbox_try_put(t->inbox, v);
}
