/* test_bound.c -- a store that does not come to an end is not waited for. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store.h"

#include "base/banned.h"

/* Far more than a second, far less than the client's own patience with a silent server. */
#define SOON_MS 10000

static const char greeting[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
static int listener, end_fd;
static pthread_t dripper;
static struct store *store;
static struct arena *arena;

/* Ten bytes a second, for ever; asks for the end at the third. */
static void *
drip(void *arg)
{
	int fd = accept(listener, NULL, NULL);
	struct pollfd p = { .fd = fd, .events = 0 };
	uint64_t one = 1;
	int sent = 0;

	if (send(fd, greeting, strlen(greeting), MSG_NOSIGNAL) < 0)
		return arg;
	while (poll(&p, 1, 100) == 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		if (++sent == 3 && write(end_fd, &one, sizeof(one)) != sizeof(one))
			break;
	close(fd);
	return arg;
}

static void
setup(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	struct str endpoint CLEANUP(str_free) = STR_INIT(100);
	struct fault f = { .rc = RC_OK };

	setenv("AWS_ACCESS_KEY_ID", "key", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, n), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	str_addf(&endpoint, "http://127.0.0.1:%d", ntohs(at.sin_port));
	const struct store_conf c = { .url = "s3://", .endpoint = endpoint.data };
	store = store_open(&c, &f);
	arena = arena_new(1 << 20);
	end_fd = eventfd(0, EFD_CLOEXEC);
	ck_assert_msg(store != NULL && arena != NULL && end_fd >= 0, "%s", f.message);
	ck_assert_int_eq(pthread_create(&dripper, NULL, drip, NULL), 0);
}

static void
teardown(void)
{
	store_close(store);
	pthread_join(dripper, NULL);
	arena_free(arena);
	close(listener);
	close(end_fd);
}

static enum rc
get(struct store *s, struct fault *f)
{
	const struct store_ref o = { .bucket = "b", .key = "k" };
	struct store_meta m;
	int to = memfd_create("get", 0);
	enum rc rc = store_get(s, &o, to, 1 << 20, arena, &m, f);

	close(to);
	return rc;
}

START_TEST(an_end_is_heard_in_the_middle)
{
	struct fault f = { .rc = RC_OK };
	int64_t began = clock_mono_ms();

	store_bound(store, end_fd, 0);
	ck_assert_msg(get(store, &f) == RC_STOP, "%s", f.message);
	ck_assert_int_lt(clock_mono_ms() - began, SOON_MS);
}
END_TEST

START_TEST(time_is_limited_in_all)
{
	struct fault f = { .rc = RC_OK };
	int64_t began = clock_mono_ms();

	store_bound(store, -1, began + 500);
	ck_assert_msg(get(store, &f) == RC_RETRY, "%s", f.message);
	ck_assert_int_lt(clock_mono_ms() - began, SOON_MS);
}
END_TEST

START_TEST(a_folder_heeds_both)
{
	char root[] = "/tmp/test-bound-XXXXXX";
	struct str url CLEANUP(str_free) = STR_INIT(100);
	struct store_put p = { .bucket = "", .key = "k", .size = 4, .sha256_hex = "" };
	struct fault f = { .rc = RC_OK };
	uint64_t one = 1;

	ck_assert_ptr_nonnull(mkdtemp(root));
	str_addf(&url, "file://%.*s", 4, root);
	p.bucket = root + strlen("/tmp/");
	const struct store_conf c = { .url = url.data };
	struct store *s = store_open(&c, &f);
	ck_assert_msg(s != NULL, "%s", f.message);
	p.fd = memfd_create("put", 0);
	ck_assert_int_eq(write(p.fd, "text", 4), 4);
	store_bound(s, end_fd, 1);
	ck_assert_int_eq(store_put(s, &p, &f), RC_RETRY);
	store_bound(s, end_fd, 0);
	ck_assert_int_eq(store_put(s, &p, &f), RC_OK);
	ck_assert_int_eq(write(end_fd, &one, sizeof(one)), sizeof(one));
	ck_assert_int_eq(store_put(s, &p, &f), RC_STOP);
	store_close(s);
	close(p.fd);
	str_reset(&url);
	str_addf(&url, "%s/k", root);
	unlink(url.data);
	ck_assert_int_eq(rmdir(root), 0); /* nothing half-written stays */
	/* The dripper still waits for its caller. */
	shutdown(listener, SHUT_RDWR);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bound");
	TCase *t = tcase_create("bound");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_end_is_heard_in_the_middle);
	tcase_add_test(t, time_is_limited_in_all);
	tcase_add_test(t, a_folder_heeds_both);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
