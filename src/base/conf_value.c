/* conf_value.c -- how a text becomes a setting's value. */
#include "base/conf_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

#include "base/banned.h"

static bool
parse_bool(const char *text, int64_t *ret)
{
	static const struct {
		const char *word;
		int64_t value;
	} words[] = { { "true", 1 },  { "yes", 1 }, { "1", 1 },
		      { "false", 0 }, { "no", 0 },  { "0", 0 } };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i].word) == 0) {
			*ret = words[i].value;
			return true;
		}
	}
	return false;
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);
	for (const char *p = choices; p; p = strchr(p, '|')) {
		if (*p == '|')
			p++;
		if (strncmp(p, text, n) == 0 && (p[n] == '|' || p[n] == '\0'))
			return true;
	}
	return false;
}

static enum rc
check_range(const struct conf_opt *opt, int64_t v, const char *text, const char *where,
            struct fault *f)
{
	if (opt->min == 0 && opt->max == 0)
		return RC_OK;
	if (v < opt->min || v > opt->max)
		return fault_set(f, RC_PERMANENT, "%s: '%s' is not between %lld and %lld%s", where,
		                 text, (long long)opt->min, (long long)opt->max,
		                 opt->type == CONF_DURATION ? " ms"
		                 : opt->type == CONF_SIZE   ? " bytes"
		                                            : "");
	return RC_OK;
}

static enum rc
parse_number(const struct conf_opt *opt, const char *text, const char *where, int64_t *ret,
             struct fault *f)
{
	bool ok = true;
	const char *wanted = "";
	switch (opt->type) {
	case CONF_INT:
		ok = num_parse(text, INT64_MIN, INT64_MAX, ret);
		wanted = "a whole number";
		break;
	case CONF_SIZE:
		ok = num_parse_size(text, ret);
		wanted = "a size such as 4096, 64k or 50MB";
		break;
	case CONF_DURATION:
		ok = num_parse_duration(text, ret);
		wanted = "a time such as 250ms, 10s, 5m or 14d";
		break;
	case CONF_BOOL:
		ok = parse_bool(text, ret);
		wanted = "true or false";
		break;
	case CONF_TEXT:
	case CONF_CHOICE:
	case CONF_FILE:
	case CONF_SECRET_FILE:
		return RC_OK;
	}
	if (!ok)
		return fault_set(f, RC_PERMANENT, "%s: '%s' is not %s", where, text, wanted);
	return opt->type == CONF_BOOL ? RC_OK : check_range(opt, *ret, text, where, f);
}

enum rc
conf_value_set(struct conf_value *v, const struct conf_opt *opt, const char *text,
               const char *where, struct fault *f)
{
	int64_t number = 0;
	if (opt->type == CONF_CHOICE && !is_choice(opt->choices, text))
		return fault_set(f, RC_PERMANENT, "%s: '%s' is not one of %s", where, text,
		                 opt->choices);
	if ((opt->type == CONF_FILE || opt->type == CONF_SECRET_FILE) && text[0] == '\0')
		return fault_set(f, RC_PERMANENT, "%s: an empty path", where);
	enum rc rc = parse_number(opt, text, where, &number, f);
	if (rc != RC_OK)
		return rc;
	if (opt->type == CONF_TEXT && text[0] == '\0')
		return RC_OK; /* as good as unset */
	char *copy = strdup(text);
	if (!copy)
		return fault_set(f, RC_RETRY, "out of memory");
	free(v->text);
	v->text = copy;
	v->number = number;
	return RC_OK;
}

void
conf_value_free(struct conf_value *v)
{
	free(v->text);
	v->text = NULL;
}

/* Edit distance from a, of any length, to b, the name of a setting. */
static size_t
distance(const char *a, const char *b)
{
	enum { LIMIT = 40 };
	size_t row[LIMIT + 1];
	size_t n = strlen(b);
	if (n > LIMIT)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[n];
}

static bool
same_section(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

const char *
conf_nearest(const struct conf_opt *table, size_t n, const char *section, const char *name)
{
	const char *nearest = NULL;
	size_t best = strlen(name) / 3 + 2;
	for (size_t i = 0; i < n; i++) {
		if (!same_section(table[i].section, section))
			continue;
		size_t d = distance(name, table[i].name);
		if (d < best) {
			best = d;
			nearest = table[i].name;
		}
	}
	return nearest;
}

bool
conf_env_name(const char *name, struct str *out)
{
	bool ok = str_add(out, "MILLRACE_");
	for (; ok && *name; name++) {
		char c = *name == '-' ? '_' : *name;
		ok = str_addc(out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
	}
	return ok;
}
