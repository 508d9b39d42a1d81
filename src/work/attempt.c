/* attempt.c -- one attempt of one job: input, handler, output. */
#include "work/attempt.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "work/command.h"
#include "work/environment.h"
#include "work/output.h"
#include "work/verdict.h"
#include "base/banned.h"

/* What a handler's folder may hold besides its input and its outputs. */
#define FOLDER_SLACK (16 * 1024 * 1024)
/* What a store may take for the input, or for all outputs, beyond the time of the handler. */
#define STORE_SLACK_MS 60000

struct attempt {
	const struct attempt_env *env;
	struct store_set *stores;
	const struct job *job;
	const struct handler *handler;
	int cancel_fd;
	struct arena *arena;
	struct scratch_dir dir;
	struct job_result *result;
};

static bool
cancelled(const struct attempt *t)
{
	struct pollfd p = { .fd = t->cancel_fd, .events = POLLIN };
	return t->cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* Each step below answers true when the next may follow; else *result says why not. */
static bool
failed(const struct attempt *t, const char *stage, const struct fault *f)
{
	verdict_fault(t->result, stage, f, t->arena);
	return false;
}

static bool
write_params(struct attempt *t, struct fault *f)
{
	size_t n = strlen(t->job->params);
	int fd = scratch_dir_create(t->env->scratch, &t->dir, "params.json", f);
	if (fd < 0)
		return false;
	bool written = write(fd, t->job->params, n) == (ssize_t)n;
	close(fd);
	if (written)
		return true;
	fault_set(f, RC_RETRY, "scratch folder: params.json cannot be written");
	snprintf(f->code, sizeof f->code, "scratch");
	return false;
}

/* The named store, bounded for what this attempt has to do there now. */
static struct store *
open_store(const struct attempt *t, const char *name, struct fault *f)
{
	struct store *store = store_set_get(t->stores, name, f);
	if (store)
		store_bound(store, t->cancel_fd,
		            clock_mono_ms() + t->job->timeout_ms + STORE_SLACK_MS);
	return store;
}

static enum rc
download(struct attempt *t, int fd, struct fault *f)
{
	const struct job *j = t->job;
	struct store_meta meta = { 0 };
	struct store_ref ref = { .bucket = j->bucket, .key = j->key, .version_id = j->version_id };
	if (!j->version_id)
		ref.etag = j->etag;
	struct store *store = open_store(t, j->store, f);
	if (!store)
		return f->rc;
	enum rc rc = store_get(store, &ref, fd, t->env->max_size, t->arena, &meta, f);
	if (rc != RC_OK)
		return rc;
	t->result->bytes_in = meta.size;
	t->result->input_version = meta.version_id ? meta.version_id : meta.etag;
	return RC_OK;
}

static bool
fetch_input(struct attempt *t)
{
	struct fault f = { 0 };
	if (scratch_dir_make(t->env->scratch, &t->dir, &f) != RC_OK)
		return failed(t, "input", &f);
	if (!write_params(t, &f))
		return failed(t, "input", &f);
	int fd = scratch_dir_create(t->env->scratch, &t->dir, "input", &f);
	if (fd < 0)
		return failed(t, "input", &f);
	enum rc rc = download(t, fd, &f);
	close(fd);
	if (rc == RC_OK)
		return true;
	if (rc == RC_RETRY && scratch_full(t->dir.fd))
		snprintf(f.code, sizeof f.code, "scratch");
	return failed(t, "input", &f);
}

static bool
run_handler(struct attempt *t)
{
	struct fault f = { 0 };
	struct tail tail = { 0 };
	struct command_end end = { 0 };
	const struct command c = {
		.path = handler_path(t->handler),
		.env = environment_of(t->job, t->dir.path, t->arena),
		.dir_fd = t->dir.fd,
		.timeout_ms = t->job->timeout_ms,
		.max_folder = t->env->max_output + 2 * t->result->bytes_in + FOLDER_SLACK,
		.cancel_fd = t->cancel_fd,
	};
	if (!c.env) {
		fault_set(&f, RC_RETRY, "out of memory");
		return failed(t, "handler", &f);
	}
	t->result->handler_digest = handler_digest(t->handler, t->arena);
	enum rc rc = command_run(t->env->sandbox, &c, &tail, &end, &f);
	t->result->tail = tail_text(&tail, t->arena);
	tail_free(&tail);
	if (rc != RC_OK)
		return failed(t, "handler", &f);
	t->result->ran_ms = end.ran_ms;
	t->result->cpu_ms = end.cpu_ms;
	t->result->rss_kb = end.rss_kb;
	bool full = scratch_full(t->dir.fd);
	struct output_result said = { .retry_after_ms = -1 };
	if (end.how == COMMAND_EXITED) {
		rc = output_result(t->dir.fd, t->arena, &said, &f);
		/* What a failed handler wrote is a help, not a duty. */
		if (rc != RC_OK && end.code == 0)
			return failed(t, "output", &f);
	}
	t->result->result = said.json;
	return verdict_command(t->result, &end, said.retry_after_ms, full, t->env->max_output,
	                       t->job->timeout_ms, t->arena);
}

static enum rc
put_one(struct attempt *t, struct store *store, const struct output_file *file,
        struct job_output *ret, struct fault *f)
{
	const struct job *j = t->job;
	const struct attempt_env *env = t->env;
	char hex[SHA256_HEX_MAX];
	int64_t size;
	char *key = arena_printf(t->arena, "%s%s/%s/%d/%s", env->results_prefix, j->trace_id,
	                         j->step, j->ticket.attempt, file->name);
	int fd = output_open(t->dir.fd, file->name, f);
	if (fd < 0)
		return f->rc;
	enum rc rc = hash_sha256_fd(fd, hex, &size, f);
	const struct store_put put = { .bucket = env->results_bucket,
		                       .key = key,
		                       .content_type = file->content_type,
		                       .trace_id = j->trace_id,
		                       .fd = fd,
		                       .size = size,
		                       .sha256_hex = hex };
	if (rc == RC_OK)
		rc = key ? store_put(store, &put, f) : fault_set(f, RC_RETRY, "out of memory");
	close(fd);
	if (rc != RC_OK)
		return rc;
	*ret = (struct job_output){ .name = file->name,
		                    .uri = store_uri(store, env->results_bucket, key, t->arena),
		                    .content_type = file->content_type,
		                    .sha256 = arena_strdup(t->arena, hex),
		                    .size = size };
	return RC_OK;
}

static enum rc
put_all(struct attempt *t, const struct output_file *files, size_t n, struct fault *f)
{
	struct job_output *outputs = arena_alloc(t->arena, n * sizeof *outputs);
	if (!outputs)
		return fault_set(f, RC_RETRY, "out of memory");
	if (!t->env->results_store) {
		fault_set(f, RC_PERMANENT,
		          "the handler left files, and no place for results is set (--results)");
		snprintf(f->code, sizeof f->code, "output");
		return f->rc;
	}
	struct store *store = open_store(t, t->env->results_store, f);
	if (!store)
		return f->rc;
	t->result->bytes_out = 0;
	for (size_t i = 0; i < n; i++) {
		if (cancelled(t))
			return fault_set(f, RC_STOP, "asked to stop");
		enum rc rc = put_one(t, store, &files[i], &outputs[i], f);
		if (rc != RC_OK)
			return rc;
		t->result->bytes_out += outputs[i].size;
	}
	t->result->outputs = outputs;
	t->result->output_count = n;
	return RC_OK;
}

static bool
store_outputs(struct attempt *t)
{
	struct fault f = { 0 };
	struct output_file *files;
	size_t n;
	enum rc rc = output_list(t->dir.fd, t->env->max_output, t->arena, &files, &n, &f);
	if (rc == RC_OK && n > 0)
		rc = put_all(t, files, n, &f);
	return rc == RC_OK ? true : failed(t, "output", &f);
}

static void
run_command(struct attempt *t)
{
	if (fetch_input(t) && run_handler(t))
		store_outputs(t);
	scratch_dir_remove(t->env->scratch, &t->dir);
}

static void
run_builtin(struct attempt *t, const struct builtin *b)
{
	struct fault f = { 0 };
	const struct builtin_call call = { t->job, t->stores, t->arena, t->cancel_fd };
	int64_t started = clock_mono_ms();
	enum rc rc = b->run(&call, t->result, &f);
	t->result->ran_ms = clock_mono_ms() - started;
	if (rc != RC_OK)
		failed(t, "handler", &f);
}

void
attempt_run(const struct attempt_env *env, struct store_set *stores, const struct job *job,
            int cancel_fd, struct arena *a, struct job_result *ret)
{
	struct fault f = { 0 };
	*ret = (struct job_result){ .outcome = JOB_DONE,
		                    .ran_ms = -1,
		                    .delay_ms = -1,
		                    .cpu_ms = -1,
		                    .rss_kb = -1,
		                    .bytes_in = -1,
		                    .bytes_out = -1 };
	struct attempt t = { .env = env,
		             .stores = stores,
		             .job = job,
		             .handler = handlers_find(env->handlers, job->kind),
		             .cancel_fd = cancel_fd,
		             .arena = a,
		             .dir = { .fd = -1 },
		             .result = ret };
	if (cancelled(&t))
		fault_set(&f, RC_STOP, "asked to stop before it began");
	else if (!t.handler)
		fault_set(&f, RC_PERMANENT, "this worker has no handler for kind %s", job->kind);
	else if (handler_builtin(t.handler))
		run_builtin(&t, handler_builtin(t.handler));
	else
		run_command(&t);
	if (f.rc != RC_OK)
		failed(&t, "handler", &f);
}
