/* receive.c -- `millrace receive`: the receiver from its settings to its exit code. */
#include "cmd/cmd.h"

#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/stop.h"
#include "cmd/role.h"
#include "cmd/station.h"
#include "intake/receiver.h"
#include "status/probe.h"
#include "base/banned.h"

#define SETTINGS_MAX (1u << 20)
#define DEFAULT_LISTEN "127.0.0.1:8470"

static enum source_auth
auth_of(const char *word)
{
	if (strcmp(word, "query") == 0)
		return AUTH_QUERY;
	return strcmp(word, "none") == 0 ? AUTH_NONE : AUTH_BEARER;
}

static enum key_encoding
keys_of(const char *word)
{
	if (strcmp(word, "form") == 0)
		return KEYS_FORM;
	return strcmp(word, "raw") == 0 ? KEYS_RAW : KEYS_AUTO;
}

static enum rc
read_settings(const struct conf *c, struct arena *a, struct receiver_conf *ret, struct fault *f)
{
	size_t n = conf_sections(c, "source");
	struct source_conf *sources = arena_alloc(a, (n + 1) * sizeof(*sources));
	if (!sources)
		return fault_set(f, RC_RETRY, "out of memory for %zu sources", n);
	for (size_t i = 0; i < n; i++)
		sources[i] = (struct source_conf){
			.name = conf_section_name(c, "source", i),
			.auth = auth_of(conf_section_text(c, "source", i, "auth")),
			.secret_file = conf_section_text(c, "source", i, "secret_file"),
			.secret_file_2 = conf_section_text(c, "source", i, "secret_file_2"),
			.store = conf_section_text(c, "source", i, "store"),
			.keys = keys_of(conf_section_text(c, "source", i, "key_encoding")),
		};
	*ret = (struct receiver_conf){
		.listen = conf_text(c, "listen") ? conf_text(c, "listen") : DEFAULT_LISTEN,
		.database_url = conf_text(c, "database-url"),
		.max_body = (size_t)conf_int(c, "max-body"),
		.max_records = (size_t)conf_int(c, "max-records"),
		.max_batch = (size_t)conf_int(c, "max-batch"),
		.sources = sources,
		.source_count = n,
	};
	return RC_OK;
}

/* Alive from the start, ready once there is a receiver. */
static bool
is_ready(void *receiver)
{
	_Atomic(struct receiver *) *at = receiver;
	struct receiver *r = atomic_load(at);
	return r && receiver_ready(r);
}

static enum rc
run(const struct conf *c, const struct receiver_conf *settings, struct fault *f)
{
	static _Atomic(struct receiver *) running;
	struct probe *probe = NULL;
	const char *probe_listen = conf_text(c, "probe-listen");

	if (probe_listen && !(probe = probe_start(probe_listen, is_ready, &running, f)))
		return f->rc;
	if (station_await_schema(c, "millrace receive", f) != RC_OK) {
		probe_stop(probe);
		return f->rc;
	}
	struct receiver *r = receiver_start(settings, f);
	if (r) {
		atomic_store(&running, r);
		log_info("receiving", "on %s (port %u), from %zu sources", settings->listen,
		         receiver_port(r), settings->source_count);
		receiver_run(r);
		log_info("stopping", NULL);
	}
	probe_stop(probe);
	if (!r)
		return f->rc;
	receiver_stop(r);
	log_info("stopped", NULL);
	return RC_OK;
}

static enum rc
receive(const struct conf *c, struct arena *a, struct fault *f)
{
	struct receiver_conf settings;
	if (read_settings(c, a, &settings, f) != RC_OK || stop_setup(f) != RC_OK)
		return f->rc;
	return run(c, &settings, f);
}

int
cmd_receive(const struct conf *c)
{
	struct fault f = { 0 };
	cmd_log_setup(c, "receiver");
	struct arena *a = arena_new(SETTINGS_MAX);
	enum rc rc = a ? receive(c, a, &f) : fault_set(&f, RC_RETRY, "out of memory");
	arena_free(a);
	return cmd_role_end("receive", rc, &f);
}
