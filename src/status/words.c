/* words.c -- states, outcomes and reasons, in one table each. */
#include "status/words.h"

#include <stddef.h>
#include <string.h>

#include "base/compiler.h"
#include "status/html.h"
#include "base/banned.h"

static const struct word upload_states[] = {
	{ "expected", "idle", "clock", false }, { "accepted", "idle", "clock", false },
	{ "routed", "run", "play", false },     { "ready", "good", "check", true },
	{ "review", "warn", "warn", true },     { "failed", "bad", "cross", true },
	{ "rejected", "bad", "bar", true },     { "ignored", "mute", "dash", true },
	{ "skipped", "mute", "dash", true },    { "cancelled", "mute", "dash", true },
	{ "expired", "mute", "clock", true },
};

static const struct word job_states[] = {
	{ "waiting", "idle", "clock", false }, { "queued", "idle", "clock", false },
	{ "running", "run", "play", false },   { "retrying", "warn", "again", false },
	{ "done", "good", "check", true },     { "failed", "bad", "cross", true },
	{ "cancelled", "mute", "dash", true }, { "skipped", "mute", "dash", true },
};

static const struct word outcomes[] = {
	{ "done", "good", "check", true },       { "error", "warn", "warn", true },
	{ "permanent", "bad", "cross", true },   { "timeout", "warn", "clock", true },
	{ "crash", "bad", "bang", true },        { "lost", "warn", "bang", true },
	{ "interrupted", "mute", "dash", true }, { "snoozed", "mute", "clock", true },
	{ "cancelled", "mute", "dash", true },   { "source_gone", "mute", "dash", true },
	{ "superseded", "mute", "dash", true },
};

static const struct word unknown = { "unknown", "mute", "dash", false };
static const struct word running = { "running", "run", "play", false };

static const struct {
	const char *code, *means;
} reasons[] = {
	{ "superseded", "a newer object is under the same key" },
	{ "source_gone", "the object was gone when it was looked for" },
	{ "dependency", "a job that it needs did not succeed" },
	{ "size", "it is larger than its rule allows" },
	{ "type", "it is not what its name or its sender says" },
	{ "no_rule", "no rule of the pipeline takes it" },
	{ "bucket", "its bucket is not among those that are served" },
};

static const struct word *
find(const struct word *table, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return &unknown;
}

const struct word *
word_of_upload(const char *state)
{
	return find(upload_states, ARRAY_LEN(upload_states), state);
}

const struct word *
word_of_job(const char *state)
{
	return find(job_states, ARRAY_LEN(job_states), state);
}

const struct word *
word_of_outcome(const char *outcome)
{
	return outcome ? find(outcomes, ARRAY_LEN(outcomes), outcome) : &running;
}

void
word_badge(struct str *out, const struct word *w, const char *shown)
{
	str_addf(out,
	         "<span class=\"badge %s\"><svg class=\"icon\" aria-hidden=\"true\">"
	         "<use href=\"#i-%s\"/></svg>",
	         w->tone, w->icon);
	html_text(out, shown ? shown : w->name);
	str_add(out, "</span>");
}

const char *
word_of_reason(const char *code)
{
	for (size_t i = 0; code && i < ARRAY_LEN(reasons); i++)
		if (strcmp(reasons[i].code, code) == 0)
			return reasons[i].means;
	return NULL;
}
