/* show.c -- what the commands that read share: opening, JSON, times and sizes for people. */
#include "cmd/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "db/migrate.h"
#include "base/banned.h"

#define JSON_DEPTH 64
#define SECOND_US INT64_C(1000000)

struct db *
show_open(const struct conf *c, const char *command, int *ret_exit)
{
	struct fault f = { 0 };
	struct str app = STR_INIT(100);
	str_addf(&app, "millrace %s", command);
	struct db *db = db_open(conf_text(c, "database-url"), str_text(&app), &f);
	str_free(&app);
	if (db && migrate_check(db, sql_files, sql_files_count, &f) == RC_OK)
		return db;
	db_close(db);
	*ret_exit = cmd_fail(command, &f);
	return NULL;
}

int
show_answer(const struct conf *c, const char *command, const struct str *json, show_print *print)
{
	if (conf_bool(c, "json")) {
		puts(str_text(json));
		return EXIT_DONE;
	}
	struct fault f = { 0 };
	CLEANUP(json_freep)
	struct json_doc *doc = json_parse(str_text(json), json->len, JSON_DEPTH, &f);
	if (!doc)
		return cmd_fail(command, &f);
	print(json_root(doc), stdout);
	return EXIT_DONE;
}

void
show_linen(FILE *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i], to);
}

void
show_line(FILE *to, const char *text)
{
	show_linen(to, text, strlen(text));
}

bool
show_parse_time(const struct json *v, int64_t *ret_us)
{
	const char *text = json_text(v);
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	if (!rest)
		return false;
	char digits[7] = "000000";
	if (*rest == '.')
		memcpy(digits, rest + 1, strnlen(rest + 1, 6));
	int64_t us = 0;
	if (!num_parse(digits, 0, SECOND_US, &us))
		return false;
	*ret_us = (int64_t)timegm(&tm) * SECOND_US + us;
	return true;
}

const char *
show_duration(const struct json *from, const struct json *to)
{
	static _Thread_local char text[32];
	int64_t start_us = 0, end_us = 0;
	if (!show_parse_time(from, &start_us) || !show_parse_time(to, &end_us))
		return "-";
	double s = (double)(end_us - start_us) / (double)SECOND_US;
	snprintf(text, sizeof(text), s < 10 ? "%.2f s" : "%.0f s", s);
	return text;
}

const char *
show_size(const struct json *v)
{
	static _Thread_local char text[32];
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	int64_t n = 0;
	if (!json_int(v, &n))
		return "size unknown";
	if (n < 1024) {
		snprintf(text, sizeof(text), "%" PRId64 " bytes", n);
		return text;
	}
	double scaled = (double)n / 1024;
	size_t unit = 0;
	for (; scaled >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		scaled /= 1024;
	snprintf(text, sizeof(text), "%.1f %s", scaled, units[unit]);
	return text;
}

const char *
show_who(void)
{
	const char *name = getenv("USER");
	if (!name || !*name)
		name = getenv("LOGNAME");
	return name && *name ? name : "unknown";
}
