/* sqlstate.c -- from PostgreSQL's errors to our classes, once. */
#include <string.h>

#include "db/internal.h"
#include "base/banned.h"

#define SQLSTATE_LEN 5

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum rc
db_sqlstate_rc(const char *sqlstate)
{
	static const char *const passing[] = {
		"08",    /* connection exceptions */
		"40",    /* serialization failure, deadlock: rolled back, may work next time */
		"53",    /* no memory, disk or connections left */
		"57",    /* cancelled, shutting down, starting */
		"55P03", /* lock_timeout */
		"58",    /* the server's I/O */
		"25006", /* read-only: the primary of a moment ago is a standby now */
	};
	if (strcmp(sqlstate, "MR001") == 0)
		return RC_LOST;
	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		if (starts_with(sqlstate, passing[i]))
			return RC_RETRY;
	return RC_PERMANENT;
}

/* Length of a prefix "28P01: ", 0 if there is none. */
static size_t
code_length(const char *text)
{
	size_t n = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	return n == SQLSTATE_LEN && starts_with(text + n, ": ") ? n + 2 : 0;
}

/* One line of libpq's text: its code goes to sqlstate, the rest to out. */
static void
add_line(struct str *out, const char *line, size_t n, char sqlstate[SQLSTATE_LEN + 1])
{
	const char *const end = line + n;
	if (starts_with(line, "LOCATION:") || n == 0)
		return;
	if (out->len > 0)
		str_add(out, "; ");
	const char *mark = memmem(line, n, ":  ", 3);
	size_t code = mark ? code_length(mark + 3) : 0;
	if (code == 0) {
		str_addn(out, line, n);
		return;
	}
	memcpy(sqlstate, mark + 3, SQLSTATE_LEN);
	str_addn(out, line, (size_t)(mark + 2 - line));
	str_addn(out, mark + 3 + code, (size_t)(end - (mark + 3 + code)));
}

enum rc
db_connect_fault(const char *text, struct fault *f)
{
	char sqlstate[SQLSTATE_LEN + 1] = "";
	struct str message = STR_INIT(4096);
	for (const char *line = text; *line;) {
		line += strspn(line, "\t ");
		size_t n = strcspn(line, "\n");
		add_line(&message, line, n, sqlstate);
		line += n + (line[n] != '\0');
	}
	enum rc rc = sqlstate[0] ? db_sqlstate_rc(sqlstate) : RC_RETRY;
	fault_set(f, rc, "%s", str_text(&message));
	str_free(&message);
	if (f)
		memcpy(f->sqlstate, sqlstate, sizeof(sqlstate));
	return rc;
}
