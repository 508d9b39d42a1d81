/* version.h -- what this build calls itself. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define MILLRACE_VERSION "0.1.0"

#endif
