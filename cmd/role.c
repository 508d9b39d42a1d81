/* role.c -- what the roles' commands share: stores, lists, names. */
#include "cmd/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "base/banned.h"

int
cmd_role_end(const char *command, enum rc rc, const struct fault *f)
{
	return rc == RC_OK || rc == RC_STOP ? EXIT_DONE : cmd_fail(command, f);
}

struct store_conf *
cmd_stores(const struct conf *c, size_t *ret_n, struct fault *f)
{
	size_t n = conf_sections(c, "store");
	struct store_conf *stores = calloc(n ? n : 1, sizeof *stores);
	if (!stores)
		abort();
	for (size_t i = 0; i < n; i++)
		stores[i] = (struct store_conf){
			.name = conf_section_name(c, "store", i),
			.url = conf_section_text(c, "store", i, "url"),
			.endpoint = conf_section_text(c, "store", i, "endpoint"),
			.region = conf_section_text(c, "store", i, "region"),
			.access_key_file = conf_section_text(c, "store", i, "access_key_file"),
			.secret_key_file = conf_section_text(c, "store", i, "secret_key_file"),
		};
	for (size_t i = 0; i < n; i++)
		if (!stores[i].url || !stores[i].url[0]) {
			fault_set(f, RC_PERMANENT, "[store %s] has no url: s3:// or file:///FOLDER",
			          stores[i].name);
			free(stores);
			return NULL;
		}
	if (n == 0)
		stores[0] = (struct store_conf){ .name = "s3", .url = "s3://" };
	*ret_n = n ? n : 1;
	return stores;
}

void
cmd_list_free(struct cmd_list *l)
{
	free(l->text);
	free(l->items);
	*l = (struct cmd_list){ 0 };
}

struct cmd_list
cmd_list_split(const char *text)
{
	static const char separators[] = ", \t";
	struct cmd_list l = { 0 };
	size_t most = 1;
	char *rest = NULL;
	for (const char *p = text; p && *p; p++)
		most += strchr(separators, *p) != NULL;
	char *copy = strdup(text ? text : "");
	const char **items = calloc(most, sizeof(char *));
	if (!copy || !items)
		abort();
	for (char *part = strtok_r(copy, separators, &rest); part;
	     part = strtok_r(NULL, separators, &rest))
		items[l.n++] = part;
	l.text = copy;
	l.items = items;
	return l;
}

void
cmd_self_free(struct cmd_self *s)
{
	free(s->name);
	free(s->host);
	*s = (struct cmd_self){ 0 };
}

struct cmd_self
cmd_self_make(const struct conf *c)
{
	struct cmd_self s = { 0 };
	struct utsname u;
	const char *name = conf_text(c, "name");
	s.host = strdup(uname(&u) == 0 ? u.nodename : "unknown");
	if (!s.host)
		abort();
	if (name)
		s.name = strdup(name);
	else if (asprintf(&s.name, "%s-%ld", s.host, (long)getpid()) < 0)
		abort();
	if (!s.name)
		abort();
	return s;
}
