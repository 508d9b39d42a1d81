/* conf_file.c -- the configuration file: `key = value`, then `[section NAME]`. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf_private.h"

#include "base/banned.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)

static char *
trim(char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	size_t n = strlen(text);
	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
	return text;
}

static bool
is_section_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n <= 63 && name[n] == '\0' && name[0] != '-';
}

static bool
is_section_type(const struct conf *c, const char *section)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->table[i].section && strcmp(c->table[i].section, section) == 0)
			return true;
	return false;
}

static enum rc
open_section(struct conf *c, char *inside, const char *where, struct conf_section **ret,
             struct fault *f)
{
	char *space = strchr(inside, ' ');
	char *name = space ? trim(space + 1) : NULL;
	if (space)
		*space = '\0';
	if (!is_section_type(c, inside))
		return fault_set(f, RC_PERMANENT, "%s: there are no sections [%s …]", where,
		                 inside);
	if (!name || !is_section_name(name))
		return fault_set(
			f, RC_PERMANENT,
			"%s: [%s …] needs a name of a-z, 0-9 and '-', at most 63 characters", where,
			inside);
	for (size_t i = 0; i < c->section_count; i++)
		if (strcmp(c->sections[i].section, inside) == 0 &&
		    strcmp(c->sections[i].name, name) == 0)
			return fault_set(f, RC_PERMANENT, "%s: [%s %s] is there twice", where,
			                 inside, name);
	struct conf_section *grown = realloc(c->sections, (c->section_count + 1) * sizeof(*grown));
	if (!grown)
		return fault_set(f, RC_RETRY, "out of memory");
	c->sections = grown;
	struct conf_section *s = &grown[c->section_count++];
	s->section = strdup(inside);
	s->name = strdup(name);
	s->values = calloc(c->n, sizeof(*s->values));
	if (!s->section || !s->name || !s->values)
		return fault_set(f, RC_RETRY, "out of memory");
	*ret = s;
	return RC_OK;
}

static enum rc
take_key(struct conf *c, struct conf_section *s, char *line, const char *where, struct fault *f)
{
	char *equals = strchr(line, '=');
	if (!equals)
		return fault_set(f, RC_PERMANENT, "%s: neither 'key = value' nor '[section NAME]'",
		                 where);
	*equals = '\0';
	char *key = trim(line);
	char *value = trim(equals + 1);
	size_t row = conf_find(c, s ? s->section : NULL, key, strlen(key));
	CLEANUP(str_free) struct str at = STR_INIT(16384);
	str_addf(&at, "%s: %s", where, key);
	if (row == c->n)
		return conf_unknown(c, s ? s->section : NULL, key, str_text(&at), f);
	struct conf_value *v = s ? &s->values[row] : &c->values[row];
	if (v->in_file)
		return fault_set(f, RC_PERMANENT, "%s: '%s' is there twice", where, key);
	v->in_file = true;
	if (!s)
		return conf_set_plain(c, row, value, str_text(&at), f);
	enum rc rc = conf_value_set(v, &c->table[row], value, str_text(&at), f);
	v->is_set = v->text != NULL;
	return rc;
}

enum rc
conf_read_bytes(const char *path, size_t max, struct str *out, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
	char buf[4096];
	ssize_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0 && out->len <= max)
		str_addn(out, buf, (size_t)n);
	int error = n < 0 ? errno : 0;
	close(fd);
	if (error)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(error));
	if (out->failed || out->len > max)
		return fault_set(f, RC_PERMANENT, "%s: larger than %zu bytes", path, max);
	return RC_OK;
}

static enum rc
take_line(struct conf *c, struct conf_section **s, char *line, const char *where, struct fault *f)
{
	line = trim(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return RC_OK;
	size_t n = strlen(line);
	if (line[0] != '[')
		return take_key(c, *s, line, where, f);
	if (line[n - 1] != ']')
		return fault_set(f, RC_PERMANENT, "%s: a section without its ']'", where);
	line[n - 1] = '\0';
	return open_section(c, trim(line + 1), where, s, f);
}

static enum rc
read_lines(struct conf *c, const char *path, char *text, struct fault *f)
{
	struct conf_section *section = NULL;
	struct str where = STR_INIT(8192);
	enum rc rc = RC_OK;
	char *line = text;
	for (int number = 1; line && rc == RC_OK; number++) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		str_reset(&where);
		str_addf(&where, "%s:%d", path, number);
		rc = take_line(c, &section, line, str_text(&where), f);
		line = end ? end + 1 : NULL;
	}
	str_free(&where);
	return rc;
}

enum rc
conf_read_file(struct conf *c, struct fault *f)
{
	size_t row = conf_find(c, NULL, "config", strlen("config"));
	const char *path = row < c->n ? c->values[row].text : NULL;
	if (!path)
		return RC_OK;
	struct str text = STR_INIT(FILE_MAX_BYTES + 4096);
	enum rc rc = conf_read_bytes(path, FILE_MAX_BYTES, &text, f);
	if (rc == RC_OK && text.len != strlen(str_text(&text)))
		rc = fault_set(f, RC_PERMANENT, "%s: a NUL byte", path);
	if (rc == RC_OK && text.data)
		rc = read_lines(c, path, text.data, f);
	str_free(&text);
	return rc;
}
