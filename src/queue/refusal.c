/* refusal.c -- what the database's refusal of a call means for the data in it. */
#include "queue/refusal.h"

#include <string.h>

#include "base/banned.h"

bool
queue_is_about_data(const struct fault *f)
{
	return f->rc == RC_PERMANENT &&
	       (f->sqlstate[0] == '\0' || strncmp(f->sqlstate, "22", 2) == 0 ||
	        strncmp(f->sqlstate, "23", 2) == 0 || strncmp(f->sqlstate, "54", 2) == 0);
}
