/* httpd_fixture.h -- a server with a handler that tells what it got, and raw sockets to talk to it.
 */
#ifndef UNIT_NET_HTTPD_FIXTURE_H
#define UNIT_NET_HTTPD_FIXTURE_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/httpd.h"
#include "net/httpd_private.h"

#define LONG_MS 10000

/* What the handler does is said by the path. Deferred requests wait here for test or helper. */
static struct {
	pthread_mutex_t lock;
	struct httpd_request *deferred[256];
	size_t count;
} desk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline void
defer(struct httpd_request *rq)
{
	pthread_mutex_lock(&desk.lock);
	desk.deferred[desk.count++] = rq;
	pthread_mutex_unlock(&desk.lock);
}

static inline size_t
deferred_count(void)
{
	size_t n;

	pthread_mutex_lock(&desk.lock);
	n = desk.count;
	pthread_mutex_unlock(&desk.lock);
	return n;
}

static inline struct httpd_response *
text_of(const struct httpd_request *rq)
{
	struct httpd_response *rs = httpd_response_new(200, "text/plain");
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);
	const char *q = httpd_query(rq, "q"), *header = httpd_header(rq, "X-Test");
	size_t n;

	httpd_body(rq, &n);
	str_addf(&out, "%s %s q=%s h=%s peer=%s body=%zu:%.40s", httpd_method(rq), httpd_path(rq),
	         q == NULL ? "none" : q, header == NULL ? "none" : header, httpd_peer(rq), n,
	         httpd_body(rq, &n));
	httpd_response_header(rs, "X-Good", "yes");
	httpd_response_header(rs, "X-Bad", "a\r\nX-Injected: b");
	httpd_response_header(rs, "X-Bad: a\nX-Injected", "b");
	httpd_response_body(rs, &out);
	return rs;
}

/* More than the sockets hold, once both ends are made narrow. */
#define BIG ((size_t)100 * 1024)

static inline struct httpd_response *
big(void)
{
	struct httpd_response *rs = httpd_response_new(200, "text/plain");
	struct str out CLEANUP(str_free) = STR_INIT(1 << 20);

	for (size_t i = 0; i < BIG; i++)
		str_addc(&out, 'x');
	httpd_response_body(rs, &out);
	return rs;
}

static inline bool
handler(void *arg, struct httpd_request *rq)
{
	struct httpd_response *rs;
	int fd;

	(void)arg;
	if (strcmp(httpd_path(rq), "/later") == 0) {
		defer(rq);
		return false;
	}
	if (strcmp(httpd_path(rq), "/none") == 0) {
		httpd_reply(rq, NULL);
		return true;
	}
	if (strcmp(httpd_path(rq), "/big") == 0) {
		httpd_reply(rq, big());
		return true;
	}
	if (strcmp(httpd_path(rq), "/spoilt") == 0) {
		struct str small CLEANUP(str_free) = STR_INIT(4);
		str_add(&small, "longer than that");
		rs = httpd_response_new(200, "text/plain");
		httpd_response_header(rs, "X-Good", "yes");
		httpd_response_body(rs, &small);
		httpd_reply(rq, rs);
		return true;
	}
	if (strcmp(httpd_path(rq), "/file") == 0) {
		fd = memfd_create("file", 0);
		ck_assert_int_eq(write(fd, "0123456789", 10), 10);
		rs = httpd_response_new(200, "text/plain");
		httpd_response_fd(rs, fd, 10);
		httpd_reply(rq, rs);
		return true;
	}
	httpd_reply(rq, text_of(rq));
	return true;
}

static inline struct httpd *
start(const struct httpd_conf *conf)
{
	struct fault f = { .rc = RC_OK };
	struct httpd *h = httpd_start(conf, handler, NULL, &f);

	ck_assert_msg(h != NULL, "%s", f.message);
	return h;
}

static inline struct httpd *
start_plain(void)
{
	const struct httpd_conf conf = { .listen = "127.0.0.1:0", .threads = 2, .max_body = 1000 };

	return start(&conf);
}

static inline int
dial_with(const struct httpd *h, int buffer)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)httpd_port(h)),
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline int
dial(const struct httpd *h)
{
	return dial_with(h, 0);
}

/* A connection that holds little on its way; what is accepted has the listener's buffers. */
static inline int
dial_narrow(const struct httpd *h)
{
	int least = 1;

	ck_assert_int_eq(setsockopt(h->listen_fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
	return dial_with(h, least);
}

static inline void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All until the far side closes, or until `enough` is in it. */
static inline void
hear(int fd, struct str *out, const char *enough)
{
	char part[4096];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = clock_mono_ms() + LONG_MS;
	ssize_t n;

	while (enough == NULL || strstr(str_text(out), enough) == NULL) {
		ck_assert_msg(poll(&p, 1, (int)(end - clock_mono_ms())) == 1,
		              "nothing more came after: %s", str_text(out));
		n = recv(fd, part, sizeof(part), 0);
		ck_assert_msg(n > 0 || enough == NULL, "closed after: %s", str_text(out));
		if (n <= 0)
			return;
		str_addn(out, part, (size_t)n);
	}
}

static inline void
ask(const struct httpd *h, const char *request, struct str *out)
{
	int fd = dial(h);

	say(fd, request);
	str_reset(out);
	hear(fd, out, NULL);
	close(fd);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

#endif
