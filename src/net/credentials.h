/* credentials.h -- where the keys of an S3 store come from. */
#ifndef NET_CREDENTIALS_H
#define NET_CREDENTIALS_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

/* What the store's settings say; NULL: not set. */
struct credentials_conf {
	const char *access_key_file, *secret_key_file;
};

struct credentials {
	struct str access_key, secret_key;
	struct str session_token; /* empty: none */
	int64_t expires_ms;       /* Unix; 0: never */
};

/* Wipes the secrets. */
void credentials_free(struct credentials *c);
/*
 * Asks each provider in turn (the files of the settings, then the environment) and takes the first
 * that has something to say. RC_RETRY, code "NoCredentials", when none has, or when what one
 * says is half. Files are read anew on each call, so that a rotated secret is found by calling
 * again.
 */
enum rc credentials_load(const struct credentials_conf *conf, struct credentials *ret,
                         struct fault *f) MUST_USE;

#endif
