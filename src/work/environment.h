/* environment.h -- what a handler command finds in its environment: this and nothing else. */
#ifndef WORK_ENVIRONMENT_H
#define WORK_ENVIRONMENT_H

#include "base/arena.h"
#include "queue/job.h"

/* NULL-terminated, in the arena; NULL when memory ends. home is the private folder. */
char **environment_of(const struct job *j, const char *home, struct arena *a);

#endif
