/* decide.c -- what becomes of one upload under one pipeline. */
#include "route/decide.h"

#include <string.h>

#include "net/json.h"
#include "route/match.h"
#include "route/sniff.h"
#include "base/banned.h"

static bool
any_glob(const struct pipeline_texts *globs, const char *text)
{
	for (size_t i = 0; i < globs->count; i++)
		if (match_glob(globs->items[i], text))
			return true;
	return globs->count == 0;
}

static bool
any_suffix(const struct pipeline_texts *suffixes, const char *key)
{
	for (size_t i = 0; i < suffixes->count; i++)
		if (match_suffix(suffixes->items[i], key))
			return true;
	return suffixes->count == 0;
}

static bool
any_type(const struct pipeline_texts *types, const char *type)
{
	for (size_t i = 0; i < types->count; i++)
		if (match_type(types->items[i], type))
			return true;
	return types->count == 0;
}

static bool
has_metadata(const struct pipeline_match *m, const struct decide_facts *facts)
{
	struct fault f = { 0 };
	if (m->metadata_count == 0)
		return true;
	if (!facts->metadata)
		return false;
	CLEANUP(json_freep)
	struct json_doc *doc = json_parse(facts->metadata, strlen(facts->metadata), 4, &f);
	for (size_t i = 0; i < m->metadata_count; i++) {
		const char *value =
			doc ? json_text(json_get(json_root(doc), m->metadata[i].name)) : NULL;
		if (!value || strcmp(value, m->metadata[i].value) != 0)
			return false;
	}
	return true;
}

static bool
matches_but_for_type(const struct pipeline_match *m, const struct decide_facts *facts)
{
	return any_glob(&m->buckets, facts->bucket) && any_glob(&m->keys, facts->key) &&
	       any_suffix(&m->suffixes, facts->key) && has_metadata(m, facts);
}

static bool
is_routed(const struct decide_limits *limits, const char *bucket)
{
	for (size_t i = 0; i < limits->bucket_count; i++)
		if (strcmp(limits->buckets[i], bucket) == 0)
			return true;
	return limits->bucket_count == 0;
}

static struct decision
rejected(const char *reason, const char *detail)
{
	return (struct decision){
		.outcome = ROUTE_REJECTED, .rule_no = -1, .reason = reason, .detail = detail
	};
}

static const char *
contradiction(const struct sniff_verdict *v, const char *sniffed, struct arena *a)
{
	const char *content = strcmp(sniffed, "application/x-empty") == 0 ? "nothing" : sniffed;
	if (v->claim[0] == '.')
		return arena_printf(a, "It is named %s (%s), but its content is %s.", v->claim,
		                    v->claimed_type, content);
	return arena_printf(a, "It is declared as %s, but its content is %s.", v->claim, content);
}

static struct decision
by_rule(const struct pipeline_rule *rule, size_t index, const struct decide_limits *limits,
        const struct decide_facts *facts, struct arena *a)
{
	int64_t max = rule->match.max_size >= 0 ? rule->match.max_size : limits->max_size;
	if (facts->size < 0)
		return (struct decision){ .need = NEED_SIZE };
	if (facts->size > max)
		return rejected("size",
		                arena_printf(a,
		                             "It has %lld bytes, more than the %lld that "
		                             "rule %s takes.",
		                             (long long)facts->size, (long long)max, rule->name));
	return (struct decision){ .outcome = ROUTE_EXPAND, .rule_no = (int16_t)index };
}

/* What the head says, once for all rules. */
struct content {
	bool known;
	const char *sniffed;
	struct sniff_verdict verdict;
};

/* False: the head has to be read first. */
static bool
look_at_content(const struct decide_facts *facts, struct content *c)
{
	if (c->known)
		return true;
	if (!facts->head)
		return false;
	bool complete = facts->size >= 0 ? (int64_t)facts->head_n >= facts->size
	                                 : facts->head_n < SNIFF_BYTES;
	c->sniffed = sniff_type(facts->head, facts->head_n, complete);
	c->verdict = sniff_judge(c->sniffed, facts->key, facts->content_type);
	c->known = true;
	return true;
}

static struct decision
by_rules(const struct pipeline *p, const struct decide_limits *limits,
         const struct decide_facts *facts, struct content *content, struct arena *a)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct pipeline_match *m = &p->rules[i].match;
		if (!matches_but_for_type(m, facts))
			continue;
		if (m->types.count > 0) {
			if (!look_at_content(facts, content))
				return (struct decision){ .need = NEED_HEAD };
			if (content->verdict.claim)
				return rejected("type", contradiction(&content->verdict,
				                                      content->sniffed, a));
			if (!any_type(&m->types, content->verdict.type))
				continue;
		}
		return by_rule(&p->rules[i], i, limits, facts, a);
	}
	return rejected("no_rule", content->known
	                                   ? arena_printf(a, "No rule takes it; its type is %s.",
	                                                  content->verdict.type)
	                                   : "No rule takes it.");
}

struct decision
decide(const struct pipeline *p, const struct decide_limits *limits,
       const struct decide_facts *facts, struct arena *a)
{
	struct content content = { 0 };

	if (!is_routed(limits, facts->bucket))
		return rejected("bucket", "Its bucket is not among those that are routed.");
	for (size_t i = 0; i < p->ignore.count; i++)
		if (match_glob(p->ignore.items[i], facts->key))
			return (struct decision){ .outcome = ROUTE_IGNORED,
				                  .rule_no = -1,
				                  .reason = p->ignore.items[i] };
	struct decision d = by_rules(p, limits, facts, &content, a);
	d.sniffed_type = content.sniffed;
	return d;
}
