/* decide.h -- what becomes of one upload under one pipeline. Pure: it says what it lacks, and the
 * router gets that. */
#ifndef ROUTE_DECIDE_H
#define ROUTE_DECIDE_H

#include "base/arena.h"
#include "queue/upload.h"
#include "route/pipeline.h"

/* What is known of an object. */
struct decide_facts {
	const char *bucket, *key;
	const char *content_type; /* NULL: none */
	const char *metadata;     /* JSON object or NULL */
	int64_t size;             /* -1: unknown */
	const void *head;         /* its first SNIFF_BYTES; NULL: not read */
	size_t head_n;
};

struct decide_limits {
	const char *const *buckets; /* count 0: all are routed */
	size_t bucket_count;
	int64_t max_size; /* of objects whose rule says nothing */
};

enum decide_need { NEED_NOTHING, NEED_SIZE, NEED_HEAD };

struct decision {
	enum decide_need need; /* if anything, the rest is not set: ask again with it */
	enum route_outcome outcome;
	int16_t rule_no;
	const char *reason;       /* of the pipeline or static */
	const char *detail;       /* in the arena */
	const char *sniffed_type; /* NULL unless the head was read */
};

/*
 * In this order:
 * 1. a bucket that is not routed: rejected, reason `bucket`;
 * 2. an ignore pattern: ignored, reason the pattern;
 * 3. the first rule whose bucket, key, suffix, metadata and type match. Of a rule that names types
 *    the type is looked at last, and only then is the head of the object needed. From that moment
 *    on a file whose name's ending or declared content type contradicts its bytes is rejected,
 *    reason `type` (sniff.h says which claims count), whatever later rules say;
 * 4. larger than that rule's max_size or else the router's: rejected, reason `size`;
 * 5. no rule: rejected, reason `no_rule`.
 */
struct decision decide(const struct pipeline *p, const struct decide_limits *limits,
                       const struct decide_facts *facts, struct arena *a);

#endif
