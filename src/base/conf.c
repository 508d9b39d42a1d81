/* conf.c -- settings: flag, then environment, then file, then default. */
#include "base/conf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_private.h"
#include "base/handler_names.h"

#include "base/banned.h"

#define SECRET_MAX_BYTES ((size_t)64 * 1024)

extern char **environ;

static void
free_values(struct conf_value *values, size_t n)
{
	for (size_t i = 0; values && i < n; i++)
		conf_value_free(&values[i]);
	free(values);
}

static void
release(struct conf *c)
{
	free_values(c->values, c->n);
	for (size_t i = 0; i < c->section_count; i++) {
		free(c->sections[i].section);
		free(c->sections[i].name);
		free_values(c->sections[i].values, c->n);
	}
	free(c->sections);
	for (size_t i = 0; i < c->arg_count; i++)
		free(c->args[i]);
	free(c->args);
}

void
conf_free(struct conf *c)
{
	if (!c)
		return;
	release(c);
	free(c);
}

void
conf_freep(struct conf **c)
{
	conf_free(*c);
	*c = NULL;
}

size_t
conf_find(const struct conf *c, const char *section, const char *name, size_t name_n)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_opt *o = &c->table[i];
		bool here = section ? o->section && strcmp(o->section, section) == 0 : !o->section;
		if (here && strlen(o->name) == name_n && memcmp(o->name, name, name_n) == 0)
			return i;
	}
	return c->n;
}

static size_t
must_find(const struct conf *c, const char *section, const char *name)
{
	size_t i = conf_find(c, section, name, strlen(name));
	assert(i < c->n);
	return i;
}

enum rc
conf_unknown(const struct conf *c, const char *section, const char *name, const char *where,
             struct fault *f)
{
	const char *near = conf_nearest(c->table, c->n, section, name);
	if (!near)
		return fault_set(f, RC_PERMANENT, "%s: there is no such setting", where);
	return fault_set(f, RC_PERMANENT, "%s: there is no such setting; did you mean '%s'?", where,
	                 near);
}

enum rc
conf_set_plain(struct conf *c, size_t i, const char *text, const char *where, struct fault *f)
{
	struct conf_value ignored = { 0 };
	bool first = !c->values[i].is_set;
	enum rc rc = conf_value_set(first ? &c->values[i] : &ignored, &c->table[i], text, where, f);
	conf_value_free(&ignored);
	if (rc == RC_OK && c->values[i].text)
		c->values[i].is_set = true;
	return rc;
}

static enum rc
add_arg(struct conf *c, const char *text, struct fault *f)
{
	char **args = realloc(c->args, (c->arg_count + 1) * sizeof(*args));
	if (!args)
		return fault_set(f, RC_RETRY, "out of memory");
	c->args = args;
	args[c->arg_count] = strdup(text);
	if (!args[c->arg_count])
		return fault_set(f, RC_RETRY, "out of memory");
	c->arg_count++;
	return RC_OK;
}

/* The row of a bool that `no-NAME` turns off. */
static size_t
find_negated(const struct conf *c, const char *name, size_t n)
{
	if (n < 3 || strncmp(name, "no-", 3) != 0)
		return c->n;
	size_t row = conf_find(c, NULL, name + 3, n - 3);
	return row < c->n && c->table[row].type == CONF_BOOL ? row : c->n;
}

/* One flag at argv[*i]; moves *i past the value if that is a word of its own. */
static enum rc
take_flag(struct conf *c, uint32_t command, int argc, char *const argv[], int *i, struct fault *f)
{
	const char *flag = argv[*i];
	const char *name = flag + 2;
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	size_t row = conf_find(c, NULL, name, n);
	const char *value = equals ? equals + 1 : NULL;
	if (row == c->n && !equals) {
		row = find_negated(c, name, n);
		value = row < c->n ? "false" : NULL;
	}
	if (row == c->n || !(c->table[row].commands & command))
		return conf_unknown(c, NULL, name, flag, f);
	if (!value && c->table[row].type == CONF_BOOL)
		value = "true";
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value)
		return fault_set(f, RC_PERMANENT, "%s: a value is missing", flag);
	if (c->values[row].is_set)
		return fault_set(f, RC_PERMANENT, "--%s is given twice", c->table[row].name);
	struct str where = STR_INIT(256);
	str_addf(&where, "--%s", c->table[row].name);
	enum rc rc = conf_set_plain(c, row, value, str_text(&where), f);
	str_free(&where);
	return rc;
}

static enum rc
read_flags(struct conf *c, uint32_t command, int argc, char *const argv[], struct fault *f)
{
	bool flags = true;
	for (int i = 0; i < argc; i++) {
		enum rc rc;
		if (flags && strcmp(argv[i], "--") == 0) {
			flags = false;
			continue;
		}
		if (flags && strncmp(argv[i], "--", 2) == 0)
			rc = take_flag(c, command, argc, argv, &i, f);
		else
			rc = add_arg(c, argv[i], f);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Variables that are no settings: a handler may call this program, and the tests name it. */
static bool
is_reserved(const char *variable)
{
	static const char *const reserved[] = { "MILLRACE_BIN",      HANDLER_TRACE_ID, HANDLER_JOB,
		                                HANDLER_KIND,        HANDLER_ATTEMPT,  HANDLER_KEY,
		                                HANDLER_CONTENT_TYPE };
	size_t n = strcspn(variable, "=");
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strlen(reserved[i]) == n && memcmp(variable, reserved[i], n) == 0)
			return true;
	return false;
}

static enum rc
take_variable(struct conf *c, const char *variable, struct fault *f)
{
	const char *equals = strchr(variable, '=');
	for (size_t i = 0; i < c->n; i++) {
		struct str name = STR_INIT(256);
		bool same = !c->table[i].section && conf_env_name(c->table[i].name, &name) &&
		            name.len == (size_t)(equals - variable) &&
		            memcmp(str_text(&name), variable, name.len) == 0;
		enum rc rc = same ? conf_set_plain(c, i, equals + 1, str_text(&name), f) : RC_OK;
		str_free(&name);
		if (same)
			return rc;
	}
	struct str name = STR_INIT(256);
	for (const char *p = variable + strlen("MILLRACE_"); p < equals; p++)
		str_addc(&name,
		         *p == '_' ? '-' : (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p));
	struct str where = STR_INIT(256);
	str_addn(&where, variable, (size_t)(equals - variable));
	enum rc rc = conf_unknown(c, NULL, str_text(&name), str_text(&where), f);
	str_free(&name);
	str_free(&where);
	return rc;
}

static enum rc
read_environment(struct conf *c, struct fault *f)
{
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, "MILLRACE_", 9) != 0 || !strchr(*e, '=') || is_reserved(*e))
			continue;
		enum rc rc = take_variable(c, *e, f);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
fill_defaults(struct conf *c, struct fault *f)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		const struct conf_opt *o = &c->table[i];
		if (!o->dflt)
			continue;
		if (!o->section && !c->values[i].is_set)
			rc = conf_value_set(&c->values[i], o, o->dflt, o->name, f);
		for (size_t s = 0; o->section && s < c->section_count && rc == RC_OK; s++)
			if (strcmp(c->sections[s].section, o->section) == 0 &&
			    !c->sections[s].values[i].is_set)
				rc = conf_value_set(&c->sections[s].values[i], o, o->dflt, o->name,
				                    f);
	}
	return rc;
}

struct conf *
conf_load(const struct conf_opt *table, size_t n, uint32_t command, int argc, char *const argv[],
          struct fault *f)
{
	struct conf c = { .table = table, .n = n, .values = calloc(n ? n : 1, sizeof(*c.values)) };
	if (!c.values) {
		fault_set(f, RC_RETRY, "out of memory");
		return NULL;
	}
	struct conf *loaded = NULL;
	if (read_flags(&c, command, argc, argv, f) == RC_OK && read_environment(&c, f) == RC_OK &&
	    conf_read_file(&c, f) == RC_OK && fill_defaults(&c, f) == RC_OK) {
		loaded = malloc(sizeof(*loaded));
		if (!loaded)
			fault_set(f, RC_RETRY, "out of memory");
	}
	if (!loaded) {
		release(&c);
		return NULL;
	}
	*loaded = c;
	return loaded;
}

const char *
conf_text(const struct conf *c, const char *name)
{
	return c->values[must_find(c, NULL, name)].text;
}

int64_t
conf_int(const struct conf *c, const char *name)
{
	return c->values[must_find(c, NULL, name)].number;
}

bool
conf_bool(const struct conf *c, const char *name)
{
	return conf_int(c, name) != 0;
}

size_t
conf_args(const struct conf *c)
{
	return c->arg_count;
}

const char *
conf_arg(const struct conf *c, size_t i)
{
	return i < c->arg_count ? c->args[i] : NULL;
}

size_t
conf_sections(const struct conf *c, const char *section)
{
	size_t n = 0;
	for (size_t i = 0; i < c->section_count; i++)
		n += strcmp(c->sections[i].section, section) == 0;
	return n;
}

static const struct conf_section *
nth_section(const struct conf *c, const char *section, size_t i)
{
	for (size_t k = 0; k < c->section_count; k++)
		if (strcmp(c->sections[k].section, section) == 0 && i-- == 0)
			return &c->sections[k];
	assert(false && "no such section");
	return NULL;
}

const char *
conf_section_name(const struct conf *c, const char *section, size_t i)
{
	return nth_section(c, section, i)->name;
}

const char *
conf_section_text(const struct conf *c, const char *section, size_t i, const char *name)
{
	return nth_section(c, section, i)->values[must_find(c, section, name)].text;
}

int64_t
conf_section_int(const struct conf *c, const char *section, size_t i, const char *name)
{
	return nth_section(c, section, i)->values[must_find(c, section, name)].number;
}

enum rc
conf_read_secret(const char *path, struct str *ret, struct fault *f)
{
	struct str secret = STR_INIT(SECRET_MAX_BYTES + 4096);
	enum rc rc = conf_read_bytes(path, SECRET_MAX_BYTES, &secret, f);
	if (rc == RC_OK && secret.len > 0 && secret.data[secret.len - 1] == '\n')
		secret.len--;
	if (rc == RC_OK && secret.len == 0)
		rc = fault_set(f, RC_PERMANENT, "%s: no secret in it", path);
	if (rc == RC_OK && !str_addn(ret, secret.data, secret.len))
		rc = fault_set(f, RC_PERMANENT, "%s: too large for a secret here", path);
	if (secret.data)
		explicit_bzero(secret.data, secret.cap);
	str_free(&secret);
	return rc;
}
