/* array.c -- parameters as PostgreSQL array literals. */
#include <inttypes.h>
#include <string.h>

#include "db/db.h"
#include "base/banned.h"

void
db_array_open(struct str *s)
{
	str_addc(s, '{');
}

/* No element ends in '{': texts and bytes end in a quote. */
static void
separate(struct str *s)
{
	if (s->len > 0 && s->data[s->len - 1] != '{')
		str_addc(s, ',');
}

void
db_array_text(struct str *s, const char *text)
{
	separate(s);
	if (!text) {
		str_add(s, "NULL");
		return;
	}
	str_addc(s, '"');
	for (;;) {
		size_t n = strcspn(text, "\"\\");
		str_addn(s, text, n);
		text += n;
		if (*text == '\0')
			break;
		str_addc(s, '\\');
		str_addc(s, *text++);
	}
	str_addc(s, '"');
}

void
db_array_int(struct str *s, int64_t v)
{
	separate(s);
	str_addf(s, "%" PRId64, v);
}

void
db_array_bytes(struct str *s, const void *p, size_t n)
{
	separate(s);
	str_add(s, "\"\\\\x");
	if (n > 0)
		str_add_hex(s, p, n);
	str_addc(s, '"');
}

void
db_array_close(struct str *s)
{
	str_addc(s, '}');
}
