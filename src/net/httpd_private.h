/* httpd_private.h -- what the files of the HTTP server share. */
#ifndef NET_HTTPD_PRIVATE_H
#define NET_HTTPD_PRIVATE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <microhttpd.h>

#include "net/httpd.h"

/* One TCP connection; on the server's list from accept to close. */
struct conn {
	struct conn *next, *prev;
	int fd;
	int64_t since_ms;    /* accepted, or the previous request's end */
	int64_t deadline_ms; /* monotonic; past it the socket is shut down. INT64_MAX: none */
};

struct httpd {
	struct httpd_conf conf; /* complete; listen is not kept */
	httpd_handler *handler;
	void *arg;
	struct MHD_Daemon *daemon;
	unsigned port;
	int listen_fd;
	pthread_t reaper;
	pthread_mutex_t lock; /* guards all below, and each request's hand-over */
	pthread_cond_t changed;
	struct conn *conns;
	size_t pending; /* requests that the handler has and has not replied to */
	size_t sending; /* replied, not yet sent */
	size_t kept;    /* bytes of bodies, as counted in each request's kept */
	bool stopping;
	bool ended; /* the library is gone: nothing left to reap */
};

struct httpd_request {
	struct httpd *server;
	struct MHD_Connection *connection;
	struct conn *conn;
	char *target; /* as sent; cut at its '?' */
	const char *method;
	struct str body;
	size_t taken; /* bytes of the body so far, kept or not */
	size_t kept;  /* its share of server->kept */
	char peer[INET6_ADDRSTRLEN];
	bool begun;                      /* the headers were looked at */
	bool asked;                      /* the handler was called */
	bool parked;                     /* its connection is suspended */
	bool replied;                    /* counted in server->sending */
	struct httpd_response *refusal;  /* the gate's; waits for the end of the body */
	struct httpd_response *response; /* given, not yet queued */
};

struct header_line {
	struct header_line *next;
	char *name, *value;
};

struct httpd_response {
	unsigned status;
	struct header_line *headers;
	char *body; /* malloced */
	size_t body_n;
	int fd; /* -1: the body is in memory */
	int64_t fd_size;
	bool failed; /* memory ended while it was built: becomes a 500 */
};

/* Hands rs to the library and frees it. False when the connection must be dropped. */
bool httpd_response_send(struct httpd_response *rs, struct MHD_Connection *c, bool close_after);

/* The library's callbacks (httpd.c). */
void *httpd_on_first_line(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result httpd_on_request(void *server, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_n, void **request);
void httpd_on_completed(void *server, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode why);

/* The reaper and the list of connections (httpd_reap.c). */
void httpd_reap_notify(void *server, struct MHD_Connection *c, void **socket_context,
                       enum MHD_ConnectionNotificationCode what);
void *httpd_reap_run(void *server);
/* Each with the lock not held. */
void httpd_reap_head_done(struct httpd *h, struct conn *c);
void httpd_reap_body_done(struct httpd *h, struct conn *c);
void httpd_reap_sending(struct httpd *h, struct conn *c, int64_t size);
void httpd_reap_idle(struct httpd *h, struct conn *c);

#endif
