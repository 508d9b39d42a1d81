/* mailbox.c -- a bounded queue of pointers between threads. */
#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

struct mailbox {
	pthread_mutex_t lock;  /* protects all below but fd */
	pthread_cond_t filled; /* on CLOCK_MONOTONIC */
	void **ring;           /* owned */
	size_t capacity;
	size_t first;
	size_t count;
	size_t waiters;
	bool waking; /* a signal is on its way to a waiter that has not run yet */
	bool closed;
	int fd; /* eventfd; readable exactly while count > 0 */
};

struct mailbox *
mailbox_new(size_t capacity)
{
	struct mailbox *m = calloc(1, sizeof(*m));
	void **ring = calloc(capacity ? capacity : 1, sizeof(*ring));
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!m || !ring || fd < 0) {
		free(m);
		free(ring);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->filled, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&m->lock, NULL);
	m->ring = ring;
	m->capacity = capacity ? capacity : 1;
	m->fd = fd;
	return m;
}

void
mailbox_free(struct mailbox *m)
{
	if (!m)
		return;
	pthread_cond_destroy(&m->filled);
	pthread_mutex_destroy(&m->lock);
	close(m->fd);
	free(m->ring);
	free(m);
}

/*
 * One at a time: whoever wakes and leaves something behind wakes the next. A burst of items that
 * are soon dealt with is then taken by the few that run, and costs no switch to each that waits.
 */
static void
wake_one(struct mailbox *m)
{
	if (m->count == 0 || m->waiters == 0 || m->waking)
		return;
	m->waking = true;
	pthread_cond_signal(&m->filled);
}

bool
mailbox_try_put(struct mailbox *m, void *item)
{
	pthread_mutex_lock(&m->lock);
	bool ok = !m->closed && m->count < m->capacity;
	if (ok) {
		m->ring[(m->first + m->count) % m->capacity] = item;
		if (m->count++ == 0)
			eventfd_write(m->fd, 1);
		wake_one(m);
	}
	pthread_mutex_unlock(&m->lock);
	return ok;
}

/* Waits until something is there, the box is closed, or the time is up. Lock held. */
static void
wait_filled(struct mailbox *m, int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + (wait_ms % 1000) * 1000000;
	until.tv_sec += (time_t)(wait_ms / 1000 + ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	m->waiters++;
	for (int error = 0; m->count == 0 && !m->closed && error != ETIMEDOUT;) {
		error = wait_ms < 0 ? pthread_cond_wait(&m->filled, &m->lock)
		                    : pthread_cond_timedwait(&m->filled, &m->lock, &until);
		m->waking = false;
	}
	m->waiters--;
}

size_t
mailbox_take(struct mailbox *m, void **items, size_t max, int64_t wait_ms)
{
	size_t n = 0;
	pthread_mutex_lock(&m->lock);
	if (m->count == 0 && wait_ms != 0)
		wait_filled(m, wait_ms);
	bool had = m->count > 0;
	while (n < max && m->count > 0) {
		items[n++] = m->ring[m->first];
		m->first = (m->first + 1) % m->capacity;
		m->count--;
	}
	wake_one(m);
	if (had && m->count == 0) {
		eventfd_t ignored;
		eventfd_read(m->fd, &ignored);
	}
	pthread_mutex_unlock(&m->lock);
	return n;
}

void
mailbox_close(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->closed = true;
	pthread_cond_broadcast(&m->filled);
	pthread_mutex_unlock(&m->lock);
}

size_t
mailbox_count(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	size_t n = m->count;
	pthread_mutex_unlock(&m->lock);
	return n;
}

int
mailbox_fd(struct mailbox *m)
{
	return m->fd;
}
