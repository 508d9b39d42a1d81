/* page.h -- what all pages share: the frame, the navigation, the search box. */
#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/json.h"

#define PAGE_MAX ((size_t)24 << 20)

enum page_section { PAGE_UPLOADS, PAGE_QUEUES, PAGE_DEAD, PAGE_WORKERS, PAGE_NONE };

struct page {
	const char *title;
	enum page_section section;
	const char *query; /* what the search box shows; NULL: nothing */
	int64_t live_ms;   /* how often the page's script fetches it anew; 0: it will not change */
	int64_t reload_s;  /* without script: reload so often; 0: never */
	bool search_in_page; /* the page has a search box of its own */
};

void page_begin(struct str *out, const struct page *p);
void page_end(struct str *out);
/* A form that asks /search; id makes its field unique. */
void page_search_form(struct str *out, const char *id, const char *query);
/* "Nothing here yet" and its kin. */
void page_empty(struct str *out, const char *text);
/* A whole page with a heading and one sentence, for what went wrong; reload_s as above. */
void page_message(struct str *out, const char *title, const char *text, const char *query,
                  int64_t reload_s);

/* The pages, each from the database's JSON. now_us is the time to count from. */
void page_trace(struct str *out, const struct json *trace, int64_t now_us);
void page_home(struct str *out, const struct json *recent, const struct json *queues,
               int64_t now_us);
void page_search(struct str *out, const struct json *found, const char *query, int64_t now_us);
void page_not_found(struct str *out, const char *query);
void page_queues(struct str *out, const struct json *queues, int64_t now_us);
void page_dead(struct str *out, const struct json *dead, const char *kind, int64_t now_us);
void page_workers(struct str *out, const struct json *workers, int64_t now_us);

#endif
