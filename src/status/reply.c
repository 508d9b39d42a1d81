/* reply.c -- what every answer of the status server carries. */
#include "status/site.h"

#include <string.h>

#include "status/page.h"
#include "base/banned.h"

#define AWAY_RELOAD_S 2

static const char policy[] = "default-src 'none'; style-src 'self'; img-src 'self'; "
			     "script-src 'self'; connect-src 'self'; form-action 'self'; "
			     "base-uri 'none'; frame-ancestors 'none'";

void
reply_common_headers(struct httpd_response *rs)
{
	httpd_response_header(rs, "X-Content-Type-Options", "nosniff");
	httpd_response_header(rs, "Referrer-Policy", "no-referrer");
	httpd_response_header(rs, "Cross-Origin-Resource-Policy", "same-origin");
}

static void
add_page_headers(struct httpd_response *rs)
{
	reply_common_headers(rs);
	httpd_response_header(rs, "Cache-Control", "no-store");
	httpd_response_header(rs, "Content-Security-Policy", policy);
}

struct httpd_response *
reply_html(int status, struct str *html)
{
	if (html->failed)
		return httpd_error(500, "too_large", "the page would be too large");
	struct httpd_response *rs = httpd_response_new(status, "text/html; charset=utf-8");
	if (rs) {
		add_page_headers(rs);
		httpd_response_body(rs, html);
	}
	return rs;
}

struct httpd_response *
reply_json(struct str *json)
{
	struct httpd_response *rs = httpd_response_new(200, "application/json");
	if (rs) {
		add_page_headers(rs);
		httpd_response_body(rs, json);
	}
	return rs;
}

struct httpd_response *
reply_text(int status, const char *text)
{
	struct httpd_response *rs = httpd_response_new(status, "text/plain; charset=utf-8");
	if (rs) {
		add_page_headers(rs);
		httpd_response_text(rs, text);
	}
	return rs;
}

struct httpd_response *
reply_redirect(int status, const char *location)
{
	struct httpd_response *rs = reply_text(status, "");
	if (rs)
		httpd_response_header(rs, "Location", location);
	return rs;
}

static bool
is_api(const struct visit *v)
{
	return v->count > 0 && strcmp(v->segments[0], "api") == 0;
}

struct httpd_response *
reply_not_found(const struct visit *v, const char *what)
{
	if (is_api(v))
		return httpd_error(404, "not_found", "there is no such thing");
	struct str html = STR_INIT(PAGE_MAX);
	page_not_found(&html, what);
	struct httpd_response *rs = reply_html(404, &html);
	str_free(&html);
	return rs;
}

static struct httpd_response *
error_page(int status, const char *title, const struct fault *f, int64_t reload_s)
{
	struct str html = STR_INIT(PAGE_MAX);
	page_message(&html, title, f->message, NULL, reload_s);
	struct httpd_response *rs = reply_html(status, &html);
	str_free(&html);
	return rs;
}

static const char *
api_code(struct str *text, const char *asked)
{
	str_addf(text, "%s_away", asked);
	return str_text(text);
}

static const char *
title_of(struct str *text, const char *asked)
{
	str_addf(text, "The %s does not answer", asked);
	return str_text(text);
}

struct httpd_response *
reply_busy(void)
{
	struct httpd_response *rs =
		reply_text(503, "too many results are being fetched; try again soon\n");
	if (rs)
		httpd_response_header(rs, "Retry-After", "5");
	return rs;
}

struct httpd_response *
reply_fault(const struct visit *v, const char *asked, const struct fault *f)
{
	struct str text = STR_INIT(256);
	bool away = f->rc == RC_RETRY;
	struct httpd_response *rs = NULL;
	if (strcmp(f->code, "NotFound") == 0)
		return reply_not_found(v, v->count > 1 ? v->segments[1] : "");
	if (is_api(v))
		rs = httpd_error(away ? 503 : 500, away ? api_code(&text, asked) : "failed",
		                 f->message);
	else if (away)
		rs = error_page(503, title_of(&text, asked), f, AWAY_RELOAD_S);
	else
		rs = error_page(500, "This did not work", f, 0);
	if (rs && away)
		httpd_response_header(rs, "Retry-After", "2");
	str_free(&text);
	return rs;
}
