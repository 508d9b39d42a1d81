/* hash.h -- SHA-256, HMAC-SHA-256 and comparing secrets; on OpenSSL. */
#ifndef NET_HASH_H
#define NET_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/str.h"

#define SHA256_BYTES 32
#define SHA256_HEX_MAX 65

void hash_sha256(const void *p, size_t n, uint8_t ret[SHA256_BYTES]);
char *hash_sha256_hex(const void *p, size_t n, char buf[SHA256_HEX_MAX]);
/* The whole file from its start; leaves the offset at the end. RC_RETRY on a read error. */
enum rc hash_sha256_fd(int fd, char ret_hex[SHA256_HEX_MAX], int64_t *ret_size,
                       struct fault *f) MUST_USE;
void hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
                      uint8_t ret[SHA256_BYTES]);
/* Constant time in the bytes; lengths may differ and are not secret. */
bool hash_equal(const void *a, size_t a_n, const void *b, size_t b_n);

struct hash_sha256_ctx;
void hash_end(struct hash_sha256_ctx *c); /* frees */
struct hash_sha256_ctx *hash_begin(void) OWNS(hash_end);
void hash_add(struct hash_sha256_ctx *c, const void *p, size_t n);
void hash_hex(struct hash_sha256_ctx *c, char ret_hex[SHA256_HEX_MAX]);

#endif
