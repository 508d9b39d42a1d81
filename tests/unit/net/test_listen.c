/* test_listen.c -- the texts that name a listening socket, and what is said of bad ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "net/listen.h"

#include "base/banned.h"

static const struct {
	const char *listen, *says;
} bad_listens[] = {
	{ "127.0.0.1", "ADDRESS:PORT" },
	{ "127.0.0.1:x", "ADDRESS:PORT" },
	{ "127.0.0.1:65536", "ADDRESS:PORT" },
	{ "example.com:1", "numeric" },
	{ "::1:80", "numeric" },
	{ "[::1:80", "]" },
	{ "[]:80", "numeric" },
	{ "203.0.113.1:0", "assign requested address" },
};

/* What refuses the text, which must be named. */
static void
refused(const char *listen, const char *says)
{
	struct fault f = { .rc = RC_OK };
	unsigned port;
	int fd;

	ck_assert_int_eq(listen_open(listen, &fd, &port, &f), RC_PERMANENT);
	ck_assert_int_eq(f.rc, RC_PERMANENT);
	ck_assert_msg(strstr(f.message, listen) != NULL, "%s", f.message);
	ck_assert_msg(strstr(f.message, says) != NULL, "%s", f.message);
}

START_TEST(a_bad_text_is_named)
{
	refused(bad_listens[_i].listen, bad_listens[_i].says);
}
END_TEST

START_TEST(a_port_in_use_is_named)
{
	struct str listen CLEANUP(str_free) = STR_INIT(100);
	struct fault f = { .rc = RC_OK };
	unsigned port;
	int fd;

	ck_assert_int_eq(listen_open("127.0.0.1:0", &fd, &port, &f), RC_OK);
	str_addf(&listen, "127.0.0.1:%u", port);
	refused(listen.data, "in use");
	close(fd);
}
END_TEST

START_TEST(loopback_is_recognised)
{
	ck_assert(listen_is_loopback("127.0.0.1:1"));
	ck_assert(listen_is_loopback("127.9.9.9:1"));
	ck_assert(listen_is_loopback("localhost:1"));
	ck_assert(listen_is_loopback("[::1]:1"));
	ck_assert(!listen_is_loopback(":1"));
	ck_assert(!listen_is_loopback("0.0.0.0:1"));
	ck_assert(!listen_is_loopback("[::]:1"));
	ck_assert(!listen_is_loopback("10.0.0.1:1"));
	ck_assert(!listen_is_loopback("nonsense"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("listen");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, a_bad_text_is_named, 0, (int)ARRAY_LEN(bad_listens));
	tcase_add_test(t, a_port_in_use_is_named);
	tcase_add_test(t, loopback_is_recognised);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
