/* check.c -- `millrace check FILE`: is it a pipeline file, and if not, every reason why. */
#include "cmd/cmd.h"

#include <stdio.h>

#include "route/pipeline.h"
#include "base/banned.h"

#define OUTPUT_MAX (16u << 20)

static void
add_list(struct str *out, const struct pipeline_problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		str_add(out, i ? ",{\"path\":" : "{\"path\":");
		str_add_json(out, list->items[i].path);
		str_add(out, ",\"message\":");
		str_add_json(out, list->items[i].message);
		str_addc(out, '}');
	}
}

static void
print_json(const struct pipeline *p, const struct pipeline_problems *problems)
{
	struct str out = STR_INIT(OUTPUT_MAX);
	str_addf(&out, "{\"ok\":%s,\"problems\":[", p ? "true" : "false");
	add_list(&out, problems);
	str_add(&out, "],\"warnings\":[");
	if (p)
		add_list(&out, &p->warnings);
	str_addf(&out, "],\"more\":%s", problems->more ? "true" : "false");
	if (p)
		str_addf(&out, ",\"sha256\":\"%s\",\"rules\":%zu,\"jobs\":%zu", p->sha256,
		         p->rule_count, p->job_count);
	str_add(&out, "}\n");
	fputs(str_text(&out), stdout);
	str_free(&out);
}

static void
print_text(const char *file, const struct pipeline *p, const struct pipeline_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		fprintf(stderr, "%s: %s%s%s\n", file, problems->items[i].path,
		        problems->items[i].path[0] ? ": " : "", problems->items[i].message);
	if (problems->more)
		fprintf(stderr, "%s: and more\n", file);
	for (size_t i = 0; p && i < p->warnings.count; i++)
		fprintf(stderr, "%s: warning: %s: %s\n", file, p->warnings.items[i].path,
		        p->warnings.items[i].message);
	if (p)
		printf("OK: %zu rules, %zu jobs, %zu ignore patterns, sha256 %s\n", p->rule_count,
		       p->job_count, p->ignore.count, p->sha256);
}

int
cmd_check(const struct conf *c)
{
	struct pipeline_problems problems = { 0 };
	if (conf_args(c) != 1)
		return cmd_usage(CMD_CHECK, "name one pipeline file");
	CLEANUP(pipeline_dropp)
	const struct pipeline *p = pipeline_read(conf_arg(c, 0), &problems);
	if (conf_bool(c, "json"))
		print_json(p, &problems);
	else
		print_text(conf_arg(c, 0), p, &problems);
	pipeline_problems_free(&problems);
	return p ? EXIT_DONE : EXIT_FAILED;
}
