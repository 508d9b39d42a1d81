/* s3_field.h -- single fields of an S3 record: keys, names, times, sequencers. Pure. */
#ifndef INTAKE_S3_FIELD_H
#define INTAKE_S3_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "queue/upload.h"

#define S3_KEY_MAX 1024

/*
 * '+' to a blank, then %XX. A malformed escape means that the sender does not encode: the text is
 * taken as it is. *ret_n may count NUL bytes. NULL when the arena is exhausted.
 */
char *s3_decode_form(struct arena *a, const char *text, size_t *ret_n);
/* NULL if the key may be stored, else what is wrong with it. */
const char *s3_key_problem(const char *key, size_t n);
const char *s3_bucket_problem(const char *bucket);
/* With or without "s3:". Exact lists: what is on none is EVENT_OTHER, also what is yet unknown. */
enum event_what s3_event_what(const char *name);
/* 2026-01-02T03:04:05[.up to 9 digits][Z|±hh:mm] to Unix microseconds; no zone means UTC. 0 for
 * anything else. */
int64_t s3_event_time(const char *text);
/* "aws:s3" gives "aws"; NULL or of another form: "unknown". */
const char *s3_origin(struct arena *a, const char *event_source);
/* What compares as text within the origin, or NULL: not hex digits, or no known order. */
const char *s3_sequencer(struct arena *a, const char *origin, const char *text);
/* NULL for "", "null", and the "1" that MinIO sends for a bucket without versions. */
const char *s3_version(const char *origin, const char *text);

#endif
