/* html.c -- escaping for pages. */
#include "status/html.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "base/banned.h"

enum where { IN_TEXT, IN_BLOCK, IN_ATTR };

/* Characters that hide, reorder or end lines; joiners that emoji and Persian need are not here. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
	{ 0x180e, 0x180e }, { 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffd }, { 0xe0000, 0xe007f },
};

static bool
is_unseen(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(unseen); i++)
		if (c >= unseen[i].first && c <= unseen[i].last)
			return true;
	return false;
}

static void
add_escape(struct str *out, uint32_t c)
{
	if (c == '\t' || c == '\n' || c == '\r')
		str_addf(out, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : 'r');
	else if (c < 0x100)
		str_addf(out, "\\x%02x", (unsigned)c);
	else if (c < 0x10000)
		str_addf(out, "\\u%04x", (unsigned)c);
	else
		str_addf(out, "\\U%08x", (unsigned)c);
}

/* The entity that a character of ASCII must become, NULL if it may stand. */
static const char *
entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static bool
may_stand(uint32_t c, enum where where, const char *rest)
{
	if (where != IN_BLOCK)
		return !is_unseen(c);
	return c == '\n' || c == '\t' || (c == '\r' && rest[0] == '\n') || !is_unseen(c);
}

static void
add_escaped(struct str *out, const char *text, enum where where)
{
	if (!text)
		return;
	size_t n = strlen(text);
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t used = utf8_next(text + i, n - i, &c);
		const char *as = entity(c);
		if (as)
			str_add(out, as);
		else if (may_stand(c, where, text + i + used))
			str_addn(out, text + i, used);
		else {
			str_add(out, where == IN_ATTR ? "" : "<span class=\"esc\">");
			add_escape(out, c);
			str_add(out, where == IN_ATTR ? "" : "</span>");
		}
		i += used;
	}
}

void
html_text(struct str *out, const char *text)
{
	add_escaped(out, text, IN_TEXT);
}

void
html_block(struct str *out, const char *text)
{
	add_escaped(out, text, IN_BLOCK);
}

void
html_attr(struct str *out, const char *text)
{
	add_escaped(out, text, IN_ATTR);
}

void
html_segment(struct str *out, const char *text)
{
	if (text)
		str_add_uri(out, text, strlen(text), false);
}
