/* conf_private.h -- what the files of conf share and nobody else sees. */
#ifndef BASE_CONF_PRIVATE_H
#define BASE_CONF_PRIVATE_H

#include "base/conf.h"

/* One row's value. text is owned; NULL is unset. */
struct conf_value {
	char *text;
	int64_t number;
	bool is_set; /* by flag, environment or file; a default is not */
	bool in_file;
};

/* One [section NAME]; values are parallel to the table. */
struct conf_section {
	char *section;             /* owned */
	char *name;                /* owned */
	struct conf_value *values; /* owned */
};

struct conf {
	const struct conf_opt *table; /* borrowed */
	size_t n;
	struct conf_value *values; /* owned; the plain settings, parallel to the table */
	char **args;               /* owned */
	size_t arg_count;
	struct conf_section *sections; /* owned, in the file's order */
	size_t section_count;
};

/* Checks text by the row's type and puts it into v. where names the source for the error:
 * "--slots". */
enum rc conf_value_set(struct conf_value *v, const struct conf_opt *opt, const char *text,
                       const char *where, struct fault *f) MUST_USE;
void conf_value_free(struct conf_value *v);
/* Of the names in the table (plain settings if section is NULL) the one most like name, or NULL if
 * none is near. */
const char *conf_nearest(const struct conf_opt *table, size_t n, const char *section,
                         const char *name);
/* "slots" to "MILLRACE_SLOTS". False when it does not fit. */
bool conf_env_name(const char *name, struct str *out);

/* The row of a plain setting (section NULL) or of a section's key; n when there is none. */
size_t conf_find(const struct conf *c, const char *section, const char *name, size_t name_n);
/* The fault for a name that is not in the table, with the nearest one that is. */
enum rc conf_unknown(const struct conf *c, const char *section, const char *name, const char *where,
                     struct fault *f);
/* Sources come strongest first: the first that speaks wins, the others are checked all the same. */
enum rc conf_set_plain(struct conf *c, size_t row, const char *text, const char *where,
                       struct fault *f) MUST_USE;
/* Reads the file that --config names, if any. */
enum rc conf_read_file(struct conf *c, struct fault *f) MUST_USE;
/* A whole file of at most max bytes. */
enum rc conf_read_bytes(const char *path, size_t max, struct str *out, struct fault *f) MUST_USE;

#endif
