/* listen.h -- the listening socket that a "host:port" text names, and no other; private to net/. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"

/* Hosts are numeric or "localhost"; an empty host is all addresses. RC_PERMANENT naming the text
 * and what is wrong with it (the address in use included). */
enum rc listen_open(const char *listen, int *ret_fd, unsigned *ret_port, struct fault *f) MUST_USE;
bool listen_is_loopback(const char *listen);

#endif
