/* assets.h -- the static files of the pages, embedded by embed.awk into a generated table. */
#ifndef STATUS_ASSETS_H
#define STATUS_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* as in /assets/NAME */
	const char *content_type;
	const char *data;
	size_t size;
	const char *etag; /* of the content, with its quotes */
};

extern const struct asset assets[];
extern const size_t assets_count;

#endif
