/* route.c -- `millrace route`: the router from its settings to its exit code. */
#include <stdlib.h>

#include "base/log.h"
#include "base/stop.h"
#include "cmd/cmd.h"
#include "cmd/role.h"
#include "cmd/station.h"
#include "route/router.h"
#include "status/probe.h"
#include "base/banned.h"

static enum rc
run(const struct conf *c, const struct router_conf *settings, struct fault *f)
{
	struct probe *probe = NULL;
	const char *listen = conf_text(c, "probe-listen");

	if (stop_setup(f) != RC_OK ||
	    store_check(settings->stores, settings->store_count, f) != RC_OK)
		return f->rc;
	if (listen && !(probe = probe_start(listen, router_ready, NULL, f)))
		return f->rc;
	enum rc rc = station_await_schema(c, "millrace route", f);
	if (rc == RC_OK)
		rc = router_run(settings, f);
	log_info("stopped", NULL);
	probe_stop(probe);
	return rc;
}

int
cmd_route(const struct conf *c)
{
	struct fault f = { 0 };
	if (!conf_text(c, "pipeline"))
		return cmd_usage(CMD_ROUTE, "--pipeline names no file");
	cmd_log_setup(c, "router");
	CLEANUP(cmd_self_free) struct cmd_self self = cmd_self_make(c);
	CLEANUP(cmd_list_free) struct cmd_list buckets = cmd_list_split(conf_text(c, "buckets"));
	struct router_conf settings = {
		.name = self.name,
		.host = self.host,
		.version = cmd_version,
		.database_url = conf_text(c, "database-url"),
		.listen_url = conf_text(c, "listen-database-url"),
		.pipeline = conf_text(c, "pipeline"),
		.limits = { .buckets = buckets.items,
		            .bucket_count = buckets.n,
		            .max_size = conf_int(c, "max-size") },
	};
	struct store_conf *stores = cmd_stores(c, &settings.store_count, &f);
	settings.stores = stores;
	enum rc rc = stores ? run(c, &settings, &f) : f.rc;
	free(stores);
	return cmd_role_end("route", rc, &f);
}
