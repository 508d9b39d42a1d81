/* tree.h -- a folder with all below it: walked, and watched with inotify. */
#ifndef DEV_TREE_H
#define DEV_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "base/fault.h"

/* Names that are never uploads, nor are the folders below them: dotfiles, which includes what a
 * store writes beside its target. */
bool tree_skips(const char *name);

enum tree_news {
	TREE_WRITTEN, /* a file was closed after writing, or moved in */
	TREE_FOUND,   /* a file that a walk met; it may still be written to */
	TREE_MISSED,  /* events were lost, or folders moved: walk everything again; path is "" */
};
/* path is relative to the root, without a slash at either end. */
typedef void tree_told(void *arg, enum tree_news news, const char *path);

struct tree;

void tree_free(struct tree *t); /* accepts NULL */
struct tree *tree_new(const char *root, tree_told *told, void *arg, struct fault *f)
	OWNS(tree_free);
/* Readable when tree_read has something to tell. */
int tree_fd(const struct tree *t);
/* Tells what happened since the last call; never blocks. New folders are watched and walked. */
enum rc tree_read(struct tree *t, struct fault *f) MUST_USE;
/* Watches path ("" is the root) and all below, and tells of every file in it; no link is followed.
 * RC_PERMANENT: a folder could not be watched or read; all others were walked still. */
enum rc tree_walk(struct tree *t, const char *path, struct fault *f) MUST_USE;
/* True if it is a regular file now; no link is followed. */
bool tree_stat(const struct tree *t, const char *path, struct stat *ret);

#endif
