/* readers.c -- a few threads that ask stores. */
#include "route/readers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mailbox.h"
#include "base/stop.h"
#include "base/banned.h"

struct readers {
	struct readers_conf conf;
	struct mailbox *todo, *done; /* owned */
	pthread_t *threads;          /* owned */
	size_t running;
};

static void
read_one(struct readers *rs, struct routing *r, struct store_set *stores)
{
	if (stop_requested() || !stores)
		routing_hand_back(r);
	else
		routing_read(r, rs->conf.limits, stores);
	/* Both boxes hold all that is with us: there is room. */
	bool put = mailbox_try_put(rs->done, r);
	assert(put);
}

static void *
run(void *arg)
{
	struct readers *rs = arg;
	struct store_set *stores = store_set_new(rs->conf.stores, rs->conf.store_count);
	void *item = NULL;
	while (mailbox_take(rs->todo, &item, 1, -1) == 1)
		read_one(rs, item, stores);
	store_set_free(stores);
	return NULL;
}

void
readers_close(struct readers *rs)
{
	mailbox_close(rs->todo);
	for (size_t i = 0; i < rs->running; i++)
		pthread_join(rs->threads[i], NULL);
	rs->running = 0;
}

static void
release(struct readers *rs)
{
	mailbox_free(rs->todo);
	mailbox_free(rs->done);
	free(rs->threads);
	free(rs);
}

void
readers_free(struct readers *rs)
{
	if (rs)
		release(rs);
}

struct readers *
readers_start(const struct readers_conf *c, struct fault *f)
{
	struct readers *rs = calloc(1, sizeof(*rs));
	if (!rs) {
		fault_set(f, RC_RETRY, "out of memory for readers");
		return NULL;
	}
	rs->conf = *c;
	rs->todo = mailbox_new(c->capacity);
	rs->done = mailbox_new(c->capacity);
	rs->threads = calloc(c->threads, sizeof(*rs->threads));
	bool ok = rs->todo && rs->done && rs->threads;
	while (ok && rs->running < c->threads) {
		ok = pthread_create(&rs->threads[rs->running], NULL, run, rs) == 0;
		rs->running += ok;
	}
	if (ok)
		return rs;
	fault_set(f, RC_RETRY, "cannot start %zu readers", c->threads);
	if (rs->todo)
		readers_close(rs);
	release(rs);
	return NULL;
}

bool
readers_put(struct readers *rs, struct routing *r)
{
	return mailbox_try_put(rs->todo, r);
}

size_t
readers_take(struct readers *rs, struct routing **ret, size_t max)
{
	size_t n = 0;
	void *item = NULL;
	while (n < max && mailbox_take(rs->done, &item, 1, 0) == 1)
		ret[n++] = item;
	return n;
}

int
readers_fd(struct readers *rs)
{
	return mailbox_fd(rs->done);
}
