/* test_stop.c -- a stop is seen by every way of waiting. Each test is a process of its own. */
#include "tests/unit/base/suite.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "base/banned.h"

static bool
readable(void)
{
	struct pollfd p = { .fd = stop_fd(), .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

START_TEST(nothing_yet)
{
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	ck_assert(!stop_requested() && stop_signal() == 0 && !readable());
	int64_t start = clock_mono_ms();
	ck_assert(!stop_wait_ms(20));
	ck_assert_int_ge(clock_mono_ms() - start, 19);
	ck_assert(!stop_wait_ms(0) && !stop_wait_ms(-5));
	raise(SIGPIPE);
}
END_TEST

START_TEST(by_signal)
{
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	raise(SIGTERM);
	ck_assert(stop_requested() && stop_signal() == SIGTERM);
	ck_assert(readable() && readable());
	ck_assert(stop_wait_ms(3600000));
	raise(SIGTERM);
	ck_assert(stop_requested() && readable());
}
END_TEST

static void *
ask(void *arg)
{
	(void)arg;
	stop_request();
	return NULL;
}

START_TEST(by_request_from_another_thread)
{
	pthread_t t;
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	pthread_create(&t, NULL, ask, NULL);
	ck_assert(stop_wait_ms(10000));
	ck_assert_int_eq(stop_signal(), 0);
	pthread_join(t, NULL);
}
END_TEST

START_TEST(asked_before_setup)
{
	stop_request();
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	ck_assert(stop_requested() && readable());
}
END_TEST

START_TEST(an_endless_wait_ends)
{
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	stop_request();
	ck_assert(stop_wait_ms(INT64_MAX));
}
END_TEST

SUITE_MAIN("stop", nothing_yet, by_signal, by_request_from_another_thread, asked_before_setup,
           an_endless_wait_ends)
