/* rules.h -- private to the pipeline file's parser: the rules and their jobs. */
#ifndef ROUTE_RULES_H
#define ROUTE_RULES_H

#include "route/reader.h"

/* Fills rules, rule_count and job_count of p. */
void rules_read(struct reader *r, const struct at *root, const struct json *document,
                struct pipeline *p);

#endif
