/* httpd_reap.c -- absolute deadlines: the library's own time-out starts anew with every byte, so
 * that a client that sends one byte a second would hold its connection for good. */
#include "net/httpd_private.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#include "base/banned.h"

#define TICK_MIN_MS 20
#define TICK_MAX_MS 500
/* The slowest reader that still gets its whole reply. */
#define LEAST_BYTES_PER_MS 16

static void
list_add(struct httpd *h, struct conn *c)
{
	c->next = h->conns;
	if (c->next != NULL)
		c->next->prev = c;
	h->conns = c;
}

static void
list_remove(struct httpd *h, struct conn *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
}

/* The library closes the socket only after CLOSED, so that the reaper, which holds the lock, never
 * shuts a descriptor that is somebody else's by then. */
void
httpd_reap_notify(void *server, struct MHD_Connection *connection, void **socket_context,
                  enum MHD_ConnectionNotificationCode what)
{
	struct httpd *h = server;
	struct conn *c = *socket_context;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c == NULL)
			return;
		pthread_mutex_lock(&h->lock);
		list_remove(h, c);
		pthread_mutex_unlock(&h->lock);
		free(c);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	c = calloc(1, sizeof(*c));
	*socket_context = c;
	if (c == NULL)
		return;
	c->fd = info->connect_fd;
	c->since_ms = clock_mono_ms();
	c->deadline_ms = c->since_ms + h->conf.head_deadline_ms;
	pthread_mutex_lock(&h->lock);
	if (h->conns == NULL)
		pthread_cond_broadcast(&h->changed);
	list_add(h, c);
	pthread_mutex_unlock(&h->lock);
}

static void
set_deadline(struct httpd *h, struct conn *c, int64_t deadline_ms)
{
	pthread_mutex_lock(&h->lock);
	c->deadline_ms = deadline_ms;
	pthread_mutex_unlock(&h->lock);
}

void
httpd_reap_head_done(struct httpd *h, struct conn *c)
{
	set_deadline(h, c, c->since_ms + h->conf.body_deadline_ms);
}

void
httpd_reap_body_done(struct httpd *h, struct conn *c)
{
	set_deadline(h, c, INT64_MAX);
}

void
httpd_reap_sending(struct httpd *h, struct conn *c, int64_t size)
{
	set_deadline(h, c, clock_mono_ms() + h->conf.body_deadline_ms + size / LEAST_BYTES_PER_MS);
}

void
httpd_reap_idle(struct httpd *h, struct conn *c)
{
	c->since_ms = clock_mono_ms();
	set_deadline(h, c, c->since_ms + h->conf.head_deadline_ms);
}

static void
reap(struct httpd *h, int64_t now)
{
	for (struct conn *c = h->conns; c != NULL; c = c->next) {
		if (c->deadline_ms > now)
			continue;
		shutdown(c->fd, SHUT_RDWR);
		c->deadline_ms = INT64_MAX;
	}
}

static int64_t
tick_ms(const struct httpd *h)
{
	int64_t least = h->conf.head_deadline_ms < h->conf.body_deadline_ms
	                        ? h->conf.head_deadline_ms
	                        : h->conf.body_deadline_ms;

	if (least / 8 < TICK_MIN_MS)
		return TICK_MIN_MS;
	return least / 8 > TICK_MAX_MS ? TICK_MAX_MS : least / 8;
}

void *
httpd_reap_run(void *server)
{
	struct httpd *h = server;
	int64_t tick = tick_ms(h), wake;
	struct timespec until;

	pthread_mutex_lock(&h->lock);
	while (!h->ended) {
		if (h->conns == NULL) {
			pthread_cond_wait(&h->changed, &h->lock);
			continue;
		}
		wake = clock_mono_ms() + tick;
		until = (struct timespec){ .tv_sec = wake / 1000,
			                   .tv_nsec = wake % 1000 * 1000000 };
		pthread_cond_timedwait(&h->changed, &h->lock, &until);
		reap(h, clock_mono_ms());
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}
