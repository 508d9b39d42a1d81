/* keep.c -- millrace keep: rescues, sweeps, promotes. */
#include "base/stop.h"
#include "cmd/cmd.h"
#include "cmd/role.h"
#include "keep/keeper.h"
#include "status/probe.h"
#include "base/banned.h"

int
cmd_keep(const struct conf *c)
{
	struct fault f = { 0 };
	CLEANUP(cmd_self_free) struct cmd_self self = cmd_self_make(c);
	struct probe *probe = NULL;
	cmd_log_setup(c, "keeper");
	if (stop_setup(&f) != RC_OK)
		return cmd_fail("keep", &f);
	if (conf_text(c, "probe-listen")) {
		probe = probe_start(conf_text(c, "probe-listen"), keeper_ready, NULL, &f);
		if (!probe)
			return cmd_fail("keep", &f);
	}
	const struct keeper_conf k = { .database_url = conf_text(c, "database-url"),
		                       .name = self.name,
		                       .silent_ms = conf_int(c, "silent-after") };
	enum rc rc = keeper_run(&k, &f);
	probe_stop(probe);
	return cmd_role_end("keep", rc, &f);
}
