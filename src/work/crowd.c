/* crowd.c -- how many processes came of one. */
#include "work/crowd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

/* Enough for the numbers of CROWD_MAX children; who has more is past it anyway. */
#define LIST_MAX 4096

struct crowd {
	pid_t members[CROWD_MAX + 2]; /* the root first */
	size_t n;
};

static void
add_listed(struct crowd *c, const char *list)
{
	char *end;
	for (;;) {
		long pid = strtol(list, &end, 10);
		if (end == list || c->n > CROWD_MAX + 1)
			return;
		c->members[c->n++] = (pid_t)pid;
		list = end;
	}
}

static void
add_children(struct crowd *c, pid_t parent)
{
	char path[64], list[LIST_MAX];
	size_t n = 0;
	ssize_t got;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (n < sizeof list - 1 && (got = read(fd, list + n, sizeof list - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	list[n] = '\0';
	add_listed(c, list);
}

size_t
crowd_count(pid_t root)
{
	struct crowd c = { .members = { root }, .n = 1 };
	for (size_t i = 0; i < c.n && c.n <= CROWD_MAX + 1; i++)
		add_children(&c, c.members[i]);
	return c.n - 1;
}
