/* workers.c -- placeholder until its station is there. */
#include "cmd/cmd.h"

#include "base/banned.h"

int
cmd_workers(const struct conf *c)
{
	(void)c;
	return EXIT_FAILED;
}
