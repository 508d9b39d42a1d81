/* compiler.h -- attributes shared by all rooms; no code. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

/* The caller must look at the result. */
#define MUST_USE __attribute__((warn_unused_result))
/* printf-like checking: index of the format, index of the first argument. */
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
/* Run fn(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
/* On a constructor: the caller owns the result and releases it with fn. */
#if defined(__clang__)
#define OWNS(fn) MUST_USE
#else
#define OWNS(fn) MUST_USE __attribute__((malloc(fn, 1)))
#endif

/* What p points to has an owner: what it was just stored in. gcc 12's analyzer (MODE=analyze, which
 * is never linked) forgets what is stored in elements of arrays, and would call it a leak; what an
 * unknown function has seen is none. */
#ifdef ANALYZE
void kept(void *p);
#define KEPT(p) kept(p)
#else
#define KEPT(p) ((void)0)
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
