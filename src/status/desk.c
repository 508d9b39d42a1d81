/* desk.c -- a small pool of connections. */
#include "status/desk.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/banned.h"

#define TAKE_WAIT_MS 2000
#define CALL_DEADLINE_MS 5000
#define RETRY_AFTER_MS 300

struct desks {
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct desk *free;        /* protected by lock */
	int64_t failed_ms;        /* protected by lock; when opening failed last, 0: never */
	struct fault failure;     /* protected by lock */
	const char *database_url; /* borrowed */
	size_t count;
	struct desk all[]; /* owned */
};

static void
init_locks(struct desks *d)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->given, &attr);
	pthread_condattr_destroy(&attr);
}

void
desks_free(struct desks *d)
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

struct desks *
desks_new(size_t count, const char *database_url, const struct store_conf *confs, size_t conf_count,
          struct fault *f)
{
	struct desks *d = calloc(1, sizeof(*d) + count * sizeof(d->all[0]));
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

struct desk *
desks_take(struct desks *d, struct fault *f)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TAKE_WAIT_MS / 1000;
	pthread_mutex_lock(&d->lock);
	int timed_out = 0;
	while (!d->free && !timed_out)
		timed_out = pthread_cond_timedwait(&d->given, &d->lock, &until);
	struct desk *desk = d->free;
	if (desk)
		d->free = desk->next;
	pthread_mutex_unlock(&d->lock);
	if (!desk)
		fault_set(f, RC_RETRY, "all %zu connections are busy", d->count);
	return desk;
}

void
desks_give(struct desks *d, struct desk *desk)
{
	if (!desk)
		return;
	pthread_mutex_lock(&d->lock);
	desk->next = d->free;
	d->free = desk;
	pthread_cond_signal(&d->given);
	pthread_mutex_unlock(&d->lock);
}

static bool
failed_just_now(struct desks *d, struct fault *f)
{
	pthread_mutex_lock(&d->lock);
	bool just = d->failed_ms > 0 && clock_mono_ms() - d->failed_ms < RETRY_AFTER_MS;
	if (just && f)
		*f = d->failure;
	pthread_mutex_unlock(&d->lock);
	return just;
}

static void
note_failure(struct desks *d, const struct fault *f)
{
	pthread_mutex_lock(&d->lock);
	d->failed_ms = clock_mono_ms();
	d->failure = *f;
	pthread_mutex_unlock(&d->lock);
}

struct db *
desk_db(struct desks *d, struct desk *desk, struct fault *f)
{
	struct fault failure = { 0 };
	if (desk->db && !db_broken(desk->db))
		return desk->db;
	db_close(desk->db);
	desk->db = NULL;
	if (failed_just_now(d, f))
		return NULL;
	desk->db = db_open(d->database_url, "millrace serve", &failure);
	if (!desk->db) {
		note_failure(d, &failure);
		if (f)
			*f = failure;
		return NULL;
	}
	db_set_deadline_ms(desk->db, CALL_DEADLINE_MS);
	return desk->db;
}
