/* tray.h -- the uploads that the router holds at the moment, and handing in what was decided. */
#ifndef ROUTE_TRAY_H
#define ROUTE_TRAY_H

#include "route/readers.h"

#define TRAY_CLAIM 200 /* uploads in one claim, and in one expansion */
#define TRAY_MAX 400   /* held at once */

/* Belongs to one thread. */
struct tray {
	struct routing *held[TRAY_MAX]; /* owned, but for what the readers have */
	size_t n;
	size_t at_once; /* results in one call: 1 while one of them spoils it for the others */
};

/*
 * Claims what there is room for and decides what can be decided without a store; the rest goes to
 * the readers. *ret_n says how many were claimed.
 */
enum rc tray_claim(struct tray *d, struct session *s, struct db *db,
                   const struct pipeline *pipeline, int pipeline_no,
                   const struct decide_limits *limits, struct readers *readers, bool fresh,
                   size_t *ret_n, struct fault *f) MUST_USE;
/* Takes back what the readers have decided. */
void tray_collect(struct readers *readers);
/* Hands in everything that is decided; *ret_n counts. On failure the rest stays. */
enum rc tray_expand(struct tray *d, struct session *s, struct db *db, size_t *ret_n,
                    struct fault *f) MUST_USE;
/* session_reopen with all that is held; what is no longer ours is dropped. */
enum rc tray_reopen(struct tray *d, struct session *s, struct db *db, struct fault *f) MUST_USE;
/* Frees what is held and not with the readers. */
void tray_clear(struct tray *d);

#endif
