/* httpd.c -- a small HTTP server on libmicrohttpd's thread pool: a request's way from its first
 * byte to its reply. */
#include "net/httpd_private.h"

#include <assert.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/num.h"

#include "net/listen.h"

#include "base/banned.h"

void *
httpd_on_first_line(void *server, const char *target, struct MHD_Connection *connection)
{
	struct httpd *h = server;
	struct httpd_request *rq = calloc(1, sizeof(*rq));

	(void)connection;
	if (rq == NULL)
		return NULL;
	rq->server = h;
	rq->target = strdup(target);
	str_init(&rq->body, h->conf.max_body);
	if (rq->target == NULL) {
		free(rq);
		return NULL;
	}
	rq->target[strcspn(rq->target, "?")] = '\0';
	return rq;
}

void
httpd_on_completed(void *server, struct MHD_Connection *connection, void **request,
                   enum MHD_RequestTerminationCode why)
{
	struct httpd *h = server;
	struct httpd_request *rq = *request;

	(void)connection;
	(void)why;
	if (rq == NULL)
		return;
	*request = NULL;
	if (rq->conn != NULL)
		httpd_reap_idle(h, rq->conn);
	pthread_mutex_lock(&h->lock);
	if (rq->replied && --h->sending == 0)
		pthread_cond_broadcast(&h->changed);
	h->kept -= rq->kept;
	pthread_mutex_unlock(&h->lock);
	httpd_response_free(rq->refusal);
	httpd_response_free(rq->response);
	str_free(&rq->body);
	free(rq->target);
	free(rq);
}

static enum MHD_Result
send_reply(struct httpd_request *rq, struct httpd_response *rs)
{
	struct httpd *h = rq->server;
	bool stopping;

	if (rs == NULL)
		return MHD_NO;
	httpd_reap_sending(h, rq->conn, rs->fd >= 0 ? rs->fd_size : (int64_t)rs->body_n);
	pthread_mutex_lock(&h->lock);
	stopping = h->stopping;
	pthread_mutex_unlock(&h->lock);
	return httpd_response_send(rs, rq->connection, stopping) ? MHD_YES : MHD_NO;
}

static enum MHD_Result
count_framing(void *count, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	(void)value;
	if (strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0)
		++*(int *)count;
	return MHD_YES;
}

/* Two words on where the body ends: a proxy before us may have heeded the other one, and what we
 * would take for the next request is the inside of this one. */
static bool
is_ambiguous(const struct httpd_request *rq)
{
	const char *coding = httpd_header(rq, "Transfer-Encoding");
	int count = 0;

	MHD_get_connection_values(rq->connection, MHD_HEADER_KIND, count_framing, &count);
	return count > 1 || (coding != NULL && strcasecmp(coding, "chunked") != 0);
}

static struct httpd_response *
refuse_head(const struct httpd_request *rq)
{
	const char *length = httpd_header(rq, "Content-Length");
	int64_t n = 0;

	if (is_ambiguous(rq))
		return httpd_error(400, "BadRequest",
		                   "one Content-Length, or Transfer-Encoding: chunked, is taken");
	if (length != NULL && !num_parse(length, 0, INT64_MAX, &n))
		return httpd_error(400, "BadRequest", "Content-Length is not a number of bytes");
	if ((uint64_t)n > rq->server->conf.max_body)
		return httpd_error(413, "TooLarge", "the body is larger than this server takes");
	return NULL;
}

static void
note_peer(struct httpd_request *rq)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = i == NULL ? NULL : i->client_addr;
	socklen_t n;

	if (sa == NULL)
		return;
	n = sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	if (getnameinfo(sa, n, rq->peer, sizeof(rq->peer), NULL, 0, NI_NUMERICHOST) != 0)
		rq->peer[0] = '\0';
}

static enum MHD_Result
begin(struct httpd_request *rq, struct MHD_Connection *connection, const char *method)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct httpd_response *refusal;

	rq->begun = true;
	rq->connection = connection;
	rq->method = method;
	rq->conn = i == NULL ? NULL : i->socket_context;
	if (rq->conn == NULL)
		return MHD_NO;
	note_peer(rq);
	httpd_reap_head_done(rq->server, rq->conn);
	refusal = refuse_head(rq);
	if (refusal != NULL)
		return send_reply(rq, refusal);
	if (rq->server->conf.gate != NULL)
		rq->refusal = rq->server->conf.gate(rq->server->arg, rq);
	return MHD_YES;
}

/* Bytes that wait unread when a socket is closed make the kernel reset the connection, and many
 * clients then never read the answer. */
static void
drain(int fd)
{
	char skipped[4096];

	for (int i = 0; i < 64; i++)
		if (recv(fd, skipped, sizeof(skipped), MSG_DONTWAIT) <= 0)
			return;
}

/* The library takes no response in the middle of a body, so this one is written past it; nothing
 * else is under way on the connection. */
static enum MHD_Result
refuse_body(const struct httpd_request *rq)
{
	static const char body[] = "{\"error\": {\"code\": \"TooLarge\", \"message\": "
				   "\"the body is larger than this server takes\"}}\n";
	struct str text CLEANUP(str_free) = STR_INIT(1024);

	str_addf(&text,
	         "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
	         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	         sizeof(body) - 1, body);
	if (send(rq->conn->fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		drain(rq->conn->fd);
	return MHD_NO;
}

/* False when all bodies together would be more than the server keeps. */
static bool
keep(struct httpd_request *rq, size_t n)
{
	struct httpd *h = rq->server;
	bool fits;

	pthread_mutex_lock(&h->lock);
	fits = h->conf.max_kept == 0 || n <= h->conf.max_kept - h->kept;
	if (fits) {
		h->kept += n;
		rq->kept += n;
	}
	pthread_mutex_unlock(&h->lock);
	return fits;
}

/* What came of this body is let go at once, what still comes is read and not kept. */
static void
give_up(struct httpd_request *rq)
{
	struct httpd *h = rq->server;

	str_free(&rq->body);
	pthread_mutex_lock(&h->lock);
	h->kept -= rq->kept;
	rq->kept = 0;
	pthread_mutex_unlock(&h->lock);
	rq->refusal = httpd_error(503, "Busy", "too many requests are being read; try again soon");
	if (rq->refusal != NULL)
		httpd_response_header(rq->refusal, "Retry-After", "2");
}

static enum MHD_Result
take_body(struct httpd_request *rq, const char *bytes, size_t *n)
{
	if (*n > rq->server->conf.max_body - rq->taken)
		return refuse_body(rq);
	rq->taken += *n;
	if (rq->refusal == NULL && !keep(rq, *n))
		give_up(rq);
	else if (rq->refusal == NULL && !str_addn(&rq->body, bytes, *n))
		return MHD_NO;
	*n = 0;
	return MHD_YES;
}

/* False when the server is stopping and takes nothing new. */
static bool
count_in(struct httpd *h)
{
	bool stopping;

	pthread_mutex_lock(&h->lock);
	stopping = h->stopping;
	if (!stopping)
		h->pending++;
	pthread_mutex_unlock(&h->lock);
	return !stopping;
}

static enum MHD_Result
finish(struct httpd_request *rq)
{
	struct httpd *h = rq->server;
	struct httpd_response *rs = rq->refusal;

	if (!rq->asked) {
		rq->asked = true;
		httpd_reap_body_done(h, rq->conn);
		rq->refusal = NULL;
		if (rs != NULL)
			return send_reply(rq, rs);
		if (!count_in(h))
			return send_reply(rq, httpd_error(503, "Stopping", "going down"));
		h->handler(h->arg, rq);
	}
	pthread_mutex_lock(&h->lock);
	rs = rq->response;
	rq->response = NULL;
	if (rs == NULL) {
		rq->parked = true;
		MHD_suspend_connection(rq->connection);
	}
	pthread_mutex_unlock(&h->lock);
	return rs == NULL ? MHD_YES : send_reply(rq, rs);
}

enum MHD_Result
httpd_on_request(void *server, struct MHD_Connection *connection, const char *url,
                 const char *method, const char *version, const char *upload, size_t *upload_n,
                 void **request)
{
	struct httpd_request *rq = *request;

	(void)server;
	(void)url;
	(void)version;
	if (rq == NULL)
		return MHD_NO;
	if (!rq->begun)
		return begin(rq, connection, method);
	if (*upload_n > 0)
		return take_body(rq, upload, upload_n);
	return finish(rq);
}

void
httpd_reply(struct httpd_request *rq, struct httpd_response *rs)
{
	struct httpd *h = rq->server;
	struct MHD_Connection *parked = NULL;

	if (rs == NULL)
		rs = httpd_error(500, "InternalError", "no response could be made");
	assert(rs != NULL);
	pthread_mutex_lock(&h->lock);
	assert(!rq->replied);
	rq->replied = true;
	rq->response = rs;
	h->pending--;
	h->sending++;
	if (rq->parked)
		parked = rq->connection;
	rq->parked = false;
	if (h->stopping)
		pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	/* From here on the request may be gone. */
	if (parked != NULL)
		MHD_resume_connection(parked);
}

const char *
httpd_method(const struct httpd_request *rq)
{
	return rq->method;
}

const char *
httpd_path(const struct httpd_request *rq)
{
	return rq->target;
}

const char *
httpd_query(const struct httpd_request *rq, const char *name)
{
	const char *value = NULL;
	size_t n;

	if (MHD_lookup_connection_value_n(rq->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
	                                  &value, &n) != MHD_YES)
		return NULL;
	return value == NULL ? "" : value;
}

const char *
httpd_header(const struct httpd_request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

const char *
httpd_body(const struct httpd_request *rq, size_t *ret_n)
{
	*ret_n = rq->body.len;
	return str_text(&rq->body);
}

const char *
httpd_peer(const struct httpd_request *rq)
{
	return rq->peer;
}

unsigned
httpd_port(const struct httpd *h)
{
	return h->port;
}

bool
httpd_is_loopback(const char *listen)
{
	return listen_is_loopback(listen);
}
