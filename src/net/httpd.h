/* httpd.h -- a small HTTP server on libmicrohttpd's thread pool. */
#ifndef NET_HTTPD_H
#define NET_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

struct httpd;
struct httpd_request;
struct httpd_response;

/*
 * Called when a request's headers are there. A response refuses the request: its body is read, so
 * that the client hears the answer, but not kept, and the handler is not called. NULL lets it in.
 */
typedef struct httpd_response *httpd_gate(void *arg, const struct httpd_request *rq);

struct httpd_conf {
	const char *listen;       /* "127.0.0.1:8470", "[::1]:0", ":8470" (all addresses) */
	unsigned threads;         /* 1 or more */
	unsigned max_connections; /* 0: 1,000 */
	size_t max_body; /* bytes; a larger Content-Length is answered 413 before a byte of it is
	                    read, a chunked body once it passes */
	size_t max_kept; /* bytes of all bodies that are kept at one time; who would pass it gets
	                    503 with Retry-After; 0: no limit */
	int64_t head_deadline_ms; /* absolute, from connection to the end of the headers; 0: 10,000
	                           */
	int64_t body_deadline_ms; /* absolute, from connection or end of previous request to the end
	                             of the body; 0: 60,000 */
	httpd_gate *gate;         /* NULL: everybody is let in */
};

/*
 * Called once per request, on a pool thread, when the whole body is there. Returns true when the
 * response was given (httpd_reply was called, then or earlier); false when somebody else will call
 * httpd_reply later from any thread: the connection is suspended until then. Every request is
 * replied to exactly once.
 */
typedef bool httpd_handler(void *arg, struct httpd_request *rq);

void httpd_stop(struct httpd *h); /* refuses new connections, waits for replies under way, frees;
                                     accepts NULL */
struct httpd *httpd_start(const struct httpd_conf *c, httpd_handler *handler, void *arg,
                          struct fault *f) OWNS(httpd_stop);
/* The port that it listens on (useful with port 0). */
unsigned httpd_port(const struct httpd *h);
/* True if the address in a listen text is loopback. */
bool httpd_is_loopback(const char *listen);

/* The request; borrowed until httpd_reply. */
const char *httpd_method(const struct httpd_request *rq);
const char *
httpd_path(const struct httpd_request *rq); /* decoded? no: as sent, without the query */
const char *httpd_query(const struct httpd_request *rq,
                        const char *name); /* decoded value, NULL when absent */
const char *httpd_header(const struct httpd_request *rq, const char *name); /* NULL when absent */
const char *httpd_body(const struct httpd_request *rq, size_t *ret_n);      /* never NULL */
const char *httpd_peer(const struct httpd_request *rq);                     /* address text */

/* The response: build it, then hand it to httpd_reply, which owns it from then on. NULL only when
 * memory ends. */
struct httpd_response *httpd_response_new(int status, const char *content_type);
void httpd_response_free(struct httpd_response *rs);
void httpd_response_header(struct httpd_response *rs, const char *name,
                           const char *value); /* refuses CR and LF */
void httpd_response_body(struct httpd_response *rs,
                         struct str *body); /* takes what body holds; body is empty after */
void httpd_response_text(struct httpd_response *rs, const char *text); /* copies */
/* Sends size bytes of fd from its start; closes fd when done. */
void httpd_response_fd(struct httpd_response *rs, int fd, int64_t size);
/* rs NULL: 500. */
void httpd_reply(struct httpd_request *rq, struct httpd_response *rs);
/* {"error": {"code": …, "message": …}} with the status. */
struct httpd_response *httpd_error(int status, const char *code, const char *message);

#endif
