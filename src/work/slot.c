/* slot.c -- the threads that run handlers, and the jobs on their way through them. */
#include "work/slot.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "base/banned.h"

/* Output tail, result, error texts and the rows of a thousand output files. */
#define WORK_ARENA_MAX (8 * 1024 * 1024)

struct slots {
	const struct attempt_env *env;   /* borrowed */
	const struct store_conf *stores; /* borrowed */
	size_t store_count;
	size_t count, started;
	struct work *works;   /* owned; count of them */
	pthread_t *threads;   /* owned; started of them run */
	size_t idle;          /* works without a batch */
	struct mailbox *todo; /* owned; queue thread to slots */
	struct mailbox *done; /* owned; slots to queue thread */
};

static void *
slot_main(void *arg)
{
	struct slots *s = arg;
	struct store_set *stores = store_set_new(s->stores, s->store_count);
	void *item;
	pthread_setname_np(pthread_self(), "slot");
	while (mailbox_take(s->todo, &item, 1, -1) == 1) {
		struct work *w = item;
		attempt_run(s->env, stores, w->job, w->cancel_fd, w->arena, &w->result);
		if (!mailbox_try_put(s->done, w))
			abort(); /* it holds as many as there are works */
	}
	store_set_free(stores);
	return NULL;
}

static void
destroy(struct slots *s)
{
	if (s->todo)
		mailbox_close(s->todo);
	for (size_t i = 0; i < s->started; i++)
		pthread_join(s->threads[i], NULL);
	for (size_t i = 0; s->works && i < s->count; i++) {
		arena_free(s->works[i].arena);
		if (s->works[i].cancel_fd >= 0)
			close(s->works[i].cancel_fd);
	}
	mailbox_free(s->todo);
	mailbox_free(s->done);
	free(s->threads);
	free(s->works);
	free(s);
}

void
slots_free(struct slots *s)
{
	if (s)
		destroy(s);
}

static bool
make_works(struct slots *s)
{
	bool good = true;
	for (size_t i = 0; i < s->count; i++) {
		struct arena *arena = arena_new(WORK_ARENA_MAX);
		s->works[i].cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		s->works[i].arena = arena;
		KEPT(arena);
		good = good && s->works[i].cancel_fd >= 0 && arena;
	}
	return good;
}

struct slots *
slots_new(int count, const struct attempt_env *env, const struct store_conf *stores,
          size_t store_count, struct fault *f)
{
	struct slots *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->env = env;
	s->stores = stores;
	s->store_count = store_count;
	s->count = s->idle = (size_t)count;
	s->works = calloc(s->count, sizeof *s->works);
	s->threads = calloc(s->count, sizeof *s->threads);
	s->todo = mailbox_new(s->count);
	s->done = mailbox_new(s->count);
	if (!s->works || !s->threads || !s->todo || !s->done)
		abort();
	int error = make_works(s) ? 0 : errno;
	for (; s->started < s->count && error == 0; s->started += error == 0)
		error = pthread_create(&s->threads[s->started], NULL, slot_main, s);
	if (!error)
		return s;
	fault_set(f, RC_PERMANENT, "cannot make %d slots: %s", count, strerrordesc_np(error));
	destroy(s);
	return NULL;
}

size_t
slots_count(const struct slots *s)
{
	return s->count;
}

struct work *
slots_work(struct slots *s, size_t i)
{
	return &s->works[i];
}

size_t
slots_idle(const struct slots *s)
{
	return s->idle;
}

struct work *
slots_bind(struct slots *s, struct batch *b, const struct job *j)
{
	for (size_t i = 0; s->idle > 0 && i < s->count; i++) {
		struct work *w = &s->works[i];
		if (w->batch)
			continue;
		w->batch = b;
		w->job = j;
		w->ticket = j->ticket;
		w->running = w->lost = false;
		b->left++;
		s->idle--;
		return w;
	}
	return NULL;
}

void
slots_release(struct slots *s, struct work *w)
{
	uint64_t count;
	struct batch *b = w->batch;
	if (--b->left == 0) {
		arena_free(b->arena);
		free(b);
	}
	w->batch = NULL;
	w->job = NULL;
	arena_reset(w->arena);
	/* Empties it; when nobody cancelled it is empty already. */
	if (read(w->cancel_fd, &count, sizeof count) < 0 && errno != EAGAIN)
		abort();
	s->idle++;
}

void
slots_give(struct slots *s, struct work *w)
{
	w->running = true;
	if (!mailbox_try_put(s->todo, w))
		abort(); /* it holds as many as there are works */
}

size_t
slots_take(struct slots *s, struct work **ret, size_t max)
{
	size_t n = mailbox_take(s->done, (void **)ret, max, 0);
	for (size_t i = 0; i < n; i++)
		ret[i]->running = false;
	return n;
}

void
slots_cancel(struct work *w)
{
	const uint64_t one = 1;
	if (write(w->cancel_fd, &one, sizeof one) < 0 && errno != EAGAIN)
		abort();
}

int
slots_fd(struct slots *s)
{
	return mailbox_fd(s->done);
}
