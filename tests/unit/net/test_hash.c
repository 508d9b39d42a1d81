/* test_hash.c -- digests against published values. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/hash.h"

#include "base/banned.h"

#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

START_TEST(sha256_of_published_texts)
{
	char hex[SHA256_HEX_MAX];

	ck_assert_str_eq(hash_sha256_hex("abc", 3, hex), ABC_SHA256);
	ck_assert_str_eq(hash_sha256_hex("", 0, hex),
	                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(sha256_in_pieces)
{
	struct hash_sha256_ctx *c = hash_begin();
	char hex[SHA256_HEX_MAX];

	ck_assert_ptr_nonnull(c);
	hash_add(c, "a", 1);
	hash_add(c, "", 0);
	hash_add(c, "bc", 2);
	hash_hex(c, hex);
	hash_end(c);
	ck_assert_str_eq(hex, ABC_SHA256);
}
END_TEST

START_TEST(sha256_of_a_file_is_from_its_start)
{
	char hex[SHA256_HEX_MAX];
	int64_t size = -1;
	struct fault f;
	int fd = memfd_create("abc", 0);

	ck_assert_int_eq(write(fd, "abc", 3), 3);
	ck_assert_int_eq(hash_sha256_fd(fd, hex, &size, &f), RC_OK);
	ck_assert_str_eq(hex, ABC_SHA256);
	ck_assert_int_eq(size, 3);
	close(fd);
	ck_assert_int_eq(hash_sha256_fd(fd, hex, &size, &f), RC_RETRY);
	fd = open("/dev/null", O_WRONLY);
	ck_assert_int_eq(hash_sha256_fd(fd, hex, &size, &f), RC_RETRY);
	ck_assert_ptr_nonnull(strstr(f.message, "reading"));
	close(fd);
}
END_TEST

/* Longer than what is read at a time, and no multiple of it. */
START_TEST(sha256_of_a_long_file)
{
	static char bytes[200001];
	char hex[SHA256_HEX_MAX], want[SHA256_HEX_MAX];
	int64_t size = -1;
	struct fault f;
	int fd = memfd_create("long", 0);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	ck_assert_int_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_int_eq(hash_sha256_fd(fd, hex, &size, &f), RC_OK);
	ck_assert_str_eq(hex, hash_sha256_hex(bytes, sizeof(bytes), want));
	ck_assert_int_eq(size, sizeof(bytes));
	close(fd);
}
END_TEST

/* RFC 4231, cases 2 and 6 (a key longer than a block). */
START_TEST(hmac_of_published_texts)
{
	static const char want2[] =
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
	static const char want6[] =
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
	struct str hex CLEANUP(str_free) = STR_INIT(200);
	uint8_t mac[SHA256_BYTES], key[131];

	hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	str_add_hex(&hex, mac, sizeof(mac));
	ck_assert_str_eq(hex.data, want2);
	memset(key, 0xaa, sizeof(key));
	hash_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First",
	                 54, mac);
	str_reset(&hex);
	str_add_hex(&hex, mac, sizeof(mac));
	ck_assert_str_eq(hex.data, want6);
}
END_TEST

START_TEST(equal_is_about_all_bytes)
{
	ck_assert(hash_equal("abc", 3, "abc", 3));
	ck_assert(!hash_equal("abc", 3, "abd", 3));
	ck_assert(!hash_equal("abc", 3, "ab", 2));
	ck_assert(!hash_equal("abc", 3, "abcd", 4));
	ck_assert(!hash_equal("abc", 2, "abc", 3));
	ck_assert(hash_equal("", 0, "", 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("hash");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_test(t, sha256_of_published_texts);
	tcase_add_test(t, sha256_in_pieces);
	tcase_add_test(t, sha256_of_a_file_is_from_its_start);
	tcase_add_test(t, sha256_of_a_long_file);
	tcase_add_test(t, hmac_of_published_texts);
	tcase_add_test(t, equal_is_about_all_bytes);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
