/* rules.c -- the rules of the pipeline file and their jobs. */
#include "route/rules.h"

#include <string.h>

#include "route/match.h"
#include "route/names.h"
#include "base/banned.h"

#define STEPS_MAX 32000
#define PARAMS_MAX (64u * 1024)

static const char *
suffix_problem(const char *text)
{
	return *text == '\0' ? "is empty" : NULL;
}

/* What stands between braces: millrace.group_name knows the same. */
static bool
is_group_field(const char *text, size_t n)
{
	static const char *const words[] = { "store", "bucket", "source", "type" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (n == strlen(words[i]) && memcmp(text, words[i], n) == 0)
			return true;
	if (n == 5 && memcmp(text, "key.", 4) == 0)
		return text[4] >= '1' && text[4] <= '9';
	return n > 9 && memcmp(text, "metadata.", 9) == 0;
}

bool
rules_is_group(const char *text)
{
	size_t fields = 0;
	if (is_group_field(text, strlen(text)) && !strchr(text, '.'))
		return true;
	for (const char *c = text; *c; c++) {
		if (*c == '}')
			return false;
		if (*c != '{')
			continue;
		size_t n = strcspn(c + 1, "{}");
		if (c[1 + n] != '}' || !is_group_field(c + 1, n))
			return false;
		fields++;
		c += 1 + n;
	}
	return fields > 0;
}

static void
read_metadata(struct reader *r, const struct at *at, const struct json *v, struct pipeline_match *m)
{
	size_t n = json_count(v);
	if (json_type(v) == JSON_MISSING_)
		return;
	if (json_type(v) != JSON_OBJECT_) {
		reader_problem(r, at, "must be an object of texts");
		return;
	}
	struct pipeline_pair *pairs = reader_alloc(r, n, sizeof(*pairs));
	for (size_t i = 0; pairs && i < n; i++) {
		const char *name = NULL;
		const struct json *value = json_member(v, i, &name);
		struct at here = { .up = at, .key = name };
		if (!json_text(value))
			reader_problem(r, &here, "must be a text");
		for (const char *c = name; *c; c++)
			if (*c >= 'A' && *c <= 'Z') {
				reader_problem(r, &here,
				               "must be in lower case, as stores give it");
				break;
			}
		pairs[i].name = reader_copy(r, name);
		pairs[i].value = json_text(value) ? reader_copy(r, json_text(value)) : "";
	}
	m->metadata = pairs;
	m->metadata_count = pairs ? n : 0;
}

static void
read_match(struct reader *r, const struct at *at, const struct json *v, struct pipeline_match *m)
{
	static const char *const known[] = { "bucket", "key",      "suffix",
		                             "type",   "max_size", "metadata" };
	m->max_size = -1;
	if (json_type(v) == JSON_MISSING_ || !reader_object(r, at, v, known, ARRAY_LEN(known)))
		return;
	m->buckets = reader_texts(r, at, v, "bucket", match_glob_problem);
	m->keys = reader_texts(r, at, v, "key", match_glob_problem);
	m->suffixes = reader_texts(r, at, v, "suffix", suffix_problem);
	m->types = reader_texts(r, at, v, "type", match_type_problem);
	m->max_size = reader_int(r, at, v, "max_size", 0, INT64_C(1) << 50, -1);
	read_metadata(r, &(struct at){ .up = at, .key = "metadata" }, json_get(v, "metadata"), m);
}

static void
check_params(struct reader *r, const struct at *at, const struct json *v)
{
	struct str text = STR_INIT(PARAMS_MAX);
	if (json_type(v) == JSON_MISSING_)
		return;
	if (json_type(v) != JSON_OBJECT_)
		reader_problem(r, at, "must be an object");
	else if (!json_write(v, &text))
		reader_problem(r, at, "is larger than 64 KiB");
	str_free(&text);
}

static enum on_failure
read_on_failure(struct reader *r, const struct at *at, const struct json *v, bool required)
{
	static const char *const names[] = {
		[ON_FAIL] = "fail", [ON_REVIEW] = "review", [ON_NOTE] = "note"
	};
	const char *text = reader_text(r, at, v, "on_failure");
	struct at here = { .up = at, .key = "on_failure" };
	enum on_failure found = required ? ON_FAIL : ON_NOTE;

	if (!text)
		return found;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0) {
			found = (enum on_failure)i;
			if (required && found == ON_NOTE)
				reader_problem(r, &here,
				               "a required job's failure is no mere note");
			if (!required && found == ON_FAIL)
				reader_problem(r, &here, "an optional job cannot fail its upload");
			return found;
		}
	reader_problem(r, &here, "'%s' is none of fail, review, note", text);
	return found;
}

static void
read_job(struct reader *r, const struct at *at, const struct json *v, struct pipeline_job *job)
{
	static const char *const known[] = { "step",  "kind",       "params",  "required",
		                             "after", "on_failure", "priority" };
	if (!reader_object(r, at, v, known, ARRAY_LEN(known)))
		return;
	job->step = reader_name(r, at, v, "step");
	/* TRACE/route is what replays the routing. */
	if (job->step && strcmp(job->step, "route") == 0)
		reader_problem(r, &(struct at){ .up = at, .key = "step" },
		               "'route' is the router's own");
	job->kind = reader_name(r, at, v, "kind");
	if (job->kind && strcmp(job->kind, "route") == 0)
		reader_problem(r, &(struct at){ .up = at, .key = "kind" },
		               "'route' is the router's own");
	check_params(r, &(struct at){ .up = at, .key = "params" }, json_get(v, "params"));
	job->required = reader_bool(r, at, v, "required", true);
	job->on_failure = read_on_failure(r, at, v, job->required);
	job->priority = (int)reader_int(r, at, v, "priority", 0, 3, 0);
}

/* What is known of a rule's steps while their "after" is read. */
struct steps {
	struct names names;
	size_t *named_by; /* for each: the last job that named it, from 1 */
};

static void
read_after(struct reader *r, const struct at *at, const struct json *v,
           const struct pipeline_rule *rule, struct pipeline_job *job, struct steps *steps)
{
	if (json_type(v) == JSON_MISSING_)
		return;
	if (json_type(v) != JSON_ARRAY_) {
		reader_problem(r, at, "must be an array of steps");
		return;
	}
	int16_t *after = reader_alloc(r, json_count(v), sizeof(*after));
	if (!after)
		return;
	job->after = after;
	size_t self = (size_t)(job - rule->jobs) + 1;
	for (size_t i = 0; i < json_count(v); i++) {
		struct at here = { .up = at, .index = i };
		const char *name = json_text(json_at(v, i));
		size_t other = name ? names_find(&steps->names, name) : NAMES_NONE;
		if (!name) {
			reader_problem(r, &here, "must be a step's name");
		} else if (other == NAMES_NONE) {
			reader_problem(r, &here, "'%s' is no step of this rule", name);
		} else if (steps->named_by[other] == self) {
			reader_problem(r, &here, "'%s' is named twice", name);
		} else {
			steps->named_by[other] = self;
			after[job->after_count++] = rule->jobs[other].step_no;
		}
	}
}

/* Who waits for whom, by the one that is waited for: those of step i are waiters[first[i]] up to
 * waiters[first[i + 1]]. */
struct waits {
	size_t *first, *waiters;
	size_t *open; /* for each step: how many it waits for */
};

static bool
count_waits(struct reader *r, const struct pipeline_rule *rule, struct waits *w)
{
	const struct pipeline_job *jobs = rule->jobs;
	size_t n = rule->job_count, all = 0;
	w->first = reader_alloc(r, n + 2, sizeof(*w->first));
	w->open = reader_alloc(r, n, sizeof(*w->open));
	if (!w->first || !w->open)
		return false;
	for (size_t i = 0; i < n; all += w->open[i++]) {
		w->open[i] = jobs[i].after_count;
		for (size_t k = 0; k < jobs[i].after_count; k++)
			w->first[jobs[i].after[k] - jobs[0].step_no + 2]++;
	}
	w->waiters = reader_alloc(r, all, sizeof(*w->waiters));
	if (!w->waiters)
		return false;
	for (size_t i = 2; i < n + 2; i++)
		w->first[i] += w->first[i - 1];
	/* Each place moves to where the next step's begin. */
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < jobs[i].after_count; k++)
			w->waiters[w->first[jobs[i].after[k] - jobs[0].step_no + 1]++] = i;
	return true;
}

/* Takes away what waits for nothing that is left: what stays is on a cycle or behind one. */
static void
check_cycles(struct reader *r, const struct at *at, const struct pipeline_rule *rule)
{
	struct waits w = { 0 };
	size_t n = rule->job_count, found = 0;
	size_t *free_now = reader_alloc(r, n, sizeof(*free_now));
	if (!free_now || !count_waits(r, rule, &w))
		return;
	for (size_t i = 0; i < n; i++)
		if (w.open[i] == 0)
			free_now[found++] = i;
	for (size_t i = 0; i < found; i++)
		for (size_t k = w.first[free_now[i]]; k < w.first[free_now[i] + 1]; k++)
			if (--w.open[w.waiters[k]] == 0)
				free_now[found++] = w.waiters[k];
	for (size_t i = 0; found < n && i < n; i++)
		if (w.open[i] > 0) {
			struct at here = { .up = at, .index = i };
			reader_problem(r, &(struct at){ .up = &here, .key = "after" },
			               "step '%s' waits for itself in a cycle",
			               rule->jobs[i].step ? rule->jobs[i].step : "?");
			return;
		}
}

static void
read_steps(struct reader *r, const struct at *at, const struct json *v,
           const struct pipeline_rule *rule, struct pipeline_job *jobs, size_t *step_no)
{
	struct steps steps = { .named_by =
		                       reader_alloc(r, rule->job_count, sizeof(*steps.named_by)) };
	if (!steps.named_by || !names_init(&steps.names, r, rule->job_count))
		return;
	for (size_t i = 0; i < rule->job_count; i++) {
		struct at here = { .up = at, .index = i };
		jobs[i].step_no = (int16_t)++ * step_no;
		read_job(r, &here, json_at(v, i), &jobs[i]);
		if (jobs[i].step && names_add(&steps.names, jobs[i].step, i) != i)
			reader_problem(r, &(struct at){ .up = &here, .key = "step" },
			               "'%s' is there twice", jobs[i].step);
	}
	for (size_t i = 0; i < rule->job_count; i++) {
		struct at here = { .up = at, .index = i };
		read_after(r, &(struct at){ .up = &here, .key = "after" },
		           json_get(json_at(v, i), "after"), rule, &jobs[i], &steps);
	}
	check_cycles(r, at, rule);
}

static void
read_jobs(struct reader *r, const struct at *at, const struct json *v, struct pipeline_rule *rule,
          size_t *steps)
{
	size_t n = json_count(v);
	if (json_type(v) != JSON_ARRAY_) {
		reader_problem(r, at, "must be an array of jobs");
		return;
	}
	if (*steps + n > STEPS_MAX) {
		reader_problem(r, at, "the file has more than %d jobs", STEPS_MAX);
		return;
	}
	struct pipeline_job *jobs = reader_alloc(r, n, sizeof(*jobs));
	if (!jobs)
		return;
	rule->jobs = jobs;
	rule->job_count = n;
	read_steps(r, at, v, rule, jobs, steps);
}

static void
read_rule(struct reader *r, const struct at *at, const struct json *v, struct pipeline_rule *rule,
          size_t *steps)
{
	static const char *const known[] = { "name", "match", "jobs", "source" };
	rule->match.max_size = -1;
	if (!reader_object(r, at, v, known, ARRAY_LEN(known)))
		return;
	rule->name = reader_name(r, at, v, "name");
	read_match(r, &(struct at){ .up = at, .key = "match" }, json_get(v, "match"), &rule->match);
	if (reader_required(r, at, v, "jobs"))
		read_jobs(r, &(struct at){ .up = at, .key = "jobs" }, json_get(v, "jobs"), rule,
		          steps);
	const char *source = reader_text(r, at, v, "source");
	if (source && strcmp(source, "keep") != 0)
		reader_problem(r, &(struct at){ .up = at, .key = "source" },
		               "'%s' must be keep, the only way yet", source);
}

void
rules_read(struct reader *r, const struct at *root, const struct json *document, struct pipeline *p)
{
	struct at at = { .up = root, .key = "rules" };
	const struct json *v = json_get(document, "rules");
	size_t n = json_count(v);

	if (!reader_required(r, root, document, "rules"))
		return;
	if (json_type(v) != JSON_ARRAY_) {
		reader_problem(r, &at, "must be an array of rules");
		return;
	}
	struct names names;
	struct pipeline_rule *rules = reader_alloc(r, n, sizeof(*rules));
	if (!rules || !names_init(&names, r, n))
		return;
	p->rules = rules;
	p->rule_count = n;
	for (size_t i = 0; i < n; i++) {
		struct at here = { .up = &at, .index = i };
		read_rule(r, &here, json_at(v, i), &rules[i], &p->job_count);
		if (rules[i].name && names_add(&names, rules[i].name, i) != i)
			reader_problem(r, &(struct at){ .up = &here, .key = "name" },
			               "'%s' is there twice", rules[i].name);
	}
}
