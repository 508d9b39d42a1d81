/* dir_private.h -- what the files of the directory store share. */
#ifndef STORE_DIR_PRIVATE_H
#define STORE_DIR_PRIVATE_H

#include "store/private.h"

struct store_dir {
	struct store store;
	char *root; /* absolute, without a slash at its end */
	int root_fd;
};

void dir_close_fd(int *fd); /* for CLEANUP */
/* From the start of one file to the place of the other. RC_RETRY with errno on a failure: ECANCELED
 * and ETIMEDOUT are the store's bounds. More than max bytes end the copy; *ret_size is then larger
 * than max. */
enum rc dir_copy(const struct store *s, int from, int to, int64_t max, int64_t *ret_size) MUST_USE;
enum rc dir_put(struct store *s, const struct store_put *p, struct fault *f) MUST_USE;

/* From the file's attributes; NULL when there is none. */
const char *dir_trace_id(int fd, struct arena *a);
/* A file system without attributes keeps none: no failure. */
enum rc dir_set_trace_id(int fd, const char *trace_id) MUST_USE;

#endif
