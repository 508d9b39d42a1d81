/* s3_meta.h -- user metadata inside a record, and the trace ID in it. Pure. */
#ifndef INTAKE_S3_META_H
#define INTAKE_S3_META_H

#include "base/arena.h"
#include "net/json.h"
#include "queue/upload.h"

/*
 * Fills metadata (names in lower case without x-amz-meta-), trace_id and, where the event has no
 * content type of its own, content_type. object is s3.object. RC_RETRY: the arena is exhausted.
 */
enum rc s3_meta_read(const struct json *object, struct arena *a, struct upload_event *e,
                     struct fault *f) MUST_USE;

#endif
