/* test_mailbox.c -- order, capacity, closing, deadlines, and many threads at once. */
#include "tests/unit/base/suite.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/banned.h"

static bool
readable(struct mailbox *m)
{
	struct pollfd p = { .fd = mailbox_fd(m), .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

START_TEST(order_and_capacity)
{
	int items[5];
	void *out[5];
	struct mailbox *m = mailbox_new(3);
	ck_assert(!readable(m));
	for (int round = 0; round < 4; round++) {
		ck_assert(mailbox_try_put(m, &items[0]) && mailbox_try_put(m, &items[1]));
		ck_assert(mailbox_try_put(m, &items[2]) && !mailbox_try_put(m, &items[3]));
		ck_assert_uint_eq(mailbox_count(m), 3);
		ck_assert(readable(m));
		ck_assert_uint_eq(mailbox_take(m, out, 2, 0), 2);
		ck_assert_ptr_eq(out[0], &items[0]);
		ck_assert_ptr_eq(out[1], &items[1]);
		ck_assert(readable(m));
		ck_assert_uint_eq(mailbox_take(m, out, 5, 0), 1);
		ck_assert_ptr_eq(out[0], &items[2]);
		ck_assert(!readable(m));
	}
	mailbox_free(m);
	mailbox_free(NULL);
}
END_TEST

START_TEST(waits_no_longer_than_told)
{
	void *out[1];
	struct mailbox *m = mailbox_new(1);
	int64_t start = clock_mono_ms();
	ck_assert_uint_eq(mailbox_take(m, out, 1, 0), 0);
	ck_assert_uint_eq(mailbox_take(m, out, 1, 30), 0);
	ck_assert_int_ge(clock_mono_ms() - start, 29);
	mailbox_free(m);
}
END_TEST

static void *
close_it(void *arg)
{
	mailbox_close(arg);
	return NULL;
}

START_TEST(closing_wakes_and_drains)
{
	void *out[4];
	int item;
	struct mailbox *m = mailbox_new(4);
	pthread_t t;
	ck_assert(mailbox_try_put(m, &item));
	pthread_create(&t, NULL, close_it, m);
	ck_assert_uint_eq(mailbox_take(m, out, 4, -1), 1);
	ck_assert_uint_eq(mailbox_take(m, out, 4, -1), 0);
	pthread_join(t, NULL);
	ck_assert(!mailbox_try_put(m, &item));
	mailbox_free(m);
}
END_TEST

#define PRODUCERS 4
#define CONSUMERS 4
#define EACH 5000

static struct {
	struct mailbox *m;
	atomic_uchar seen[PRODUCERS * EACH];
	atomic_int next, taken;
} crowd;

static void *
produce(void *arg)
{
	(void)arg;
	int first = atomic_fetch_add(&crowd.next, EACH);
	for (int i = first; i < first + EACH; i++)
		while (!mailbox_try_put(crowd.m, &crowd.seen[i]))
			sched_yield();
	return NULL;
}

static void *
consume(void *arg)
{
	void *out[7];
	size_t n;
	(void)arg;
	while ((n = mailbox_take(crowd.m, out, ARRAY_LEN(out), -1)) > 0) {
		for (size_t i = 0; i < n; i++)
			atomic_fetch_add((atomic_uchar *)out[i], 1);
		atomic_fetch_add(&crowd.taken, (int)n);
	}
	return NULL;
}

START_TEST(every_item_once)
{
	pthread_t producers[PRODUCERS], consumers[CONSUMERS];
	crowd.m = mailbox_new(16);
	for (int i = 0; i < CONSUMERS; i++)
		pthread_create(&consumers[i], NULL, consume, NULL);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_create(&producers[i], NULL, produce, NULL);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i], NULL);
	mailbox_close(crowd.m);
	for (int i = 0; i < CONSUMERS; i++)
		pthread_join(consumers[i], NULL);
	ck_assert_int_eq(crowd.taken, PRODUCERS * EACH);
	for (size_t i = 0; i < ARRAY_LEN(crowd.seen); i++)
		ck_assert_uint_eq(crowd.seen[i], 1);
	ck_assert_uint_eq(mailbox_count(crowd.m), 0);
	ck_assert(!readable(crowd.m));
	mailbox_free(crowd.m);
}
END_TEST

#define SLEEPERS 12
static struct {
	struct mailbox *m;
	pthread_barrier_t all_have_one;
	bool at_most; /* half of them give up now and then, and come back */
} dorm;

static void *
take_one_and_keep_it(void *arg)
{
	void *item = NULL;
	int64_t wait_ms = dorm.at_most && (intptr_t)arg % 2 ? 1 : -1;
	while (mailbox_take(dorm.m, &item, 1, wait_ms) == 0)
		continue;
	pthread_barrier_wait(&dorm.all_have_one);
	return item;
}

/* Nobody comes back for a second one: each item needs a sleeper of its own. */
static void
wake_all(bool at_most)
{
	pthread_t threads[SLEEPERS];
	int things[SLEEPERS];
	dorm.m = mailbox_new(SLEEPERS);
	dorm.at_most = at_most;
	pthread_barrier_init(&dorm.all_have_one, NULL, SLEEPERS);
	for (intptr_t i = 0; i < SLEEPERS; i++)
		pthread_create(&threads[i], NULL, take_one_and_keep_it, (void *)i);
	for (size_t i = 0; i < SLEEPERS; i++)
		ck_assert(mailbox_try_put(dorm.m, &things[i]));
	for (size_t i = 0; i < SLEEPERS; i++) {
		void *item = NULL;
		pthread_join(threads[i], &item);
		ck_assert_ptr_nonnull(item);
	}
	ck_assert_uint_eq(mailbox_count(dorm.m), 0);
	pthread_barrier_destroy(&dorm.all_have_one);
	mailbox_free(dorm.m);
}

START_TEST(a_burst_wakes_as_many_as_it_needs)
{
	for (int round = 0; round < 300; round++)
		wake_all(round % 2);
}
END_TEST

SUITE_MAIN("mailbox", order_and_capacity, waits_no_longer_than_told, closing_wakes_and_drains,
           every_item_once, a_burst_wakes_as_many_as_it_needs)
