/* sniff.h -- what a file is by its first bytes, and whether that agrees with what it claims. Pure.
 */
#ifndef ROUTE_SNIFF_H
#define ROUTE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

#define SNIFF_BYTES 4096

/*
 * The type of a file that starts with these n bytes; static. Never NULL: text/plain for what has no
 * control characters and is UTF-8 or mostly ASCII, or starts with a mark of UTF-16;
 * application/x-empty for no bytes, application/octet-stream for the rest. complete: the n bytes
 * are the whole file (else a character may be cut at the end).
 */
const char *sniff_type(const void *head, size_t n, bool complete);

/*
 * The claims of a file are its name's ending and the content type that it was stored with. A claim
 * counts if it is one of those listed in sniff.c: a binary format that its first bytes show, or
 * text. `application/octet-stream`, no type, and every ending or type not listed claim nothing.
 */
struct sniff_verdict {
	const char *type; /* what rules match: the sniffed type; of text and of what cannot be told,
	                     the claim that is more exact. Borrowed from the arguments or static. */
	const char *claim; /* the claim that the content contradicts, as found (".pdf",
	                      "image/png"), or NULL */
	const char *claimed_type;
};
/* content_type may be NULL. */
struct sniff_verdict sniff_judge(const char *sniffed, const char *key, const char *content_type);

#endif
