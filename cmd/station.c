/* station.c -- what the commands that run a role have in common. */
#include "cmd/station.h"

#include "base/log.h"
#include "base/stop.h"
#include "db/db.h"
#include "db/migrate.h"
#include "base/banned.h"

#define LOOK_AGAIN_MS 1000

static void
report_away(const struct fault *f, void *arg)
{
	(void)arg;
	struct log_ctx ctx = { .fault = f };
	log_event(&ctx, LOG_WARN_, "database away", NULL);
}

static void
report_waiting(const struct fault *f, bool *said)
{
	struct log_ctx ctx = { .fault = f };
	if (!*said)
		log_event(&ctx, LOG_INFO_, "waiting for the schema", "run: millrace migrate");
	*said = true;
}

enum rc
station_await_schema(const struct conf *c, const char *app, struct fault *f)
{
	bool said = false;
	do {
		CLEANUP(db_closep)
		struct db *db =
			db_open_patient(conf_text(c, "database-url"), app, report_away, NULL, f);
		if (!db)
			return f->rc;
		enum rc rc = migrate_check(db, sql_files, sql_files_count, f);
		if (rc != RC_RETRY)
			return rc;
		report_waiting(f, &said);
	} while (!stop_wait_ms(LOOK_AGAIN_MS));
	return fault_set(f, RC_STOP, "stopped while waiting for the schema");
}
