/* listen.c -- the listening socket that a "host:port" text names, and no other. */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"

#include "base/banned.h"

#define HOST_MAX 256
#define BACKLOG 1024

struct address {
	bool any; /* no host: all addresses of both families */
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

static enum rc
bad(struct fault *f, const char *listen, const char *why)
{
	return fault_set(f, RC_PERMANENT, "cannot listen on \"%s\": %s", listen, why);
}

static bool
read_host(const char *host, bool bracketed, uint16_t port, struct address *a)
{
	memset(a, 0, sizeof(*a));
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (host[0] == '\0' && !bracketed) {
		a->any = true;
		host = "::";
		bracketed = true;
	}
	if (bracketed) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		return inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1;
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = htons(port);
	return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1;
}

static enum rc
parse(const char *listen, struct address *ret, struct fault *f)
{
	const char *colon = strrchr(listen, ':');
	bool bracketed = listen[0] == '[';
	struct str host CLEANUP(str_free) = STR_INIT(HOST_MAX);
	size_t n;
	int64_t port;

	if (colon == NULL || !num_parse(colon + 1, 0, UINT16_MAX, &port))
		return bad(f, listen, "expected ADDRESS:PORT with a port of 0 to 65535");
	n = (size_t)(colon - listen);
	if (bracketed && listen[n - 1] != ']')
		return bad(f, listen, "the closing ] of the address is missing");
	if (!str_addn(&host, listen + (bracketed ? 1 : 0), n - (bracketed ? 2 : 0)))
		return bad(f, listen, "the address is too long");
	if (!read_host(str_text(&host), bracketed, (uint16_t)port, ret))
		return bad(f, listen,
		           "the address must be numeric (an IPv6 one in [brackets]) or localhost");
	return RC_OK;
}

static enum rc
bind_and_listen(int fd, const struct address *a, socklen_t n)
{
	int on = 1, both = a->any ? 0 : 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return RC_PERMANENT;
	if (a->sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both)) < 0)
		return RC_PERMANENT;
	if (bind(fd, &a->sa, n) < 0 || listen(fd, BACKLOG) < 0)
		return RC_PERMANENT;
	return RC_OK;
}

static int
open_address(const struct address *a)
{
	socklen_t n = a->sa.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
	int saved, fd;

	fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind_and_listen(fd, a, n) == RC_OK)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A machine without IPv6 still has "all addresses". */
static int
open_any_v4(uint16_t port_be)
{
	struct address a = { .any = true };

	a.v4.sin_family = AF_INET;
	a.v4.sin_port = port_be;
	return open_address(&a);
}

static enum rc
port_of(int fd, const char *listen, unsigned *ret, struct fault *f)
{
	struct address a = { .any = false };
	socklen_t n = sizeof(a.v6);

	if (getsockname(fd, &a.sa, &n) < 0)
		return bad(f, listen, strerror(errno));
	*ret = ntohs(a.sa.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	return RC_OK;
}

enum rc
listen_open(const char *listen, int *ret_fd, unsigned *ret_port, struct fault *f)
{
	struct address a;
	enum rc rc = parse(listen, &a, f);
	int fd;

	if (rc != RC_OK)
		return rc;
	fd = open_address(&a);
	if (fd < 0 && a.any && errno == EAFNOSUPPORT)
		fd = open_any_v4(a.v6.sin6_port);
	if (fd < 0)
		return bad(f, listen, strerror(errno));
	rc = port_of(fd, listen, ret_port, f);
	if (rc == RC_OK)
		*ret_fd = fd;
	else
		close(fd);
	return rc;
}

bool
listen_is_loopback(const char *listen)
{
	struct address a;

	if (parse(listen, &a, NULL) != RC_OK)
		return false;
	if (a.sa.sa_family == AF_INET)
		return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
	if (IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr))
		return a.v6.sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}
