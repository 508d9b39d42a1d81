/* worker.c -- the worker station: its start, its loop, its drain. */
#include "work/worker.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "work/desk.h"
#include "work/sandbox.h"
#include "work/scratch.h"
#include "base/banned.h"

/* Past the grace time: for SIGTERM, SIGKILL and the last words to the database. */
#define LAST_MS 15000
#define LOOK_MS 500

static atomic_bool ready;

bool
worker_ready(void *unused)
{
	(void)unused;
	return atomic_load(&ready);
}

static void
work_until_stop(struct desk *d)
{
	struct fault f = { 0 };
	while (!stop_requested()) {
		desk_collect(d);
		if (!desk_connected(d)) {
			atomic_store(&ready, false);
			/* RC_STOP ends the loop; nothing else comes back from patience. */
			ignore_rc(desk_connect(d, true, &f));
			continue;
		}
		atomic_store(&ready, true);
		if (!desk_report(d) || desk_claim(d) == 0)
			desk_sleep(d);
	}
}

static bool
all_home(const struct desk *d)
{
	return slots_idle(d->slots) == slots_count(d->slots);
}

static void
cancel_all(struct desk *d)
{
	for (size_t i = 0; i < slots_count(d->slots); i++)
		if (slots_work(d->slots, i)->running)
			slots_cancel(slots_work(d->slots, i));
}

/* True when every slot came home: else a thread hangs where nothing can end it. */
static bool
drain(struct desk *d)
{
	struct fault f = { 0 };
	const int64_t grace_ends = clock_mono_ms() + d->conf->grace_ms;
	bool cancelled = false;
	desk_last_claim(d);
	while (!all_home(d)) {
		int64_t now = clock_mono_ms();
		desk_collect(d);
		if (now >= grace_ends && !cancelled) {
			cancel_all(d);
			cancelled = true;
		}
		if (now >= grace_ends + LAST_MS)
			break;
		if (!desk_connected(d))
			ignore_rc(desk_connect(d, false, &f)); /* again on the next round */
		if (desk_connected(d) && desk_report(d) && all_home(d))
			break;
		int64_t left = grace_ends - clock_mono_ms();
		desk_wait(d, cancelled || left > LOOK_MS || left <= 0 ? LOOK_MS : left);
	}
	desk_close(d);
	for (size_t i = 0; i < slots_count(d->slots); i++)
		if (slots_work(d->slots, i)->running)
			return false;
	return true;
}

static bool
needs_sandbox(const struct worker_conf *c, const struct handlers *h)
{
	for (size_t i = 0; i < c->kind_count; i++)
		if (!handler_builtin(handlers_find(h, c->kinds[i])))
			return true;
	return false;
}

static enum rc
prepare_sandbox(const struct worker_conf *c, struct sandbox *ret, struct scratch **ret_scratch,
                struct fault *f)
{
	CLEANUP(str_free) struct str text = STR_INIT(4096);
	const struct sandbox_conf sc = { .max_memory = c->max_memory, .max_file = c->max_output };
	enum rc rc = sandbox_probe(&sc, ret, f);
	if (rc != RC_OK)
		return rc;
	*ret_scratch = scratch_new(c->scratch, ret->uid, ret->gid, f);
	if (!*ret_scratch)
		return f->rc;
	sandbox_describe(ret, &text);
	log_info("sandbox", "%s", str_text(&text));
	return RC_OK;
}

static enum rc
serve(const struct worker_conf *c, struct slots *s, bool *ret_clean, struct fault *f)
{
	struct desk *d = desk_new(c, s);
	enum rc rc = desk_connect(d, true, f);
	*ret_clean = true;
	if (rc == RC_OK) {
		work_until_stop(d);
		atomic_store(&ready, false);
		log_info("draining", "jobs=%zu", slots_count(s) - slots_idle(s));
		*ret_clean = drain(d);
	}
	desk_free(d);
	return rc;
}

enum rc
worker_run(const struct worker_conf *c, struct fault *f)
{
	CLEANUP(handlers_freep)
	struct handlers *h = handlers_new(c->kinds, c->kind_count, c->handlers, c->builtins,
	                                  c->builtin_count, f);
	CLEANUP(scratch_freep) struct scratch *scratch = NULL;
	/* Static: a thread that had to be abandoned reads them until the process ends. */
	static struct sandbox sandbox;
	static struct attempt_env env;
	if (!h)
		return f->rc;
	enum rc rc = needs_sandbox(c, h) ? prepare_sandbox(c, &sandbox, &scratch, f) : RC_OK;
	if (rc != RC_OK)
		return rc;
	env = (struct attempt_env){ .sandbox = &sandbox,
		                    .handlers = h,
		                    .scratch = scratch,
		                    .results_store = c->results_store,
		                    .results_bucket = c->results_bucket,
		                    .results_prefix = c->results_prefix,
		                    .max_size = c->max_size,
		                    .max_output = c->max_output };
	struct slots *s = slots_new(c->slots, &env, c->stores, c->store_count, f);
	if (!s)
		return f->rc;
	bool clean;
	rc = serve(c, s, &clean, f);
	if (clean) {
		slots_free(s);
		return rc;
	}
	/* A thread hangs beyond every deadline and still uses all this; exit ends it. */
	log_error("slots abandoned", "a handler could not be ended");
	h = NULL;
	scratch = NULL;
	return rc;
}
