/* pool.c -- a small pool of connections. */
#include "status/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/banned.h"

#define TAKE_WAIT_MS 2000
#define CALL_DEADLINE_MS 5000
#define RETRY_AFTER_MS 300

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct seat *free;        /* protected by lock */
	int64_t failed_ms;        /* protected by lock; when opening failed last, 0: never */
	struct fault failure;     /* protected by lock */
	const char *database_url; /* borrowed */
	size_t count;
	struct seat all[]; /* owned */
};

static void
init_locks(struct pool *d)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->given, &attr);
	pthread_condattr_destroy(&attr);
}

void
pool_free(struct pool *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++) {
		db_close(d->all[i].db);
		store_set_free(d->all[i].stores);
	}
	pthread_cond_destroy(&d->given);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

struct pool *
pool_new(size_t count, const char *database_url, const struct store_conf *confs, size_t conf_count,
         struct fault *f)
{
	struct pool *d = calloc(1, sizeof(*d) + count * sizeof(d->all[0]));
	if (!d) {
		fault_set(f, RC_RETRY, "no memory for %zu connections", count);
		return NULL;
	}
	init_locks(d);
	d->database_url = database_url;
	d->count = count;
	for (size_t i = 0; i < count; i++) {
		d->all[i].stores = store_set_new(confs, conf_count);
		d->all[i].next = d->free;
		d->free = &d->all[i];
	}
	return d;
}

struct seat *
pool_take(struct pool *d, struct fault *f)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TAKE_WAIT_MS / 1000;
	pthread_mutex_lock(&d->lock);
	int timed_out = 0;
	while (!d->free && !timed_out)
		timed_out = pthread_cond_timedwait(&d->given, &d->lock, &until);
	struct seat *seat = d->free;
	if (seat)
		d->free = seat->next;
	pthread_mutex_unlock(&d->lock);
	if (!seat)
		fault_set(f, RC_RETRY, "all %zu connections are busy", d->count);
	return seat;
}

void
pool_give(struct pool *d, struct seat *seat)
{
	if (!seat)
		return;
	pthread_mutex_lock(&d->lock);
	seat->next = d->free;
	d->free = seat;
	pthread_cond_signal(&d->given);
	pthread_mutex_unlock(&d->lock);
}

static bool
failed_just_now(struct pool *d, struct fault *f)
{
	pthread_mutex_lock(&d->lock);
	bool just = d->failed_ms > 0 && clock_mono_ms() - d->failed_ms < RETRY_AFTER_MS;
	if (just && f)
		*f = d->failure;
	pthread_mutex_unlock(&d->lock);
	return just;
}

static void
note_failure(struct pool *d, const struct fault *f)
{
	pthread_mutex_lock(&d->lock);
	d->failed_ms = clock_mono_ms();
	d->failure = *f;
	pthread_mutex_unlock(&d->lock);
}

struct db *
seat_db(struct pool *d, struct seat *seat, struct fault *f)
{
	struct fault failure = { 0 };
	if (seat->db && !db_broken(seat->db))
		return seat->db;
	db_close(seat->db);
	seat->db = NULL;
	if (failed_just_now(d, f))
		return NULL;
	seat->db = db_open(d->database_url, "millrace serve", &failure);
	if (!seat->db) {
		note_failure(d, &failure);
		if (f)
			*f = failure;
		return NULL;
	}
	db_set_deadline_ms(seat->db, CALL_DEADLINE_MS);
	return seat->db;
}
