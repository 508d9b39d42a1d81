/* dir_meta.c -- what a file says of itself besides its bytes: type and trace ID. */
#include "store/dir_private.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

#include "base/banned.h"

#define TRACE_XATTR "user.millrace.trace-id"
#define TRACE_BYTES_MAX 256

static const struct {
	const char *suffix, *type;
} types[] = {
	{ "avif", "image/avif" },
	{ "bmp", "image/bmp" },
	{ "csv", "text/csv" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "gif", "image/gif" },
	{ "gz", "application/gzip" },
	{ "heic", "image/heic" },
	{ "htm", "text/html" },
	{ "html", "text/html" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "json", "application/json" },
	{ "md", "text/markdown" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "svg", "image/svg+xml" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "tsv", "text/tab-separated-values" },
	{ "txt", "text/plain" },
	{ "wav", "audio/wav" },
	{ "webp", "image/webp" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "xml", "application/xml" },
	{ "zip", "application/zip" },
};

const char *
store_content_type(const char *key)
{
	const char *dot = strrchr(key, '.');

	for (size_t i = 0; dot != NULL && i < ARRAY_LEN(types); i++)
		if (strcasecmp(dot + 1, types[i].suffix) == 0)
			return types[i].type;
	return NULL;
}

const char *
dir_trace_id(int fd, struct arena *a)
{
	char text[TRACE_BYTES_MAX];
	ssize_t n = fgetxattr(fd, TRACE_XATTR, text, sizeof(text));

	if (n <= 0)
		return NULL;
	/* What is no header's value on S3 is none here. */
	for (ssize_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return NULL;
	return arena_strndup(a, text, (size_t)n);
}

enum rc
dir_set_trace_id(int fd, const char *trace_id)
{
	if (trace_id == NULL || fsetxattr(fd, TRACE_XATTR, trace_id, strlen(trace_id), 0) == 0)
		return RC_OK;
	return errno == ENOTSUP || errno == EPERM || errno == EACCES ? RC_OK : RC_RETRY;
}
