/* fill.c -- uploads in, jobs out: what receiver and router do, without HTTP and files. */
#include "bench.h"

#include "base/clock.h"
#include "base/str.h"
#include "queue/upload.h"
#include "base/banned.h"

#define FILL_BATCH 500
#define CALL_MS 30000
#define BIG "big"
#define MIDDLE_GROUPS 980
#define SMALLEST_GROUPS 19

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
	bool grouped;
	int64_t run, made, wanted; /* wanted: how many made there are after this fill */
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

/* The standard one, with so many jobs of a bucket at once. */
static void
write_limited(struct str *text, int group_limit)
{
	static const char kind[] = "{\"version\": 1, \"kinds\": {\"" BENCH_KIND "\": {";
	str_addf(text, "%s\"group\": \"{bucket}\", \"group_limit\": %d, %s", kind, group_limit,
	         standard + sizeof(kind) - 1);
}

/* number: any will do for a file that is in no repository. */
static void
register_pipeline(struct filler *fl, const struct str *text, size_t number)
{
	struct fault f = { 0 };
	char name[65];
	snprintf(name, sizeof(name), "62656e6368%054zu", number);
	if (text->failed)
		BENCH_FAIL("out of memory");
	BENCH_OK(upload_register_pipeline(fl->db, name, str_text(text), &fl->pipeline_no, &f), &f);
}

static struct filler *
open_filler(const struct str *text, size_t number)
{
	struct filler *fl = calloc(1, sizeof(*fl));
	if (!fl || !(fl->arena = arena_new(64u << 20)))
		BENCH_FAIL("out of memory");
	fl->db = bench_open();
	db_set_deadline_ms(fl->db, CALL_MS);
	register_pipeline(fl, text, number);
	fl->session = bench_session(fl->db, "route", 1);
	fl->run = clock_wall_us();
	return fl;
}

struct filler *
filler_new(size_t children)
{
	struct str text = STR_INIT(4u << 20);
	if (children > 0)
		write_wide(&text, children);
	else
		str_addf(&text, "%s", standard);
	struct filler *fl = open_filler(&text, children);
	str_free(&text);
	return fl;
}

struct filler *
filler_new_grouped(int group_limit)
{
	struct str text = STR_INIT(1u << 20);
	if (group_limit > 0)
		write_limited(&text, group_limit);
	else
		str_addf(&text, "%s", standard);
	struct filler *fl =
		open_filler(&text, group_limit > 0 ? 1000000u + (size_t)group_limit : 0);
	fl->grouped = true;
	str_free(&text);
	return fl;
}

void
filler_rest(struct filler *fl)
{
	struct fault f = { 0 };
	if (fl->session)
		BENCH_OK(session_close(fl->session, fl->db, &f), &f);
	session_free(fl->session);
	fl->session = NULL;
}

void
filler_free(struct filler *fl)
{
	filler_rest(fl);
	db_close(fl->db);
	arena_free(fl->arena);
	free(fl);
}

static char *
bucket(struct filler *fl)
{
	int64_t left = fl->wanted - fl->made;
	if (!fl->grouped)
		return arena_strdup(fl->arena, "bench");
	if (left <= SMALLEST_GROUPS)
		return arena_printf(fl->arena, "small-%d", (int)left);
	if (fl->made % 2 == 0)
		return arena_strdup(fl->arena, BIG);
	return arena_printf(fl->arena, "group-%d", (int)(fl->made / 2 % MIDDLE_GROUPS));
}

static void
accept_batch(struct filler *fl, size_t n)
{
	struct fault f = { 0 };
	const struct upload_body body = { .source = "bench", .bytes = "{}", .n = 2 };
	arena_reset(fl->arena);
	for (size_t i = 0; i < n; i++) {
		char *in = bucket(fl);
		char *key = arena_printf(fl->arena, "bench/%lld/%lld.pdf", (long long)fl->run,
		                         (long long)fl->made++);
		if (!in || !key)
			BENCH_FAIL("out of memory");
		fl->events[i] = (struct upload_event){
			.what = EVENT_CREATED,
			.name = "ObjectCreated:Put",
			.store = "bench",
			.bucket = in,
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
	fl->wanted = fl->made + (int64_t)uploads;
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
	if (!fl->session)
		fl->session = bench_session(fl->db, "route", 1);
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
