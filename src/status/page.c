/* page.c -- the frame of every page. */
#include "status/page.h"

#include <inttypes.h>

#include "base/compiler.h"
#include "status/html.h"
#include "base/banned.h"

/* Once per page; badges and timelines refer to these by name. */
static const char sprite[] =
	"<svg class=\"sprite\" aria-hidden=\"true\"><defs>"
	"<symbol id=\"i-check\" viewBox=\"0 0 16 16\"><path d=\"M3 8.6l3.2 3.2L13 4.6\"/></symbol>"
	"<symbol id=\"i-cross\" viewBox=\"0 0 16 16\"><path d=\"M4 4l8 8M12 4l-8 8\"/></symbol>"
	"<symbol id=\"i-warn\" viewBox=\"0 0 16 16\">"
	"<path d=\"M8 2.2L14.6 13.6H1.4zM8 6.6v3.2M8 11.6v.2\"/></symbol>"
	"<symbol id=\"i-bang\" viewBox=\"0 0 16 16\"><path d=\"M8 2.5v7M8 13v.3\"/></symbol>"
	"<symbol id=\"i-play\" viewBox=\"0 0 16 16\">"
	"<path class=\"solid\" d=\"M5 3.2v9.6L12.6 8z\"/></symbol>"
	"<symbol id=\"i-clock\" viewBox=\"0 0 16 16\">"
	"<path d=\"M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.6V8l2.4 1.6\"/></symbol>"
	"<symbol id=\"i-again\" viewBox=\"0 0 16 16\">"
	"<path d=\"M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.4 1.8v3.4H10\"/></symbol>"
	"<symbol id=\"i-dash\" viewBox=\"0 0 16 16\"><path d=\"M3.5 8h9\"/></symbol>"
	"<symbol id=\"i-bar\" viewBox=\"0 0 16 16\">"
	"<path d=\"M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM3.7 12.3l8.6-8.6\"/></symbol>"
	"<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0v7\"/></pattern>"
	"</defs></svg>\n";

static const struct {
	enum page_section section;
	const char *href, *name;
} sections[] = {
	{ PAGE_UPLOADS, "/", "Uploads" },
	{ PAGE_QUEUES, "/queues", "Queues" },
	{ PAGE_DEAD, "/dead", "Dead letters" },
	{ PAGE_WORKERS, "/workers", "Workers" },
};

void
page_search_form(struct str *out, const char *id, const char *query)
{
	str_addf(out,
	         "<form class=\"search\" action=\"/search\" role=\"search\">"
	         "<label class=\"unseen\" for=\"%s\">Trace ID or bucket/key</label>"
	         "<input id=\"%s\" name=\"q\" type=\"search\" maxlength=\"1100\" required "
	         "autocomplete=\"off\" spellcheck=\"false\" placeholder=\"Trace ID or bucket/key\" "
	         "value=\"",
	         id, id);
	html_attr(out, query);
	str_add(out, "\"><button>Find</button></form>");
}

static void
add_head(struct str *out, const struct page *p)
{
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	html_attr(out, p->title);
	str_add(out, " · Millrace</title>\n"
	             "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/assets/favicon.svg\">\n"
	             "<link rel=\"stylesheet\" href=\"/assets/style.css\">\n");
	if (p->reload_s > 0)
		str_addf(out,
		         "<noscript><meta http-equiv=\"refresh\" content=\"%" PRId64
		         "\"></noscript>\n",
		         p->reload_s);
	str_add(out, "<script src=\"/assets/live.js\" defer></script>\n</head>\n");
}

static void
add_nav(struct str *out, enum page_section current)
{
	str_add(out, "<nav aria-label=\"Pages\">");
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		str_addf(out, "<a href=\"%s\"%s>%s</a>", sections[i].href,
		         sections[i].section == current ? " aria-current=\"page\"" : "",
		         sections[i].name);
	str_add(out, "</nav>");
}

void
page_begin(struct str *out, const struct page *p)
{
	add_head(out, p);
	str_add(out, "<body>\n");
	str_add(out, sprite);
	str_add(out, "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
	             "<header class=\"top\"><div class=\"wrap\">"
	             "<a class=\"brand\" href=\"/\"><img src=\"/assets/favicon.svg\" alt=\"\" "
	             "width=\"26\" height=\"26\">Millrace</a>");
	add_nav(out, p->section);
	if (!p->search_in_page)
		page_search_form(out, "q", p->query);
	str_add(out, "</div></header>\n");
	if (p->search_in_page) {
		str_add(out, "<div class=\"wrap hero\">");
		page_search_form(out, "q", p->query);
		str_add(out, "</div>\n");
	}
	str_add(out, "<main id=\"main\" class=\"wrap\" tabindex=\"-1\"");
	if (p->live_ms > 0)
		str_addf(out, " data-live=\"%" PRId64 "\"", p->live_ms);
	str_add(out, ">\n");
}

void
page_end(struct str *out)
{
	str_add(out, "</main>\n</body>\n</html>\n");
}

void
page_empty(struct str *out, const char *text)
{
	str_addf(out, "<p class=\"empty\">%s</p>\n", text);
}

void
page_message(struct str *out, const char *title, const char *text, const char *query,
             int64_t reload_s)
{
	const struct page p = {
		.title = title,
		.section = PAGE_NONE,
		.query = query,
		.live_ms = reload_s * 1000,
		.reload_s = reload_s,
	};
	page_begin(out, &p);
	str_add(out, "<h1>");
	html_text(out, title);
	str_add(out, "</h1>\n<p class=\"lead\">");
	html_text(out, text);
	str_add(out, "</p>\n");
	page_end(out);
}
