/* progress.c -- one line for each upload as it becomes final. */
#include "dev/progress.h"

#include <string.h>

#include "db/db.h"
#include "dev/say.h"
#include "net/json.h"
#include "queue/look.h"
#include "base/ulid.h"
#include "base/banned.h"

#define LOOK_MAX 1000
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
read_recent(struct progress *p, struct str *text, struct fault *f)
{
	if (p->db && db_broken(p->db)) {
		db_close(p->db);
		p->db = NULL;
	}
	if (!p->db) {
		p->db = db_open(p->database_url, "millrace dev", f);
		if (!p->db)
			return f->rc;
	}
	return look_recent(p->db, LOOK_MAX, text, f);
}

enum rc
progress_look(struct progress *p, struct fault *f)
{
	struct str text = STR_INIT(REPLY_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	enum rc rc = read_recent(p, &text, f);
	if (rc == RC_OK) {
		doc = json_parse(str_text(&text), text.len, 8, f);
		rc = doc ? RC_OK : f->rc;
	}
	str_free(&text);
	if (rc != RC_OK)
		return rc;
	const struct json *uploads = json_get(json_root(doc), "uploads");
	p->seen_all = 0;
	p->open = 0;
	/* Newest first in the reply; people read from old to new. */
	for (size_t i = json_count(uploads); i-- > 0;)
		look_at(p, json_at(uploads, i), !p->began && i >= FIRST_MAX);
	p->began = true;
	return RC_OK;
}

void
progress_close(struct progress *p)
{
	db_close(p->db);
	p->db = NULL;
	seen_free(&p->told);
}
