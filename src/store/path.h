/* path.h -- from a bucket and a key to an open folder, without a way out of the root; private to
 * store/. */
#ifndef STORE_PATH_H
#define STORE_PATH_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/fault.h"

/*
 * Opens the folder that holds bucket/key below root_fd, part by part and never through a symbolic
 * link; *ret_name points at the key's last part. With make, folders that are missing below the
 * bucket are created. RC_PERMANENT: "BadKey" naming the part that cannot be one of a path,
 * "NotFound" for a missing folder (RC_RETRY and "NoSuchBucket" for a bucket's), "AccessDenied".
 */
enum rc path_open(int root_fd, const char *bucket, const char *key, bool make, int *ret_dir_fd,
                  const char **ret_name, struct fault *f) MUST_USE;
/* What errno means for bucket/key; doing is "opening", "writing" … */
enum rc path_fault(int e, const char *doing, const char *bucket, const char *key, struct fault *f);

#endif
