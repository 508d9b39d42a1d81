/* html.h -- text from anywhere, made safe to stand in a page; what would not be seen is shown. */
#ifndef STATUS_HTML_H
#define STATUS_HTML_H

#include "base/str.h"

/*
 * All accept NULL and then add nothing. Control characters, characters that change the direction of
 * text or take no room, and invalid bytes appear as visible escapes (\n, \x1b, \u202e).
 */
/* Between tags: escapes are wrapped in <span class="esc">. */
void html_text(struct str *out, const char *text);
/* The same inside <pre>: line ends and tabs stay. */
void html_block(struct str *out, const char *text);
/* Inside a double-quoted attribute, <title> or SVG text. */
void html_attr(struct str *out, const char *text);
/* One segment of a URL's path, percent-encoded. */
void html_segment(struct str *out, const char *text);

#endif
