/* test_listen.c -- the texts that name a listening socket, and what is said of bad ones. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "net/listen.h"

#include "base/banned.h"

#define TENS                                                                                       \
	"1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111" \
	"111111111111"

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
	{ "[:80", "]" },
	{ "[:::80", "]" },
	{ TENS TENS TENS ":80", "too long" },
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

static bool
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	close(fd);
	return fd >= 0;
}

/* -1 when it is refused. */
static int
dial_v4(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)port),
		                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

START_TEST(no_host_is_every_address_of_both_families)
{
	struct fault f = { .rc = RC_OK };
	unsigned port;
	int fd, client;

	ck_assert_int_eq(listen_open(":0", &fd, &port, &f), RC_OK);
	client = dial_v4(port);
	ck_assert_int_ge(client, 0);
	close(client);
	close(fd);
	if (!has_ipv6())
		return;
	ck_assert_int_eq(listen_open("[::]:0", &fd, &port, &f), RC_OK);
	ck_assert_int_eq(dial_v4(port), -1);
	close(fd);
}
END_TEST

START_TEST(the_port_is_the_one_that_was_named)
{
	struct str listen CLEANUP(str_free) = STR_INIT(100);
	struct fault f = { .rc = RC_OK };
	unsigned v4, v6;
	int fd, second;

	ck_assert_int_eq(listen_open("127.0.0.1:0", &fd, &v4, &f), RC_OK);
	str_addf(&listen, "[::1]:%u", v4);
	if (has_ipv6()) {
		ck_assert_msg(listen_open(listen.data, &second, &v6, &f) == RC_OK, "%s", f.message);
		ck_assert_uint_eq(v6, v4);
		close(second);
	}
	close(fd);
}
END_TEST

/* A connection of the one before still lingers when a server starts again; who accepts never
 * waits; and no handler inherits it. */
START_TEST(the_socket_is_ready_for_a_server)
{
	struct fault f = { .rc = RC_OK };
	unsigned port;
	int fd, reuse = 0;
	socklen_t n = sizeof(reuse);

	ck_assert_int_eq(listen_open("127.0.0.1:0", &fd, &port, &f), RC_OK);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &n), 0);
	ck_assert_int_eq(reuse, 1);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
}
END_TEST

START_TEST(loopback_is_recognised)
{
	ck_assert(listen_is_loopback("127.0.0.1:1"));
	ck_assert(listen_is_loopback("127.9.9.9:1"));
	ck_assert(listen_is_loopback("localhost:1"));
	ck_assert(listen_is_loopback("[::1]:1"));
	ck_assert(listen_is_loopback("[::ffff:127.0.0.1]:1"));
	ck_assert(!listen_is_loopback("[::ffff:10.0.0.1]:1"));
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
	tcase_add_test(t, no_host_is_every_address_of_both_families);
	tcase_add_test(t, the_port_is_the_one_that_was_named);
	tcase_add_test(t, the_socket_is_ready_for_a_server);
	tcase_add_test(t, loopback_is_recognised);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
