/* pipeline.h -- the pipeline file: parsed strictly, then immutable. Pure. */
#ifndef ROUTE_PIPELINE_H
#define ROUTE_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"

/* What an optional job's failure makes of its upload; a required job's always fails it. */
enum on_failure { ON_FAIL, ON_REVIEW, ON_NOTE };

struct pipeline_job {
	const char *step, *kind;
	bool required;
	enum on_failure on_failure;
	int priority;         /* 0 to 3, smaller goes first */
	int16_t step_no;      /* in file order over all rules, from 1 */
	const int16_t *after; /* step numbers */
	size_t after_count;
};

/* A list in the file may also be written as one text; an empty one matches all. */
struct pipeline_texts {
	const char *const *items;
	size_t count;
};

struct pipeline_pair {
	const char *name, *value;
};

struct pipeline_match {
	struct pipeline_texts buckets, keys; /* globs */
	struct pipeline_texts suffixes;
	struct pipeline_texts types; /* not empty: the router reads the head of the object */
	const struct pipeline_pair *metadata; /* each must be there with that value */
	size_t metadata_count;
	int64_t max_size; /* a limit on what matched, no condition; -1: the router's */
};

struct pipeline_rule {
	const char *name;
	struct pipeline_match match;
	const struct pipeline_job *jobs;
	size_t job_count;
};

/* Every problem of a file, in its order: where (rules[2].jobs[0].after[1]) and what. */
struct pipeline_problem {
	char *path, *message; /* owned */
};
struct pipeline_problems {
	struct pipeline_problem *items;
	size_t count;
	bool more; /* there were more than 100 */
};
void pipeline_problems_free(struct pipeline_problems *p);

struct pipeline {
	struct pipeline_texts ignore; /* globs of keys */
	const struct pipeline_rule *rules;
	size_t rule_count, job_count;
	const char *body;   /* compact JSON, keys sorted: what register_pipeline gets */
	const char *sha256; /* of body, hex */
	struct pipeline_problems warnings; /* what is right, but does nothing */
};

/* Counted: the parser's caller holds one reference; any thread may take and drop. */
void pipeline_drop(const struct pipeline *p); /* accepts NULL */
void pipeline_dropp(const struct pipeline **p);
const struct pipeline *pipeline_hold(const struct pipeline *p);

#define PIPELINE_BYTES_MAX (1024u * 1024)
/* NULL and at least one problem (added to *problems, which starts zeroed) unless the file is
 * wholly right. */
const struct pipeline *pipeline_parse(const char *text, size_t n,
                                      struct pipeline_problems *problems) MUST_USE;
/* The same from a file; one that cannot be read is a problem with path "". */
const struct pipeline *pipeline_read(const char *file, struct pipeline_problems *problems) MUST_USE;

#endif
