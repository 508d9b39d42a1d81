/* rules.h -- private to the pipeline file's parser: the rules and their jobs. */
#ifndef ROUTE_RULES_H
#define ROUTE_RULES_H

#include "route/reader.h"

/* True for what a kind may be grouped by: store, bucket, source, type, or a text with such in
 * braces, {key.1} to {key.9} and {metadata.NAME}. */
bool rules_is_group(const char *text);
/* Fills rules, rule_count and job_count of p. */
void rules_read(struct reader *r, const struct at *root, const struct json *document,
                struct pipeline *p);

#endif
