/* migrate.c -- millrace migrate: brings the database to the version of this binary. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "base/stop.h"
#include "db/migrate.h"
#include "base/banned.h"

static void
print_file(const char *name, void *arg)
{
	size_t *count = arg;
	printf("applied %s\n", name);
	fflush(stdout);
	(*count)++;
}

int
cmd_migrate(const struct conf *c)
{
	struct fault f = { 0 };
	size_t count = 0;
	if (conf_args(c) > 0)
		return cmd_usage(CMD_MIGRATE, "it takes no arguments");
	if (stop_setup(&f) != RC_OK)
		return cmd_fail("migrate", &f);
	struct db *db = db_open(conf_text(c, "database-url"), "millrace migrate", &f);
	if (!db)
		return cmd_fail("migrate", &f);
	enum rc rc = migrate_run(db, sql_files, sql_files_count, print_file, &count, &f);
	db_close(db);
	if (rc != RC_OK)
		return cmd_fail("migrate", &f);
	printf("the database is up to date: %zu files applied\n", count);
	return EXIT_DONE;
}
