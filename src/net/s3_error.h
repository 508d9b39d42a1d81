/* s3_error.h -- the <Error> body of an S3 reply; private to net/. */
#ifndef NET_S3_ERROR_H
#define NET_S3_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct s3_error {
	struct str code, message, region;
};

void s3_error_free(struct s3_error *e);
/* What could be read of it, all empty if nothing; *ret need not be initialised. Reading ends at a
 * DOCTYPE, past 16 levels and past 16 MiB. */
void s3_error_parse(const char *p, size_t n, struct s3_error *ret);

#endif
