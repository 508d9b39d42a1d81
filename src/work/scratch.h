/* scratch.h -- the private folders of attempts, and their end. */
#ifndef WORK_SCRATCH_H
#define WORK_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/fault.h"

/* One worker's folder in --scratch, locked while the worker lives. Shared by its slots. */
struct scratch;

/* Removes the folder with all in it. */
void scratch_free(struct scratch *s);
void scratch_freep(struct scratch **s);
/*
 * Makes it, and removes those of workers that died. uid and gid are the handlers'. RC_PERMANENT
 * when parent is not a folder we can write to.
 */
struct scratch *scratch_new(const char *parent, uid_t uid, gid_t gid, struct fault *f)
	OWNS(scratch_free);

/* One attempt's folder: `input`, `params.json` and `out/`, owned by the handler. */
struct scratch_dir {
	int fd;     /* -1: there is none */
	char *path; /* absolute; owned */
	char *name; /* within path */
};

/* Faults are RC_RETRY with code "scratch". */
enum rc scratch_dir_make(struct scratch *s, struct scratch_dir *ret, struct fault *f) MUST_USE;
void scratch_dir_remove(struct scratch *s, struct scratch_dir *d); /* accepts a zeroed-out one */
/* A new file in it, owned by the handler; the caller closes the descriptor. -1 with a fault. */
int scratch_dir_create(struct scratch *s, const struct scratch_dir *d, const char *name,
                       struct fault *f) MUST_USE;
/* True when there is next to no room left: what failed just now failed for that. */
bool scratch_full(int dir_fd);

#endif
