/* test_stop.c -- a stop is seen by every way of waiting. Each test is a process of its own. */
#include "tests/unit/base/suite.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
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

static void
stopped_by(int number)
{
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	raise(number);
	ck_assert(stop_requested() && stop_signal() == number);
	ck_assert(readable() && readable());
	ck_assert(stop_wait_ms(3600000));
	raise(number);
	ck_assert(stop_requested() && readable());
}

START_TEST(by_sigterm)
{
	stopped_by(SIGTERM);
}
END_TEST

START_TEST(by_sigint)
{
	stopped_by(SIGINT);
}
END_TEST

START_TEST(a_signal_leaves_errno_alone)
{
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	close(stop_fd()); /* what the handler writes fails */
	errno = ENOENT;
	raise(SIGTERM);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_second_setup_changes_nothing)
{
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	int fd = stop_fd();
	stop_request();
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	ck_assert(stop_fd() == fd && stop_requested() && readable());
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

static void
on_alarm(int number)
{
	(void)number;
	stop_request();
}

START_TEST(an_endless_wait_ends)
{
	const struct sigaction alarmed = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value.tv_usec = 20000 };
	ck_assert_int_eq(stop_setup(NULL), RC_OK);
	ck_assert_int_eq(sigaction(SIGALRM, &alarmed, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ck_assert(stop_wait_ms(INT64_MAX));
}
END_TEST

SUITE_MAIN("stop", nothing_yet, by_sigterm, by_sigint, a_signal_leaves_errno_alone,
           a_second_setup_changes_nothing, by_request_from_another_thread, asked_before_setup,
           an_endless_wait_ends)
