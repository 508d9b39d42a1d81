/* files.h -- the few things that dev does with files and folders. */
#ifndef DEV_FILES_H
#define DEV_FILES_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"

/* The folder that path is in; path is absolute and has no slash at its end. NULL when memory ends.
 */
char *files_parent(const char *path, struct arena *a) MUST_USE;
/* Makes the folder and those above it. An existing one keeps its mode. */
enum rc files_make_folder(const char *path, unsigned mode, struct fault *f) MUST_USE;
/* Removes the tree without following links; none is no failure. */
enum rc files_remove_tree(const char *path, struct fault *f) MUST_USE;
/* At most max bytes of a file as text, or NULL when it cannot be read. */
char *files_read_text(const char *path, size_t max, struct arena *a) MUST_USE;
/* The file appears whole, mode 0600, or not at all. */
enum rc files_write_text(const char *path, const char *text, struct fault *f) MUST_USE;

#endif
