/* queues_page.c -- what waits and runs, by kind. */
#include "status/page.h"

#include <inttypes.h>

#include "base/compiler.h"
#include "status/html.h"
#include "status/human.h"
#include "status/view.h"
#include "base/banned.h"

static const struct {
	const char *key, *name;
} columns[] = {
	{ "waiting", "Waiting" },   { "queued", "Queued" }, { "running", "Running" },
	{ "retrying", "Retrying" }, { "dead", "Dead" },     { "done", "Done" },
};

static void
add_count(struct str *out, const struct json *queue, const char *key)
{
	int64_t n = view_int(queue, key, 0);
	bool dead = n > 0 && key[0] == 'd' && key[1] == 'e';
	str_addf(out, "<td class=\"num%s\">", n == 0 ? " zero" : dead ? " alarm" : "");
	if (dead) {
		str_add(out, "<a href=\"/dead?kind=");
		html_segment(out, view_text(queue, "kind"));
		str_add(out, "\">");
	}
	human_count(out, n);
	str_add(out, dead ? "</a></td>" : "</td>");
}

static void
add_workers(struct str *out, const struct json *queue)
{
	int64_t workers = view_int(queue, "workers", 0);
	int64_t open = view_int(queue, "queued", 0) + view_int(queue, "retrying", 0);
	str_addf(out, "<td class=\"num%s\">%" PRId64, workers == 0 && open > 0 ? " alarm" : "",
	         workers);
	if (workers == 0 && open > 0)
		str_add(out, " <span class=\"badge bad\">nobody works</span>");
	str_add(out, "</td>");
}

static void
add_queue(struct str *out, const struct json *queue, int64_t now_us)
{
	str_add(out, "<tr><th scope=\"row\">");
	html_text(out, view_text(queue, "kind"));
	if (json_bool(json_get(queue, "paused"), false))
		str_add(out, " <span class=\"badge warn\">paused</span>");
	str_add(out, "</th>");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		add_count(out, queue, columns[i].key);
	str_add(out, "<td class=\"num\">");
	int64_t oldest = view_time(queue, "oldest_at");
	if (oldest == VIEW_NEVER)
		str_add(out, "–");
	else
		human_duration(out, now_us - oldest);
	str_add(out, "</td>");
	add_workers(out, queue);
	str_add(out, "</tr>\n");
}

void
queues_html(struct str *out, const struct json *queues, int64_t now_us)
{
	const struct json *list = json_get(queues, "queues");
	if (json_count(list) == 0) {
		page_empty(out, "No kind is known yet: the first pipeline brings them.");
		return;
	}
	str_add(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of "
	             "queues\">"
	             "<table><thead><tr><th scope=\"col\">Kind</th>");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		str_addf(out, "<th scope=\"col\" class=\"num\">%s</th>", columns[i].name);
	str_add(out, "<th scope=\"col\" class=\"num\">Oldest</th>"
	             "<th scope=\"col\" class=\"num\">Workers</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_count(list); i++)
		add_queue(out, json_at(list, i), now_us);
	str_add(out, "</tbody></table></div>\n");
}

void
page_queues(struct str *out, const struct json *queues, int64_t now_us)
{
	const struct page p = {
		.title = "Queues",
		.section = PAGE_QUEUES,
		.live_ms = 2000,
		.reload_s = 5,
	};
	page_begin(out, &p);
	str_add(out, "<h1>Queues</h1>\n");
	queues_html(out, queues, now_us);
	page_end(out);
}
