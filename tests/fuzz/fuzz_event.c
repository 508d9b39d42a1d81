/* fuzz_event.c -- any bytes as a notification: at least one event, and each of them sane. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "intake/s3_event.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct upload_event *e)
{
	assert(e->size >= -1);
	if (e->key)
		assert(strlen(e->key) >= 1 && strlen(e->key) <= 1024 &&
		       utf8_valid(e->key, strlen(e->key)));
	if (e->what == EVENT_REFUSED)
		assert(e->reason);
	if (e->what == EVENT_CREATED || e->what == EVENT_REMOVED)
		assert(e->bucket && e->key && e->name && e->origin);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct s3_event_conf conf = { .store = "s3", .keys = n % 3, .max_records = 50 };
	struct arena *a = arena_new(1u << 20);
	struct upload_event *events = NULL;
	struct fault f = { 0 };
	size_t count = 0;

	enum rc rc = s3_event_parse(&conf, (const char *)data, n, a, &events, &count, &f);
	assert(rc == RC_OK ? count > 0 : rc == RC_RETRY);
	for (size_t i = 0; i < count; i++)
		check(&events[i]);
	arena_free(a);
	return 0;
}
