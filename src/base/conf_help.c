/* conf_help.c -- --help and the sample file, from the table. */
#include "base/conf.h"

#include <string.h>

#include "base/conf_private.h"

#include "base/banned.h"

static void
add_default(struct str *out, const struct conf_opt *o)
{
	if (o->choices)
		str_addf(out, " One of %s.", o->choices);
	if (o->dflt)
		str_addf(out, " Default: %s.", o->dflt);
}

void
conf_help(const struct conf_opt *table, size_t n, uint32_t command, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct conf_opt *o = &table[i];
		if (o->section || !(o->commands & command))
			continue;
		str_addf(out, "  --%s%s%s\n        %s", o->name, o->value_name ? " " : "",
		         o->value_name ? o->value_name : "", o->help);
		add_default(out, o);
		str_add(out, " [");
		conf_env_name(o->name, out);
		str_add(out, "]\n");
	}
	str_add(out, "  --help\n        This text.\n");
}

static void
add_sample(struct str *out, const struct conf_opt *o)
{
	str_addf(out, "# %s", o->help);
	add_default(out, o);
	str_addf(out, "\n#%s = %s\n\n", o->name,
	         o->dflt         ? o->dflt
	         : o->value_name ? o->value_name
	                         : "");
}

void
conf_sample(const struct conf_opt *table, size_t n, struct str *out)
{
	str_add(out, "# Millrace's settings. A flag wins over MILLRACE_NAME in the environment, "
	             "which wins over "
	             "this file.\n\n");
	for (size_t i = 0; i < n; i++)
		if (!table[i].section)
			add_sample(out, &table[i]);
	const char *section = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!table[i].section)
			continue;
		if (!section || strcmp(section, table[i].section) != 0) {
			section = table[i].section;
			str_addf(out, "#[%s NAME]\n", section);
		}
		add_sample(out, &table[i]);
	}
}
