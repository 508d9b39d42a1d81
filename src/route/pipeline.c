/* pipeline.c -- the pipeline file: parsed strictly, then immutable and counted. */
#include "route/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/hash.h"
#include "route/match.h"
#include "route/names.h"
#include "route/rules.h"
#include "base/banned.h"

#define DEPTH_MAX 32
#define ARENA_MAX (64u * PIPELINE_BYTES_MAX)
#define DAY_S 86400

/* The public part comes first, so that a pointer to it is a pointer to the whole. */
struct counted {
	struct pipeline pipeline;
	struct arena *arena; /* owned; holds all texts, not this */
	atomic_int holders;
};

void
pipeline_problems_free(struct pipeline_problems *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].path);
		free(p->items[i].message);
	}
	free(p->items);
	*p = (struct pipeline_problems){ 0 };
}

static struct counted *
counted_of(const struct pipeline *p)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): a const pipeline's count is not const. */
	return (struct counted *)(uintptr_t)p;
}

const struct pipeline *
pipeline_hold(const struct pipeline *p)
{
	int before = atomic_fetch_add(&counted_of(p)->holders, 1);
	assert(before > 0);
	return p;
}

void
pipeline_drop(const struct pipeline *p)
{
	if (!p)
		return;
	struct counted *c = counted_of(p);
	if (atomic_fetch_sub(&c->holders, 1) != 1)
		return;
	pipeline_problems_free(&c->pipeline.warnings);
	arena_free(c->arena);
	free(c);
}

void
pipeline_dropp(const struct pipeline **p)
{
	pipeline_drop(*p);
}

static void
read_kind(struct reader *r, const struct at *at, const struct json *v)
{
	static const char *const known[] = { "timeout_s", "attempts", "limit", "group",
		                             "group_limit" };
	if (!reader_object(r, at, v, known, ARRAY_LEN(known)))
		return;
	reader_int(r, at, v, "timeout_s", 1, DAY_S, 0);
	reader_int(r, at, v, "attempts", 1, 100, 0);
	reader_int(r, at, v, "limit", 1, 1000000, 0);
	const char *group = reader_text(r, at, v, "group");
	if (group && !rules_is_group(group))
		reader_problem(r, &(struct at){ .up = at, .key = "group" },
		               "'%s' is none of store, bucket, source, type, nor a text with"
		               " {bucket}, {key.1}, {metadata.NAME} or the like",
		               group);
	if (reader_int(r, at, v, "group_limit", 1, 1000000, 0) > 0 && !group)
		reader_problem(r, &(struct at){ .up = at, .key = "group_limit" },
		               "needs a group to limit");
}

static void
read_kinds(struct reader *r, const struct at *root, const struct json *v)
{
	struct at at = { .up = root, .key = "kinds" };
	if (json_type(v) == JSON_MISSING_)
		return;
	if (json_type(v) != JSON_OBJECT_) {
		reader_problem(r, &at, "must be an object of kinds");
		return;
	}
	for (size_t i = 0; i < json_count(v); i++) {
		const char *name = NULL;
		const struct json *kind = json_member(v, i, &name);
		struct at here = { .up = &at, .key = name };
		if (!reader_is_name(name))
			reader_problem(r, &here,
			               "is no name: 1 to 63 of a-z, 0-9 and -, not - first");
		read_kind(r, &here, kind);
	}
}

/* Most likely a misspelt name, and then the kind that was meant runs without these settings. */
static void
warn_of_unused_kinds(struct reader *r, const struct at *root, const struct json *v,
                     const struct pipeline *p)
{
	struct at at = { .up = root, .key = "kinds" };
	struct names used;
	if (json_type(v) != JSON_OBJECT_ || !names_init(&used, r, p->job_count))
		return;
	for (size_t i = 0; i < p->rule_count; i++)
		for (size_t k = 0; k < p->rules[i].job_count; k++)
			if (p->rules[i].jobs[k].kind)
				names_add(&used, p->rules[i].jobs[k].kind, i);
	for (size_t i = 0; i < json_count(v); i++) {
		const char *name = NULL;
		json_member(v, i, &name);
		if (names_find(&used, name) == NAMES_NONE)
			reader_warning(r, &(struct at){ .up = &at, .key = name },
			               "is used by no rule");
	}
}

static void
read_body(struct reader *r, const struct at *root, const struct json *v, struct pipeline *p)
{
	struct str body = STR_INIT(2u * PIPELINE_BYTES_MAX);
	char hex[SHA256_HEX_MAX];
	if (json_write(v, &body)) {
		p->body = reader_copy(r, str_text(&body));
		p->sha256 = reader_copy(r, hash_sha256_hex(body.data, body.len, hex));
	} else {
		reader_problem(r, root, "is too large");
	}
	str_free(&body);
}

static void
read_document(struct reader *r, const struct json *v, struct pipeline *p)
{
	static const char *const known[] = { "$schema", "version", "kinds", "ignore", "rules" };
	struct at root = { .key = "" };
	if (!reader_object(r, &root, v, known, ARRAY_LEN(known)))
		return;
	if (reader_required(r, &root, v, "version"))
		reader_int(r, &root, v, "version", 1, 1, 1);
	reader_text(r, &root, v, "$schema");
	read_kinds(r, &root, json_get(v, "kinds"));
	p->ignore = reader_texts(r, &root, v, "ignore", match_glob_problem);
	rules_read(r, &root, v, p);
	warn_of_unused_kinds(r, &root, json_get(v, "kinds"), p);
	read_body(r, &root, v, p);
}

const struct pipeline *
pipeline_parse(const char *text, size_t n, struct pipeline_problems *problems)
{
	struct fault f = { 0 };
	struct reader r = { .problems = problems };
	struct counted *c = calloc(1, sizeof(*c));
	CLEANUP(json_freep) struct json_doc *doc = json_parse(text, n, DEPTH_MAX, &f);

	r.warnings = c ? &c->pipeline.warnings : NULL;
	r.arena = arena_new(ARENA_MAX);
	if (!c || !r.arena)
		r.exhausted = true;
	else if (!doc)
		reader_problem(&r, NULL, "%s", f.message);
	else
		read_document(&r, json_root(doc), &c->pipeline);
	if (r.exhausted)
		reader_problem(&r, NULL, "out of memory");
	if (!c || r.exhausted || problems->count > 0) {
		if (c)
			pipeline_problems_free(&c->pipeline.warnings);
		arena_free(r.arena);
		free(c);
		return NULL;
	}
	c->arena = r.arena;
	atomic_init(&c->holders, 1);
	return &c->pipeline;
}

static const struct pipeline *
read_open(int fd, struct pipeline_problems *problems)
{
	struct reader r = { .problems = problems };
	const struct pipeline *p = NULL;
	char *text = malloc(PIPELINE_BYTES_MAX + 1);
	size_t n = 0;
	ssize_t got = -1;

	while (text && n <= PIPELINE_BYTES_MAX &&
	       (got = read(fd, text + n, PIPELINE_BYTES_MAX + 1 - n)) > 0)
		n += (size_t)got;
	if (!text || (got < 0 && n <= PIPELINE_BYTES_MAX))
		reader_problem(&r, NULL, "cannot be read: %s", strerror(errno));
	else if (n > PIPELINE_BYTES_MAX)
		reader_problem(&r, NULL, "is larger than 1 MiB");
	else
		p = pipeline_parse(text, n, problems);
	free(text);
	return p;
}

const struct pipeline *
pipeline_read(const char *file, struct pipeline_problems *problems)
{
	struct reader r = { .problems = problems };
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		reader_problem(&r, NULL, "cannot be read: %s", strerror(errno));
		return NULL;
	}
	const struct pipeline *p = read_open(fd, problems);
	close(fd);
	return p;
}
