/* feed.h -- a folder of buckets as a source of uploads: each file that appears or changes becomes
 * a notification. */
#ifndef DEV_FEED_H
#define DEV_FEED_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "dev/notify.h"

struct feed_conf {
	const char *root;   /* its folders are the buckets */
	const char *bucket; /* the only one to watch; NULL: all */
	struct notify_target to;
	/* Told, on the watching thread, of what a person should know. */
	void (*problem)(const struct fault *f);
};

struct feed;

/*
 * A thread that tells the receiver of every file there is, then of each that is closed after
 * writing or moved in, and walks everything every 30 s for what it was not told. What the receiver
 * did not acknowledge is sent again until it does. conf's texts are borrowed.
 */
void feed_free(struct feed *w); /* accepts NULL; ends the thread first */
struct feed *feed_start(const struct feed_conf *conf, struct fault *f) OWNS(feed_free);
/* True when everything found so far was acknowledged. */
bool feed_idle(struct feed *w);

#endif
