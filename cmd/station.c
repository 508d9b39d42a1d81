/* station.c -- what the commands that run a role have in common. */
#include "cmd/station.h"

#include <string.h>

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

const struct store_conf *
station_stores(const struct conf *c, struct arena *a, size_t *ret_n)
{
	size_t n = conf_sections(c, "store");
	struct store_conf *stores = arena_alloc(a, (n ? n : 1) * sizeof(*stores));
	if (!stores)
		return NULL;
	stores[0] = (struct store_conf){ .name = "s3", .url = "s3://" };
	for (size_t i = 0; i < n; i++)
		stores[i] = (struct store_conf){
			.name = conf_section_name(c, "store", i),
			.url = conf_section_text(c, "store", i, "url"),
			.endpoint = conf_section_text(c, "store", i, "endpoint"),
			.region = conf_section_text(c, "store", i, "region"),
			.access_key_file = conf_section_text(c, "store", i, "access_key_file"),
			.secret_key_file = conf_section_text(c, "store", i, "secret_key_file"),
		};
	*ret_n = n ? n : 1;
	return stores;
}

const char *const *
station_list(const char *text, struct arena *a, size_t *ret_n)
{
	static const char blanks[] = ", \t\n";
	size_t max = text ? strlen(text) / 2 + 1 : 0, n = 0;
	const char **items = arena_alloc(a, (max + 1) * sizeof(*items));

	for (const char *p = text; items && p && *(p += strspn(p, blanks)) != '\0'; n++) {
		size_t len = strcspn(p, blanks);
		if (!(items[n] = arena_strndup(a, p, len)))
			return NULL;
		p += len;
	}
	*ret_n = n;
	return items;
}
