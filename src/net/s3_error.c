/* s3_error.c -- the <Error> body of an S3 reply, read with expat. */
#include "net/s3_error.h"

#include <string.h>

#include <expat.h>

#include "base/banned.h"

#define BYTES_MAX ((size_t)16 * 1024 * 1024)
#define DEPTH_MAX 16
#define TEXT_MAX 4096

struct reader {
	XML_Parser parser;
	struct s3_error *error;
	struct str *into; /* where text goes; NULL: nowhere */
	int depth;
	bool is_error;
};

static const char *
local_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon == NULL ? name : colon + 1;
}

static struct str *
field(struct s3_error *e, const char *name)
{
	if (strcmp(name, "Code") == 0)
		return &e->code;
	if (strcmp(name, "Message") == 0)
		return &e->message;
	if (strcmp(name, "Region") == 0)
		return &e->region;
	return NULL;
}

static void
on_start(void *reader, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = reader;

	(void)attributes;
	if (++r->depth > DEPTH_MAX) {
		XML_StopParser(r->parser, XML_FALSE);
		return;
	}
	if (r->depth == 1)
		r->is_error = strcmp(local_name(name), "Error") == 0;
	r->into = r->depth == 2 && r->is_error ? field(r->error, local_name(name)) : NULL;
}

static void
on_end(void *reader, const XML_Char *name)
{
	struct reader *r = reader;

	(void)name;
	r->depth--;
	r->into = NULL;
}

static void
on_text(void *reader, const XML_Char *p, int n)
{
	struct reader *r = reader;

	if (r->into != NULL && n > 0)
		str_addn(r->into, p, (size_t)n);
}

static void
on_doctype(void *reader, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
           int has_internal_subset)
{
	struct reader *r = reader;

	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	XML_StopParser(r->parser, XML_FALSE);
}

void
s3_error_free(struct s3_error *e)
{
	str_free(&e->code);
	str_free(&e->message);
	str_free(&e->region);
}

void
s3_error_parse(const char *p, size_t n, struct s3_error *ret)
{
	struct reader r = { .error = ret };

	str_init(&ret->code, TEXT_MAX);
	str_init(&ret->message, TEXT_MAX);
	str_init(&ret->region, TEXT_MAX);
	if (n == 0 || n > BYTES_MAX)
		return;
	r.parser = XML_ParserCreate(NULL);
	if (r.parser == NULL)
		return;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	/* A body that is no XML, or half of it, still counts for what was read. */
	(void)XML_Parse(r.parser, p, (int)n, 1);
	XML_ParserFree(r.parser);
}
