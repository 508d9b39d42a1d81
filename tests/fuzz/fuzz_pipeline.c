/* fuzz_pipeline.c -- any bytes as a pipeline file: right, or wrong with reasons; and what is right
 * decides any upload. */
#include <assert.h>
#include <stdint.h>

#include "route/decide.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
use(const struct pipeline *p)
{
	struct decide_limits limits = { .max_size = 100 };
	struct arena *a = arena_new(1u << 20);
	struct decide_facts facts = { .bucket = "in",
		                      .key = "a/b/invoice.pdf",
		                      .metadata = "{\"team\":\"red\"}",
		                      .size = 50,
		                      .head = "%PDF-1.4",
		                      .head_n = 8 };
	struct decision d = decide(p, &limits, &facts, a);
	assert(d.need == NEED_NOTHING);
	if (d.outcome == ROUTE_EXPAND)
		assert(d.rule_no >= 0 && (size_t)d.rule_no < p->rule_count);
	else
		assert(d.reason && d.rule_no == -1);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pipeline_problems problems = { 0 };
	const struct pipeline *p = pipeline_parse((const char *)data, n, &problems);
	assert((p != NULL) == (problems.count == 0));
	if (p)
		use(p);
	pipeline_drop(p);
	pipeline_problems_free(&problems);
	return 0;
}
