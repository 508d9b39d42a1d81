/* hash.c -- SHA-256 and HMAC-SHA-256 on OpenSSL. */
#include "net/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/banned.h"

struct hash_sha256_ctx {
	EVP_MD_CTX *md;
};

static char *
to_hex(const uint8_t digest[SHA256_BYTES], char buf[SHA256_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		buf[2 * i] = digits[digest[i] >> 4];
		buf[2 * i + 1] = digits[digest[i] & 15];
	}
	buf[2 * SHA256_BYTES] = '\0';
	return buf;
}

/* SHA-256 of bytes in memory fails only when memory ends or OpenSSL is broken; there is no sensible
 * way on from either. */
static void
must(int ok)
{
	assert(ok == 1);
}

void
hash_sha256(const void *p, size_t n, uint8_t ret[SHA256_BYTES])
{
	must(EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL));
}

char *
hash_sha256_hex(const void *p, size_t n, char buf[SHA256_HEX_MAX])
{
	uint8_t digest[SHA256_BYTES];

	hash_sha256(p, n, digest);
	return to_hex(digest, buf);
}

void
hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, uint8_t ret[SHA256_BYTES])
{
	unsigned len = SHA256_BYTES;

	must(HMAC(EVP_sha256(), key, (int)key_n, p, n, ret, &len) != NULL);
}

bool
hash_equal(const void *a, size_t a_n, const void *b, size_t b_n)
{
	return a_n == b_n && CRYPTO_memcmp(a, b, a_n) == 0;
}

static void
destroy(struct hash_sha256_ctx *c)
{
	if (c == NULL)
		return;
	EVP_MD_CTX_free(c->md);
	free(c);
}

void
hash_end(struct hash_sha256_ctx *c)
{
	destroy(c);
}

static struct hash_sha256_ctx *
create(void)
{
	struct hash_sha256_ctx *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->md = EVP_MD_CTX_new();
	if (c->md == NULL || EVP_DigestInit_ex(c->md, EVP_sha256(), NULL) != 1) {
		destroy(c);
		return NULL;
	}
	return c;
}

struct hash_sha256_ctx *
hash_begin(void)
{
	return create();
}

void
hash_add(struct hash_sha256_ctx *c, const void *p, size_t n)
{
	must(EVP_DigestUpdate(c->md, p, n));
}

void
hash_hex(struct hash_sha256_ctx *c, char ret_hex[SHA256_HEX_MAX])
{
	uint8_t digest[SHA256_BYTES];

	must(EVP_DigestFinal_ex(c->md, digest, NULL));
	to_hex(digest, ret_hex);
}

#define CHUNK ((size_t)64 * 1024)

static enum rc
add_fd(struct hash_sha256_ctx *c, int fd, uint8_t *chunk, int64_t *ret_size, struct fault *f)
{
	int64_t size = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(f, RC_RETRY, "reading a file to hash it: %s",
			                 strerror(errno));
		if (n == 0)
			break;
		hash_add(c, chunk, (size_t)n);
		size += n;
	}
	*ret_size = size;
	return RC_OK;
}

enum rc
hash_sha256_fd(int fd, char ret_hex[SHA256_HEX_MAX], int64_t *ret_size, struct fault *f)
{
	struct hash_sha256_ctx *c;
	uint8_t *chunk;
	int64_t size = 0;
	enum rc rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return fault_set(f, RC_RETRY, "rewinding a file to hash it: %s", strerror(errno));
	c = create();
	chunk = malloc(CHUNK);
	rc = c == NULL || chunk == NULL ? RC_RETRY : add_fd(c, fd, chunk, &size, f);
	if (c == NULL || chunk == NULL)
		fault_set(f, RC_RETRY, "no memory to hash a file");
	else if (rc == RC_OK) {
		hash_hex(c, ret_hex);
		*ret_size = size;
	}
	free(chunk);
	destroy(c);
	return rc;
}
