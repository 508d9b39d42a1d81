/* match.h -- the small pattern languages of the pipeline file, pure: globs, suffixes, types. */
#ifndef ROUTE_MATCH_H
#define ROUTE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The whole text against the pattern: `*` is any run without '/', `?` one character that is no '/',
 * `**` any run, and a leading or inner double star followed by '/' any number of folders, none
 * included; `\` takes the next character as it is. Case counts. Time is at most
 * O(pattern * text^2), also for patterns made to be slow.
 */
bool match_glob(const char *pattern, const char *text);
/* NULL if the pattern is one, else what is wrong with it. */
const char *match_glob_problem(const char *pattern);
/* ASCII case does not count. */
bool match_suffix(const char *suffix, const char *key);
/* pattern is type/subtype or type and a star; parameters of the type (";charset=…") and case do not
 * count. */
bool match_type(const char *pattern, const char *type);
const char *match_type_problem(const char *pattern);

#endif
