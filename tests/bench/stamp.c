/* stamp.c -- a handler that only says when it started, in Unix microseconds. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/banned.h"

int
main(void)
{
	long long now_us = (long long)clock_wall_us();
	FILE *out = fopen("out/started", "w");
	if (!out)
		return EXIT_FAILURE;
	fprintf(out, "%lld\n", now_us);
	return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
