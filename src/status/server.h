/* server.h -- the status server: pages, their JSON, results, metrics. It only reads. */
#ifndef STATUS_SERVER_H
#define STATUS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/store.h"

/* All borrowed until status_stop. */
struct status_conf {
	const char *listen; /* as in httpd_conf */
	const char *database_url;
	const char *password;   /* asked for by everything but the probes; NULL: none */
	bool allow_anonymous;   /* beyond this machine without a password */
	const char *public_url; /* NULL: unknown; its host is one that requests may name */
	const struct store_conf *stores;
	size_t store_count;
	const char *scratch; /* where a result passes through, as a file without a name */
};

struct status_server;

void status_stop(struct status_server *s); /* accepts NULL */
/* RC_PERMANENT when it would listen beyond this machine with neither password nor permission. The
 * database need not be there. */
struct status_server *status_start(const struct status_conf *c, struct fault *f) OWNS(status_stop);
unsigned status_port(const struct status_server *s);
/* Asks the database whether it is there and of this version; what it said last is what status_ready
 * answers. Blocks up to some seconds: for the main thread, about once a second. */
enum rc status_check(struct status_server *s, struct fault *f);
bool status_ready(void *server);

#endif
