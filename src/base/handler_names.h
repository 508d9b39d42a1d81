/* handler_names.h -- variables that tell a handler about its job; no setting has these names. */
#ifndef BASE_HANDLER_NAMES_H
#define BASE_HANDLER_NAMES_H

#define HANDLER_TRACE_ID "MILLRACE_TRACE_ID"
#define HANDLER_JOB "MILLRACE_JOB"
#define HANDLER_KIND "MILLRACE_KIND"
#define HANDLER_ATTEMPT "MILLRACE_ATTEMPT"
#define HANDLER_KEY "MILLRACE_KEY"
#define HANDLER_CONTENT_TYPE "MILLRACE_CONTENT_TYPE"

#endif
