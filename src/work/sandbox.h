/* sandbox.h -- what stands between a handler and the machine. */
#ifndef WORK_SANDBOX_H
#define WORK_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

struct sandbox_conf {
	const char *user;      /* whom handlers become when we are root; NULL: nobody */
	int64_t max_memory;    /* address space of one process, bytes */
	int64_t max_file;      /* largest file, bytes */
	int64_t max_processes; /* 0: a default that fits how the kernel counts here */
	bool network;          /* leave the network open */
};

/* What this machine lets us do, found by trying; the same for every handler of a worker. */
struct sandbox {
	uid_t uid;
	gid_t gid;
	bool drop;      /* handlers become uid and gid */
	int namespaces; /* CLONE_NEW* flags that work here; CLONE_NEWPID among them means that the
	                   kernel itself leaves no survivor */
	int64_t max_memory, max_file, max_processes;
};

/* Tries in a child what is allowed here. RC_PERMANENT: there is no such user. */
enum rc sandbox_probe(const struct sandbox_conf *c, struct sandbox *ret, struct fault *f) MUST_USE;
/* "user=65534 pid=on network=off …": every protection by name, whether it is on. */
void sandbox_describe(const struct sandbox *s, struct str *out);
/* So that a handler of our own user cannot read our memory or environment: call once, early. */
void sandbox_hide_self(void);

/*
 * The rest runs between fork and exec of a process with threads: system calls only. Each answers 0
 * or an errno.
 */
/* fork(2) into the sandbox's namespaces, with every signal blocked. */
pid_t sandbox_fork(int namespaces);
/* First thing in the child, when CLONE_NEWUSER is among the namespaces. */
int sandbox_map_ids(uid_t uid, gid_t gid);
/* Last thing before exec: limits, user, no new privileges, signals as at boot. */
int sandbox_enter(const struct sandbox *s, int64_t cpu_seconds);

#endif
