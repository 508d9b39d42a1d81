/* folder.h -- measuring and removing a tree of files that a stranger made. */
#ifndef WORK_FOLDER_H
#define WORK_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Bytes on disk below dir_fd; stops once it is past enough. Works while the stranger does: links
 * are not followed, and a tree deeper than 32 or of more than 100,000 entries counts as past
 * enough.
 */
int64_t folder_bytes(int dir_fd, int64_t enough);
/* Removes name below parent_fd with all in it, at any depth and whatever its modes; nobody else may
 * be working in it. False when something is left. */
bool folder_remove(int parent_fd, const char *name);

#endif
