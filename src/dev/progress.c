/* progress.c -- one line for each upload as it becomes final. */
#include "dev/progress.h"

#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "dev/say.h"
#include "net/hash.h"
#include "net/json.h"
#include "queue/look.h"
#include "base/ulid.h"
#include "base/banned.h"

#define LIST_FEW 200
#define LIST_MANY 1000
#define LIST_MS 1000
#define FIRST_MAX 20
#define REPLY_MAX (16 << 20)

static bool
is_final(const char *state)
{
	static const char *const open_states[] = { "expected", "accepted", "routed" };
	for (size_t i = 0; i < ARRAY_LEN(open_states); i++)
		if (strcmp(state, open_states[i]) == 0)
			return false;
	return true;
}

static void
tell(struct progress *p, const struct json *upload, const char *trace, const char *state)
{
	const char *key = json_text(json_get(upload, "key"));
	const char *reason = json_text(json_get(upload, "reason"));
	const char *shown = reason && strcmp(state, "ready") != 0 ? reason : NULL;
	say_plain("%-8s  %s  open %s/t/%s%s%s%s", state, key ? key : "?", p->base_url, trace,
	          shown ? "  (" : "", shown ? shown : "", shown ? ")" : "");
}

/* An upload that a replay opened again is told of again when it is final. */
static void
look_at(struct progress *p, const struct json *upload, bool quiet)
{
	const char *trace = json_text(json_get(upload, "trace_id"));
	const char *state = json_text(json_get(upload, "state"));
	struct ulid id;
	if (!trace || !state || !ulid_parse(trace, &id))
		return;
	p->seen_all++;
	if (!is_final(state)) {
		p->open++;
		return;
	}
	if (seen_has(&p->told, id.bytes) || !seen_add(&p->told, id.bytes) || quiet)
		return;
	tell(p, upload, trace, state);
}

static enum rc
need_db(struct progress *p, struct fault *f)
{
	if (p->db && db_broken(p->db)) {
		db_close(p->db);
		p->db = NULL;
	}
	if (!p->db)
		p->db = db_open(p->database_url, "millrace dev", f);
	return p->db ? RC_OK : f->rc;
}

static enum rc
look_at_list(struct progress *p, int64_t limit, struct fault *f)
{
	CLEANUP(str_free) struct str text = STR_INIT(REPLY_MAX);
	enum rc rc = look_recent(p->db, limit, &text, f);
	if (rc != RC_OK)
		return rc;
	CLEANUP(json_freep)
	struct json_doc *doc = json_parse(str_text(&text), text.len, 8, f);
	if (!doc)
		return f->rc;
	const struct json *uploads = json_get(json_root(doc), "uploads");
	p->seen_all = 0;
	p->open = 0;
	/* Newest first in the reply; people read from old to new. */
	for (size_t i = json_count(uploads); i-- > 0;)
		look_at(p, json_at(uploads, i), !p->began && i >= FIRST_MAX);
	p->began = true;
	return RC_OK;
}

static void
count_busy(struct progress *p, const struct json *queues)
{
	static const char *const states[] = { "waiting", "queued", "running", "retrying" };
	p->busy = 0;
	for (size_t i = 0; i < json_count(queues); i++)
		for (size_t k = 0; k < ARRAY_LEN(states); k++) {
			int64_t n = 0;
			if (json_int(json_get(json_at(queues, i), states[k]), &n))
				p->busy += n;
		}
}

static enum rc
look_at_queues(struct progress *p, struct fault *f)
{
	CLEANUP(str_free) struct str text = STR_INIT(REPLY_MAX);
	enum rc rc = look_queues(p->db, &text, f);
	if (rc != RC_OK)
		return rc;
	uint64_t sum[SHA256_BYTES / sizeof(uint64_t)];
	hash_sha256(str_text(&text), text.len, (uint8_t *)sum);
	if (sum[0] == p->queues_sum)
		return RC_OK;
	CLEANUP(json_freep)
	struct json_doc *doc = json_parse(str_text(&text), text.len, 8, f);
	if (!doc)
		return f->rc;
	count_busy(p, json_get(json_root(doc), "queues"));
	p->queues_sum = sum[0];
	p->moved = p->moved_since = true;
	return RC_OK;
}

/* The newest at once when the queues have moved; once a second also what may be older. */
enum rc
progress_look(struct progress *p, struct fault *f)
{
	int64_t now = clock_mono_ms();
	bool due = now >= p->list_at_ms;
	enum rc rc = need_db(p, f);
	if (rc == RC_OK)
		rc = look_at_queues(p, f);
	if (rc != RC_OK || !(due || p->moved))
		return rc;
	rc = look_at_list(p, due && p->moved_since ? LIST_MANY : LIST_FEW, f);
	if (rc != RC_OK)
		return rc;
	p->moved = false;
	if (due) {
		p->moved_since = false;
		p->list_at_ms = now + LIST_MS;
	}
	return RC_OK;
}

void
progress_close(struct progress *p)
{
	db_close(p->db);
	p->db = NULL;
	seen_free(&p->told);
}
