/* httpd_response.c -- a response while it is built, and its way into the library. */
#include "net/httpd_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define ERROR_BODY_MAX 65536

static void
destroy(struct httpd_response *rs)
{
	struct header_line *l, *next;

	if (rs == NULL)
		return;
	for (l = rs->headers; l != NULL; l = next) {
		next = l->next;
		free(l->name);
		free(l->value);
		free(l);
	}
	free(rs->body);
	if (rs->fd >= 0)
		close(rs->fd);
	free(rs);
}

void
httpd_response_free(struct httpd_response *rs)
{
	destroy(rs);
}

struct httpd_response *
httpd_response_new(int status, const char *content_type)
{
	struct httpd_response *rs = calloc(1, sizeof(*rs));

	if (rs == NULL)
		return NULL;
	assert(status >= 200 && status <= 599);
	rs->status = (unsigned)status;
	rs->fd = -1;
	if (content_type != NULL)
		httpd_response_header(rs, "Content-Type", content_type);
	return rs;
}

void
httpd_response_header(struct httpd_response *rs, const char *name, const char *value)
{
	struct header_line *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL) {
		rs->failed = true;
		return;
	}
	l->name = strdup(name);
	l->value = strdup(value);
	l->next = rs->headers;
	rs->headers = l;
	if (l->name == NULL || l->value == NULL)
		rs->failed = true;
}

void
httpd_response_body(struct httpd_response *rs, struct str *body)
{
	assert(rs->body == NULL && rs->fd < 0);
	if (body->failed)
		rs->failed = true;
	rs->body_n = body->len;
	rs->body = str_take(body);
}

void
httpd_response_text(struct httpd_response *rs, const char *text)
{
	assert(rs->body == NULL && rs->fd < 0);
	rs->body_n = strlen(text);
	rs->body = strdup(text);
	if (rs->body == NULL)
		rs->failed = true;
}

void
httpd_response_fd(struct httpd_response *rs, int fd, int64_t size)
{
	assert(rs->body == NULL && rs->fd < 0 && size >= 0);
	rs->fd = fd;
	rs->fd_size = size;
}

struct httpd_response *
httpd_error(int status, const char *code, const char *message)
{
	struct httpd_response *rs = httpd_response_new(status, "application/json");
	struct str body CLEANUP(str_free) = STR_INIT(ERROR_BODY_MAX);

	if (rs == NULL)
		return NULL;
	str_add(&body, "{\"error\": {\"code\": ");
	str_add_json(&body, code);
	str_add(&body, ", \"message\": ");
	str_add_json(&body, message);
	str_add(&body, "}}\n");
	httpd_response_body(rs, &body);
	return rs;
}

/* What rs holds becomes the library's. */
static struct MHD_Response *
convert(struct httpd_response *rs)
{
	struct MHD_Response *r;

	if (rs->fd >= 0) {
		r = MHD_create_response_from_fd64((uint64_t)rs->fd_size, rs->fd);
		if (r != NULL)
			rs->fd = -1;
		return r;
	}
	if (rs->body == NULL)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	r = MHD_create_response_from_buffer(rs->body_n, rs->body, MHD_RESPMEM_MUST_FREE);
	if (r != NULL)
		rs->body = NULL;
	return r;
}

static void
spoil(struct httpd_response *rs)
{
	free(rs->body);
	rs->body = NULL;
	if (rs->fd >= 0)
		close(rs->fd);
	rs->fd = -1;
	rs->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
}

bool
httpd_response_send(struct httpd_response *rs, struct MHD_Connection *c, bool close_after)
{
	struct MHD_Response *r;
	enum MHD_Result ok = MHD_NO;

	if (rs->failed)
		spoil(rs);
	r = convert(rs);
	if (r == NULL) {
		destroy(rs);
		return false;
	}
	/* The library takes none that holds a line break. */
	for (const struct header_line *l = rs->headers; l != NULL && !rs->failed; l = l->next)
		MHD_add_response_header(r, l->name, l->value);
	if (close_after || rs->status >= 400)
		MHD_add_response_header(r, "Connection", "close");
	ok = MHD_queue_response(c, rs->status, r);
	MHD_destroy_response(r);
	destroy(rs);
	return ok == MHD_YES;
}
