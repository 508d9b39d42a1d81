/* crowd.h -- how many processes came of one. */
#ifndef WORK_CROWD_H
#define WORK_CROWD_H

#include <stddef.h>
#include <sys/types.h>

#define CROWD_MAX 256

/*
 * The living descendants of a process, stops once past CROWD_MAX. Threads are not counted, nor
 * children of other threads than the first. 0 where the kernel does not tell
 * (CONFIG_PROC_CHILDREN).
 */
size_t crowd_count(pid_t root);

#endif
