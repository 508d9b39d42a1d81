/* watch.h -- the pipeline file on disk: read again when it changes, the last good one kept. */
#ifndef ROUTE_WATCH_H
#define ROUTE_WATCH_H

#include <sys/stat.h>

#include "db/db.h"
#include "route/pipeline.h"

/* Belongs to one thread. */
struct watch {
	const char *file;               /* borrowed */
	struct stat seen;               /* of the version looked at last */
	const struct pipeline *fresh;   /* owned; read, but not yet registered */
	const struct pipeline *current; /* owned; NULL until the first one is registered */
	int number;                     /* of current, as the database knows it */
};

enum watch_news {
	WATCH_SAME,
	WATCH_CHANGED, /* current and number are new */
	WATCH_REFUSED, /* what is there now is no pipeline file: problems say why; current stays */
	WATCH_FAULT,   /* the database could not record it; tried again next time */
};

void watch_free(struct watch *w);
/* Cheap when nothing has changed. problems starts zeroed and is the caller's. */
enum watch_news watch_look(struct watch *w, struct db *db, struct pipeline_problems *problems,
                           struct fault *f);

#endif
