/* fill.c -- uploads in, jobs out: what receiver and router do, without HTTP and files. */
#include "bench.h"

#include "base/clock.h"
#include "base/str.h"
#include "queue/upload.h"
#include "base/banned.h"

#define FILL_BATCH 500
#define CALL_MS 30000

/* Rule 0 makes one job, rule 1 as many as the layout was measured with, rule 2 one after another.
 */
static const char standard[] =
	"{\"version\": 1, \"kinds\": {\"" BENCH_KIND
	"\": {\"timeout_s\": 60, \"attempts\": 5}, \"" BENCH_SECOND_KIND
	"\": {\"timeout_s\": 60, \"attempts\": 5}}, \"rules\": ["
	"{\"name\": \"one\", \"match\": {\"suffix\": \".one\"}, \"jobs\": ["
	"{\"step\": \"a\", \"kind\": \"" BENCH_KIND "\"}]},"
	"{\"name\": \"five\", \"match\": {\"suffix\": \".pdf\"}, \"jobs\": ["
	"{\"step\": \"a\", \"kind\": \"" BENCH_KIND "\"}, {\"step\": \"b\", \"kind\": \"" BENCH_KIND
	"\"},"
	"{\"step\": \"c\", \"kind\": \"" BENCH_KIND "\"}, {\"step\": \"d\", \"kind\": \"" BENCH_KIND
	"\"},"
	"{\"step\": \"e\", \"kind\": \"" BENCH_KIND "\"}]},"
	"{\"name\": \"chain\", \"match\": {}, \"jobs\": ["
	"{\"step\": \"a\", \"kind\": \"" BENCH_KIND
	"\"}, {\"step\": \"b\", \"kind\": \"" BENCH_SECOND_KIND "\", \"after\": [\"a\"]}]}]}";

struct filler {
	struct db *db;
	struct session *session;
	struct arena *arena;
	int pipeline_no;
	int64_t run, made;
	struct upload_event events[FILL_BATCH];
	struct upload_verdict verdicts[FILL_BATCH];
	struct route_item *items; /* claimed, in the arena */
	size_t claimed;
	struct route_result results[FILL_BATCH];
	bool accepted[FILL_BATCH];
};

/* One rule that makes so many jobs. */
static void
write_wide(struct str *text, size_t children)
{
	str_addf(text, "{\"version\": 1, \"kinds\": {\"" BENCH_KIND
	               "\": {\"timeout_s\": 60, \"attempts\": 5}}, \"rules\": [{\"name\": "
	               "\"wide\", \"match\": {}, \"jobs\": [");
	for (size_t i = 0; i < children; i++)
		str_addf(text, "%s{\"step\": \"s%zu\", \"kind\": \"" BENCH_KIND "\"}",
		         i ? ", " : "", i);
	str_addf(text, "]}]}");
}

static void
register_pipeline(struct filler *fl, size_t children)
{
	struct fault f = { 0 };
	struct str text = STR_INIT(4u << 20);
	char name[65]; /* any of 64 digits will do for a file that is in no repository */
	if (children > 0)
		write_wide(&text, children);
	else
		str_addf(&text, "%s", standard);
	snprintf(name, sizeof(name), "62656e6368%054zu", children);
	if (text.failed)
		BENCH_FAIL("out of memory");
	BENCH_OK(upload_register_pipeline(fl->db, name, str_text(&text), &fl->pipeline_no, &f), &f);
	str_free(&text);
}

struct filler *
filler_new(size_t children)
{
	struct filler *fl = calloc(1, sizeof(*fl));
	if (!fl || !(fl->arena = arena_new(64u << 20)))
		BENCH_FAIL("out of memory");
	fl->db = bench_open();
	db_set_deadline_ms(fl->db, CALL_MS);
	register_pipeline(fl, children);
	fl->session = bench_session(fl->db, "route", 1);
	fl->run = clock_wall_us();
	return fl;
}

void
filler_free(struct filler *fl)
{
	struct fault f = { 0 };
	BENCH_OK(session_close(fl->session, fl->db, &f), &f);
	session_free(fl->session);
	db_close(fl->db);
	arena_free(fl->arena);
	free(fl);
}

static void
accept_batch(struct filler *fl, size_t n)
{
	struct fault f = { 0 };
	const struct upload_body body = { .source = "bench", .bytes = "{}", .n = 2 };
	arena_reset(fl->arena);
	for (size_t i = 0; i < n; i++) {
		char *key = arena_printf(fl->arena, "bench/%lld/%lld.pdf", (long long)fl->run,
		                         (long long)fl->made++);
		fl->events[i] = (struct upload_event){
			.what = EVENT_CREATED,
			.name = "ObjectCreated:Put",
			.store = "bench",
			.bucket = "bench",
			.key = key,
			.etag = "d41d8cd98f00b204e9800998ecf8427e",
			.content_type = "application/pdf",
			.size = 1,
			.event_time_us = fl->run,
			.origin = "aws",
			.request_id = key,
		};
	}
	BENCH_OK(upload_accept(fl->db, &body, 1, fl->events, n, fl->verdicts, &f), &f);
	for (size_t i = 0; i < n; i++)
		if (fl->verdicts[i].outcome != UPLOAD_ACCEPTED)
			BENCH_FAIL("an upload was not accepted: outcome %d",
			           (int)fl->verdicts[i].outcome);
}

void
filler_accept(struct filler *fl, size_t uploads)
{
	for (size_t n; uploads > 0; uploads -= n) {
		n = uploads < FILL_BATCH ? uploads : FILL_BATCH;
		accept_batch(fl, n);
	}
}

size_t
filler_claim(struct filler *fl)
{
	struct fault f = { 0 };
	arena_reset(fl->arena);
	BENCH_OK(upload_claim_routes(fl->session, fl->db, FILL_BATCH, true, fl->arena, &fl->items,
	                             &fl->claimed, &f),
	         &f);
	return fl->claimed;
}

void
filler_expand(struct filler *fl, int16_t rule_no)
{
	struct fault f = { 0 };
	for (size_t i = 0; i < fl->claimed; i++)
		fl->results[i] = (struct route_result){
			.ticket = fl->items[i].ticket,
			.outcome = ROUTE_EXPAND,
			.rule_no = rule_no,
			.size = -1,
			.delay_ms = -1,
		};
	BENCH_OK(upload_expand(fl->session, fl->db, fl->pipeline_no, fl->results, fl->claimed,
	                       fl->accepted, &f),
	         &f);
	for (size_t i = 0; i < fl->claimed; i++)
		if (!fl->accepted[i])
			BENCH_FAIL("an expansion was stale");
}

enum rc
filler_heartbeat(struct filler *fl, struct fault *f)
{
	return session_heartbeat(fl->session, fl->db, f);
}

void
filler_fill(struct filler *fl, size_t uploads)
{
	struct fault f = { 0 };
	filler_accept(fl, uploads);
	while (uploads > 0) {
		size_t n = filler_claim(fl);
		if (n == 0 || n > uploads)
			BENCH_FAIL("%zu uploads to route, the claim gave %zu", uploads, n);
		filler_expand(fl, 1);
		BENCH_OK(session_heartbeat(fl->session, fl->db, &f), &f);
		uploads -= n;
	}
}
