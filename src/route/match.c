/* match.c -- the small pattern languages of the pipeline file, pure. */
#include "route/match.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/banned.h"

/* Where to go on after a mismatch: the last star, what follows it, and how far it reaches. */
struct resume {
	const char *pattern; /* NULL: none */
	const char *text;
};

struct glob {
	const char *pattern, *text;
	struct resume star;     /* `*`: grows by a character, not past '/' */
	struct resume anything; /* `**`: grows by a character */
	bool folders;           /* anything is a double star and '/': grows by a whole folder */
};

static size_t
character(const char *text)
{
	uint32_t c;
	return utf8_next(text, strlen(text) < 4 ? strlen(text) : 4, &c);
}

/* Takes the stars at the pattern's front. A later star can take over whatever an earlier one of the
 * same reach would have had to swallow, so that only the last of each kind is kept. */
static void
enter_star(struct glob *g, bool at_folder)
{
	if (g->pattern[1] != '*') {
		g->star = (struct resume){ ++g->pattern, g->text };
		return;
	}
	g->pattern += 2;
	g->folders = at_folder && g->pattern[0] == '/';
	g->pattern += g->folders;
	g->star = (struct resume){ NULL, NULL };
	g->anything = (struct resume){ g->pattern, g->text };
}

/* Matches one character of each; false on a mismatch, with nothing moved. */
static bool
step(struct glob *g)
{
	if (*g->text == '\0' || *g->pattern == '\0')
		return false;
	if (*g->pattern == '?') {
		if (*g->text == '/')
			return false;
		g->pattern++;
		g->text += character(g->text);
		return true;
	}
	const char *literal = g->pattern + (*g->pattern == '\\' && g->pattern[1] != '\0');
	if (*literal != *g->text)
		return false;
	g->pattern = literal + 1;
	g->text++;
	return true;
}

static bool
resume(struct glob *g)
{
	if (g->star.pattern && *g->star.text != '\0' && *g->star.text != '/') {
		g->star.text++;
		g->pattern = g->star.pattern;
		g->text = g->star.text;
		return true;
	}
	if (!g->anything.pattern || *g->anything.text == '\0')
		return false;
	if (g->folders) {
		const char *slash = strchr(g->anything.text, '/');
		if (!slash)
			return false;
		g->anything.text = slash;
	}
	g->anything.text++;
	g->star = (struct resume){ NULL, NULL };
	g->pattern = g->anything.pattern;
	g->text = g->anything.text;
	return true;
}

bool
match_glob(const char *pattern, const char *text)
{
	struct glob g = { .pattern = pattern, .text = text };
	for (;;) {
		if (*g.pattern == '*') {
			enter_star(&g, g.pattern == pattern || g.pattern[-1] == '/');
			continue;
		}
		if (*g.pattern == '\0' && *g.text == '\0')
			return true;
		if (!step(&g) && !resume(&g))
			return false;
	}
}

const char *
match_glob_problem(const char *pattern)
{
	size_t n = strlen(pattern);
	if (n == 0)
		return "is empty";
	if (n > 1024)
		return "is longer than 1,024 bytes";
	if (strstr(pattern, "***"))
		return "holds ***; ** already crosses folders";
	size_t escapes = 0;
	while (escapes < n && pattern[n - 1 - escapes] == '\\')
		escapes++;
	return escapes % 2 == 1 ? "ends in a lone backslash" : NULL;
}

bool
match_suffix(const char *suffix, const char *key)
{
	size_t n = strlen(suffix), key_n = strlen(key);
	return key_n >= n && strcasecmp(key + key_n - n, suffix) == 0;
}

static size_t
bare_length(const char *type)
{
	return strcspn(type, "; \t");
}

bool
match_type(const char *pattern, const char *type)
{
	size_t n = strlen(pattern), type_n = bare_length(type);
	if (n >= 2 && strcmp(pattern + n - 2, "/*") == 0)
		return type_n > n - 1 && strncasecmp(pattern, type, n - 1) == 0;
	return n == type_n && strncasecmp(pattern, type, n) == 0;
}

const char *
match_type_problem(const char *pattern)
{
	static const char token[] =
		"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.+-_";
	size_t main_n = strspn(pattern, token);
	const char *rest = pattern + main_n;
	if (main_n == 0 || *rest != '/')
		return "is not of the form type/subtype or type/*";
	rest++;
	if (strcmp(rest, "*") == 0)
		return NULL;
	size_t sub_n = strspn(rest, token);
	if (sub_n == 0 || rest[sub_n] != '\0')
		return "is not of the form type/subtype or type/*";
	return NULL;
}
