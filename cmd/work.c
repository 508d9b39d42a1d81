/* work.c -- millrace work: claims jobs and runs their handlers. */
#include <stdlib.h>
#include <string.h>
#include "base/stop.h"
#include "cmd/cmd.h"
#include "cmd/role.h"
#include "status/probe.h"
#include "work/sandbox.h"
#include "work/worker.h"
#include "base/banned.h"

/* --results STORE/BUCKET[/PREFIX], taken apart. */
struct results {
	char *store;  /* owned; bucket and prefix point into it */
	char *bucket; /* NULL: --results is unset */
	char *prefix; /* owned; "" or with a slash at its end */
};

static void
free_results(struct results *r)
{
	free(r->store);
	free(r->prefix);
}

static enum rc
split_results(const char *text, struct results *ret, struct fault *f)
{
	if (!text)
		return RC_OK;
	ret->store = strdup(text);
	if (!ret->store)
		abort();
	char *slash = strchr(ret->store, '/');
	if (!slash || slash == ret->store || slash[1] == '\0' || slash[1] == '/')
		return fault_set(f, RC_PERMANENT,
		                 "--results is STORE/BUCKET[/PREFIX], and '%s' is not", text);
	*slash = '\0';
	ret->bucket = slash + 1;
	char *prefix = strchr(ret->bucket, '/');
	if (prefix)
		*prefix++ = '\0';
	size_t n = prefix ? strlen(prefix) : 0;
	ret->prefix = calloc(n + 2, 1);
	if (!ret->prefix)
		abort();
	if (n > 0) {
		memcpy(ret->prefix, prefix, n);
		if (prefix[n - 1] != '/')
			ret->prefix[n] = '/';
	}
	return RC_OK;
}

static bool
is_store(const char *name, const struct store_conf *stores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(stores[i].name, name) == 0)
			return true;
	return false;
}

static enum rc
run(const struct conf *c, const struct cmd_list *kinds, struct worker_conf *w, struct fault *f)
{
	struct probe *probe = NULL;
	w->kinds = kinds->items;
	w->kind_count = kinds->n;
	w->database_url = conf_text(c, "database-url");
	w->listen_url = conf_text(c, "listen-database-url");
	w->version = cmd_version;
	w->slots = (int)conf_int(c, "slots");
	w->handlers = conf_text(c, "handlers");
	w->scratch = conf_text(c, "scratch");
	w->max_size = conf_int(c, "max-size");
	w->max_output = conf_int(c, "max-output");
	w->max_memory = conf_int(c, "max-memory");
	w->grace_ms = conf_int(c, "grace");
	w->builtins = &builtin_noop;
	w->builtin_count = 1;
	if (w->results_store && !is_store(w->results_store, w->stores, w->store_count))
		return fault_set(f, RC_PERMANENT, "--results: there is no [store %s]",
		                 w->results_store);
	if (store_check(w->stores, w->store_count, f) != RC_OK)
		return f->rc;
	if (conf_text(c, "probe-listen")) {
		probe = probe_start(conf_text(c, "probe-listen"), worker_ready, NULL, f);
		if (!probe)
			return f->rc;
	}
	enum rc rc = worker_run(w, f);
	probe_stop(probe);
	return rc;
}

int
cmd_work(const struct conf *c)
{
	struct fault f = { 0 };
	struct worker_conf w = { 0 };
	CLEANUP(cmd_self_free) struct cmd_self self = cmd_self_make(c);
	CLEANUP(cmd_list_free) struct cmd_list kinds = cmd_list_split(conf_text(c, "kinds"));
	CLEANUP(free_results) struct results results = { 0 };
	if (kinds.n == 0)
		return cmd_usage(CMD_WORK, "--kinds names no kind to serve");
	cmd_log_setup(c, "worker");
	sandbox_hide_self();
	if (stop_setup(&f) != RC_OK ||
	    split_results(conf_text(c, "results"), &results, &f) != RC_OK)
		return cmd_fail("work", &f);
	struct store_conf *stores = cmd_stores(c, &w.store_count, &f);
	w.stores = stores;
	w.name = self.name;
	w.host = self.host;
	w.results_store = results.store;
	w.results_bucket = results.bucket;
	w.results_prefix = results.prefix;
	enum rc rc = stores ? run(c, &kinds, &w, &f) : f.rc;
	free(stores);
	return cmd_role_end("work", rc, &f);
}
