/* routing.h -- one claimed upload on its way through the router. */
#ifndef ROUTE_ROUTING_H
#define ROUTE_ROUTING_H

#include "queue/upload.h"
#include "route/decide.h"
#include "store/store.h"

/* The uploads of one claim share its texts and the pipeline that decides them. */
struct claim {
	struct arena *arena;             /* owned */
	const struct pipeline *pipeline; /* owned */
	int pipeline_no;
	size_t open; /* routings that still use it */
};

struct routing {
	struct route_item item; /* texts in the claim's arena */
	struct claim *claim;
	struct arena *learnt; /* owned; NULL unless the store was asked */
	struct route_result result;
	bool decided; /* result is set */
	bool reading; /* with the readers: only decide it is theirs to touch, and the ticket not */
	bool lost;    /* the ticket is another's now; dropped when it comes back from the readers */
	bool spoilt;  /* the database refused the result once */
};

/* Decides from what is known. False: the store has to be asked, with routing_read. */
bool routing_decide(struct routing *r, const struct decide_limits *limits);
/* Asks the store for what is lacking, then decides. Blocks; on any thread that owns stores. */
void routing_read(struct routing *r, const struct decide_limits *limits, struct store_set *stores);
/* Decides that it goes back to the queue, unburnt. */
void routing_hand_back(struct routing *r);
/* Releases it, and its claim with the last one. */
void routing_free(struct routing *r);

#endif
