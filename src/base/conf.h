/* conf.h -- settings: flag, then MILLRACE_* environment, then file, then default, from one table.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

enum conf_type {
	CONF_TEXT,
	CONF_INT,         /* within [min, max] */
	CONF_SIZE,        /* num_parse_size */
	CONF_DURATION,    /* num_parse_duration */
	CONF_BOOL,        /* true|false|yes|no|1|0; as a flag it may stand alone */
	CONF_CHOICE,      /* one of `choices`, "a|b|c" */
	CONF_FILE,        /* a path */
	CONF_SECRET_FILE, /* a path whose content is the secret; never shown, never taken as a value
	                   */
};

/*
 * One row of the table. section NULL: a plain setting `--name`, MILLRACE_NAME (dashes become
 * underscores), `name = value` in the file. Else the key exists only in the file, in `[section
 * NAME]`. commands is a bit mask of those subcommands whose --help shows it and that take it as a
 * flag; in the file and in the environment every setting is accepted by every command, so that one
 * file serves all roles.
 */
struct conf_opt {
	const char *name;
	const char *section;
	enum conf_type type;
	const char *dflt; /* as text; NULL: unset */
	const char *choices;
	int64_t min, max;
	uint32_t commands;
	const char *value_name; /* for --help: FILE, URL, N */
	const char *help;       /* one sentence */
};

struct conf;

void conf_free(struct conf *c);
void conf_freep(struct conf **c);
/*
 * Reads all three sources and checks every value. argv holds what follows the subcommand; what is
 * no flag is kept in order as arguments (conf_arg), "--" ends the flags, `--flag value` and
 * `--flag=value` are the same, `--no-flag` is false for a bool. NULL + fault (RC_PERMANENT) that
 * names the source
 * ("--slots", "MILLRACE_SLOTS", "millrace.conf:12") and what is wrong with it; an unknown key, flag
 * or MILLRACE_* variable is an error with the nearest name. The file is --config, MILLRACE_CONFIG,
 * or none.
 */
struct conf *conf_load(const struct conf_opt *table, size_t n, uint32_t command, int argc,
                       char *const argv[], struct fault *f) OWNS(conf_free);

/* A name that is not in the table is a programmer's error and aborts. Texts are owned by c. */
const char *conf_text(const struct conf *c, const char *name); /* NULL when unset */
int64_t conf_int(const struct conf *c, const char *name); /* INT, SIZE in bytes, DURATION in ms */
bool conf_bool(const struct conf *c, const char *name);
size_t conf_args(const struct conf *c);
const char *conf_arg(const struct conf *c, size_t i); /* NULL past the end */

/* The sections of one type, in the file's order, by their names. */
size_t conf_sections(const struct conf *c, const char *section);
const char *conf_section_name(const struct conf *c, const char *section, size_t i);
const char *conf_section_text(const struct conf *c, const char *section, size_t i,
                              const char *name);
int64_t conf_section_int(const struct conf *c, const char *section, size_t i, const char *name);

/* Reads the secret of a CONF_SECRET_FILE path into ret (one trailing newline removed, at most 64
 * KiB). */
enum rc conf_read_secret(const char *path, struct str *ret, struct fault *f) MUST_USE;

/* --help of one command: its flags with environment names, defaults and help. */
void conf_help(const struct conf_opt *table, size_t n, uint32_t command, struct str *out);
/* The whole table as a commented sample file, sections included. */
void conf_sample(const struct conf_opt *table, size_t n, struct str *out);

#endif
