/* serve.c -- millrace serve: the status pages, their JSON, and metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/stop.h"
#include "cmd/cmd.h"
#include "cmd/role.h"
#include "status/probe.h"
#include "status/server.h"
#include "base/banned.h"

#define DEFAULT_LISTEN "127.0.0.1:8471"
#define CHECK_EVERY_MS 1000

/* Tells when the database goes and when it comes back, not each time in between. */
static enum rc
watch(struct status_server *server, struct fault *f)
{
	enum rc last = RC_STOP;
	do {
		struct fault failure = { 0 };
		enum rc rc = status_check(server, &failure);
		/* Wrong from the start is a mistake to be seen; later, it may well pass. */
		if (rc == RC_PERMANENT && last == RC_STOP) {
			*f = failure;
			return rc;
		}
		if (rc != last && rc == RC_OK)
			log_info("database answers", NULL);
		else if (rc != last)
			log_event(&(struct log_ctx){ .fault = &failure }, LOG_WARN_,
			          "database away", NULL);
		last = rc;
	} while (!stop_wait_ms(CHECK_EVERY_MS));
	return RC_OK;
}

static enum rc
run_probe(const struct conf *c, struct status_server *server, struct fault *f)
{
	const char *listen = conf_text(c, "probe-listen");
	struct probe *probe = listen ? probe_start(listen, status_ready, server, f) : NULL;
	if (listen && !probe)
		return f->rc;
	enum rc rc = watch(server, f);
	probe_stop(probe);
	return rc;
}

static enum rc
run(const struct conf *c, const struct status_conf *conf, struct fault *f)
{
	struct status_server *server = status_start(conf, f);
	if (!server)
		return f->rc;
	/* The one line on stdout: scripts read the port from it. */
	printf("listening on port %u\n", status_port(server));
	fflush(stdout);
	log_info("serving", "listen=%s port=%u", conf->listen, status_port(server));
	enum rc rc = run_probe(c, server, f);
	status_stop(server);
	return rc;
}

int
cmd_serve(const struct conf *c)
{
	struct fault f = { 0 };
	struct str password = STR_INIT((size_t)64 << 10);
	const char *password_file = conf_text(c, "password-file");
	const char *listen = conf_text(c, "listen");
	cmd_log_setup(c, "status");
	if (stop_setup(&f) != RC_OK ||
	    (password_file && conf_read_secret(password_file, &password, &f) != RC_OK))
		return cmd_fail("serve", &f);
	struct status_conf conf = {
		.listen = listen ? listen : DEFAULT_LISTEN,
		.database_url = conf_text(c, "database-url"),
		.password = password_file ? str_text(&password) : NULL,
		.allow_anonymous = conf_bool(c, "allow-anonymous-read"),
		.public_url = conf_text(c, "public-url"),
		.scratch = conf_text(c, "scratch"),
	};
	struct store_conf *stores = cmd_stores(c, &conf.store_count, &f);
	if (!stores) {
		str_free(&password);
		return cmd_fail("serve", &f);
	}
	conf.stores = stores;
	enum rc rc = password_file && password.len == 0
	                     ? fault_set(&f, RC_PERMANENT, "%s is empty", password_file)
	                     : run(c, &conf, &f);
	free(stores);
	str_free(&password);
	return rc == RC_OK ? EXIT_DONE : cmd_fail("serve", &f);
}
