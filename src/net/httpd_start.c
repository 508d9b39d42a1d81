/* httpd_start.c -- starting and stopping the HTTP server. */
#include "net/httpd_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#include "net/listen.h"

#include "base/banned.h"

#define CONNECTIONS 1000
#define HEAD_MS 10000
#define BODY_MS 60000
#define HEAD_BYTES ((size_t)64 * 1024)
/* How long a stop waits for replies to reach their readers. */
#define FLUSH_MS 5000

static void
init_sync(struct httpd *h)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static struct MHD_Daemon *
start_daemon(struct httpd *h)
{
	const struct MHD_OptionItem pool[] = {
		{ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)h->conf.threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		httpd_on_request, h, MHD_OPTION_LISTEN_SOCKET, h->listen_fd,
		MHD_OPTION_NOTIFY_CONNECTION, httpd_reap_notify, h, MHD_OPTION_URI_LOG_CALLBACK,
		httpd_on_first_line, h, MHD_OPTION_NOTIFY_COMPLETED, httpd_on_completed, h,
		MHD_OPTION_CONNECTION_LIMIT, h->conf.max_connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		/* A pool of one is not a pool. */
		h->conf.threads > 1 ? MHD_OPTION_ARRAY : MHD_OPTION_END, pool, MHD_OPTION_END);
}

static void
end_reaper(struct httpd *h)
{
	pthread_mutex_lock(&h->lock);
	h->ended = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->reaper, NULL);
}

static void
destroy(struct httpd *h)
{
	if (h->listen_fd >= 0)
		close(h->listen_fd);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static enum rc
run(struct httpd *h, const char *listen, struct fault *f)
{
	int e;

	if (listen_open(listen, &h->listen_fd, &h->port, f) != RC_OK)
		return f == NULL ? RC_PERMANENT : f->rc;
	e = pthread_create(&h->reaper, NULL, httpd_reap_run, h);
	if (e != 0)
		return fault_set(f, RC_RETRY, "cannot start a thread: %s", strerror(e));
	h->daemon = start_daemon(h);
	if (h->daemon != NULL)
		return RC_OK;
	end_reaper(h);
	return fault_set(f, RC_RETRY, "cannot start the HTTP server on \"%s\": %s", listen,
	                 strerror(errno));
}

struct httpd *
httpd_start(const struct httpd_conf *c, httpd_handler *handler, void *arg, struct fault *f)
{
	struct httpd *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		fault_set(f, RC_RETRY, "no memory for an HTTP server");
		return NULL;
	}
	h->conf = *c;
	h->conf.listen = NULL;
	if (h->conf.max_connections == 0)
		h->conf.max_connections = CONNECTIONS;
	if (h->conf.head_deadline_ms == 0)
		h->conf.head_deadline_ms = HEAD_MS;
	if (h->conf.body_deadline_ms == 0)
		h->conf.body_deadline_ms = BODY_MS;
	h->handler = handler;
	h->arg = arg;
	h->listen_fd = -1;
	init_sync(h);
	if (run(h, c->listen, f) == RC_OK)
		return h;
	destroy(h);
	return NULL;
}

/* A request that the handler has kept is waited for without a limit: its owner answers it by
 * contract, and to go before would pull the request from under it. */
static void
wait_for_replies(struct httpd *h)
{
	int64_t end;
	struct timespec until;

	pthread_mutex_lock(&h->lock);
	while (h->pending > 0)
		pthread_cond_wait(&h->changed, &h->lock);
	end = clock_mono_ms() + FLUSH_MS;
	until = (struct timespec){ .tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000 };
	while (h->sending > 0 && pthread_cond_timedwait(&h->changed, &h->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&h->lock);
}

void
httpd_stop(struct httpd *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_mutex_unlock(&h->lock);
	MHD_quiesce_daemon(h->daemon);
	/* Refuses at once; its number stays taken until no thread can still mean it. */
	shutdown(h->listen_fd, SHUT_RDWR);
	wait_for_replies(h);
	MHD_stop_daemon(h->daemon);
	close(h->listen_fd);
	h->listen_fd = -1;
	end_reaper(h);
	destroy(h);
}
