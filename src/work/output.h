/* output.h -- what a handler left behind: the files of out/ and result.json, checked. */
#ifndef WORK_OUTPUT_H
#define WORK_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/fault.h"

#define OUTPUT_FILES_MAX 1000
#define RESULT_JSON_MAX 65536

struct output_file {
	const char *name;
	const char *content_type; /* by suffix; static */
	int64_t size;
};

/*
 * The files of out/ by name, in the arena. RC_PERMANENT, code "output", for anything but regular
 * files of plain names ([A-Za-z0-9._-], at most 100, not starting with a dot), more than
 * OUTPUT_FILES_MAX of them, or more than max_bytes together. No process of the handler may be left.
 */
enum rc output_list(int dir_fd, int64_t max_bytes, struct arena *a, struct output_file **ret,
                    size_t *ret_n, struct fault *f) MUST_USE;
/* Opens one of them for reading; -1 with a fault. */
int output_open(int dir_fd, const char *name, struct fault *f) MUST_USE;

struct output_result {
	const char *json;       /* compact, in the arena; NULL: there was none */
	int64_t retry_after_ms; /* its "retry-after" in seconds; -1: none */
};

/* result.json. RC_PERMANENT, code "result": not a JSON object, too large, not a regular file. */
enum rc output_result(int dir_fd, struct arena *a, struct output_result *ret,
                      struct fault *f) MUST_USE;

#endif
