/* test_batch.c -- one spoilt record harms no other, whatever it came with. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "intake/batch.h"
#include "base/banned.h"

#define MESSAGES 7

/* A database that refuses every call with an event of this name. */
struct refuser {
	enum rc rc;
	const char *sqlstate;
	bool refuses_refused_too;
	size_t calls, accepted;
};

static struct message *messages[MESSAGES];
static const char *const texts[MESSAGES] = { "m0", "m1", "m2", "m3", "m4", "m5", "m6" };

/* Which event of which message it is, is said by the size. */
static unsigned
mark_of(size_t message, size_t event)
{
	return (unsigned)(message * 10 + event + 1);
}

static void
belongs(const struct upload_event *e, const struct upload_body *b)
{
	ck_assert_str_eq(b->source, "src");
	ck_assert_uint_eq(b->n, 2);
	ck_assert_str_eq(e->store, "s3");
	if (e->what == EVENT_REFUSED)
		ck_assert_int_eq(e->size, -1);
	else
		ck_assert_str_eq(b->bytes, texts[e->size / 10]);
}

static enum rc
accept(void *arg, const struct upload_body *bodies, size_t body_n,
       const struct upload_event *events, size_t n, struct upload_verdict *ret, struct fault *f)
{
	struct refuser *db = arg;
	db->calls++;
	/* No body is sent without an event of it. */
	ck_assert_uint_eq(events[0].body, 0);
	ck_assert_uint_eq(events[n - 1].body, body_n - 1);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_lt(events[i].body, body_n);
		belongs(&events[i], &bodies[events[i].body]);
		bool is_bad = events[i].name && strcmp(events[i].name, "bad") == 0;
		if (is_bad || (db->refuses_refused_too && events[i].what == EVENT_REFUSED)) {
			fault_set(f, db->rc, "no %s", "thanks");
			memcpy(f->sqlstate, db->sqlstate, strlen(db->sqlstate) + 1);
			return db->rc;
		}
	}
	for (size_t i = 0; i < n; i++) {
		ret[i].outcome = events[i].what == EVENT_REFUSED ? UPLOAD_REFUSED : UPLOAD_ACCEPTED;
		ret[i].id.bytes[0] = (uint8_t)events[i].size;
	}
	db->accepted += n;
	return RC_OK;
}

static struct message *
new_message(size_t number, size_t events)
{
	struct message *m = calloc(1, sizeof(*m));
	ck_assert_ptr_nonnull(m);
	m->arena = arena_new(1u << 20);
	m->source = "src";
	m->body = texts[number];
	m->body_n = 2;
	m->event_n = events;
	m->events = arena_alloc(m->arena, events * sizeof(*m->events));
	m->verdicts = arena_alloc(m->arena, events * sizeof(*m->verdicts));
	for (size_t i = 0; i < events; i++)
		m->events[i] = (struct upload_event){ .what = EVENT_CREATED,
			                              .name = "good",
			                              .store = "s3",
			                              .size = mark_of(number, i) };
	return m;
}

static void
setup(void)
{
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = new_message(i, i % 3 + 1);
}

static void
teardown(void)
{
	for (size_t i = 0; i < MESSAGES; i++)
		message_free(messages[i]);
}

START_TEST(all_in_one_call)
{
	struct fault f = { 0 };
	struct refuser db = { .rc = RC_PERMANENT, .sqlstate = "22021" };
	ck_assert_int_eq(batch_commit(messages, MESSAGES, accept, &db, &f), RC_OK);
	ck_assert_uint_eq(db.calls, 1);
	for (size_t i = 0; i < MESSAGES; i++) {
		ck_assert_uint_eq(messages[i]->committed, messages[i]->event_n);
		for (size_t k = 0; k < messages[i]->event_n; k++)
			ck_assert_uint_eq(messages[i]->verdicts[k].id.bytes[0], mark_of(i, k));
	}
}
END_TEST

START_TEST(spoilt_record_is_singled_out)
{
	struct fault f = { 0 };
	struct refuser db = { .rc = RC_PERMANENT, .sqlstate = "22021" };
	messages[5]->events[1].name = "bad";
	ck_assert_int_eq(batch_commit(messages, MESSAGES, accept, &db, &f), RC_OK);
	for (size_t i = 0; i < MESSAGES; i++)
		for (size_t k = 0; k < messages[i]->event_n; k++) {
			bool spoilt = i == 5 && k == 1;
			ck_assert_int_eq(messages[i]->verdicts[k].outcome,
			                 spoilt ? UPLOAD_REFUSED : UPLOAD_ACCEPTED);
			ck_assert_uint_eq(messages[i]->verdicts[k].id.bytes[0],
			                  spoilt ? 255 : mark_of(i, k));
		}
	for (size_t i = 0; i < MESSAGES; i++)
		ck_assert_uint_eq(messages[i]->committed, messages[i]->event_n);
	ck_assert_str_eq(messages[5]->events[1].reason, "the database refused it: no thanks");
	ck_assert_uint_eq(db.accepted, 13);
	ck_assert_uint_lt(db.calls, 16);
}
END_TEST

START_TEST(database_away_splits_nothing)
{
	struct fault f = { 0 };
	struct refuser db = { .rc = RC_RETRY, .sqlstate = "\0\0\0\0" };
	messages[2]->events[0].name = "bad";
	ck_assert_int_eq(batch_commit(messages, MESSAGES, accept, &db, &f), RC_RETRY);
	ck_assert_uint_eq(db.calls, 1);
	ck_assert_uint_eq(messages[0]->committed, 0);
}
END_TEST

START_TEST(missing_right_is_not_blamed_on_a_record)
{
	struct fault f = { 0 };
	struct refuser db = { .rc = RC_PERMANENT, .sqlstate = "42501" };
	messages[2]->events[0].name = "bad";
	ck_assert_int_eq(batch_commit(messages, MESSAGES, accept, &db, &f), RC_PERMANENT);
	ck_assert_uint_eq(db.calls, 1);
	ck_assert_int_eq(messages[2]->events[0].what, EVENT_CREATED);
}
END_TEST

START_TEST(goes_on_where_it_stopped)
{
	struct fault f = { 0 };
	struct refuser db = { .rc = RC_PERMANENT,
		              .sqlstate = "22021",
		              .refuses_refused_too = true };
	messages[6]->events[0].name = "bad";
	ck_assert_int_eq(batch_commit(messages, MESSAGES, accept, &db, &f), RC_PERMANENT);
	ck_assert_uint_eq(messages[6]->committed, 0);
	ck_assert_uint_eq(messages[0]->committed, messages[0]->event_n);
	size_t before = db.accepted;
	db.refuses_refused_too = false;
	ck_assert_int_eq(batch_commit(messages, MESSAGES, accept, &db, &f), RC_OK);
	ck_assert_uint_eq(db.accepted - before, 1);
	ck_assert_uint_eq(messages[6]->committed, 1);
}
END_TEST

/* A count says how far a message came: nothing behind the event that failed may be committed. */
START_TEST(stops_at_the_first_that_cannot_be_told)
{
	struct fault f = { 0 };
	struct refuser db = { .rc = RC_PERMANENT,
		              .sqlstate = "22021",
		              .refuses_refused_too = true };
	messages[2]->events[0].name = "bad";
	ck_assert_int_eq(batch_commit(&messages[2], 1, accept, &db, &f), RC_PERMANENT);
	ck_assert_uint_eq(messages[2]->committed, 0);
	ck_assert_uint_eq(db.accepted, 0);
	ck_assert_int_eq(batch_commit(&messages[2], 2, accept, &db, &f), RC_PERMANENT);
	ck_assert_uint_eq(messages[3]->committed, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("batch");
	TCase *all = tcase_create("commit");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, all_in_one_call);
	tcase_add_test(all, spoilt_record_is_singled_out);
	tcase_add_test(all, database_away_splits_nothing);
	tcase_add_test(all, missing_right_is_not_blamed_on_a_record);
	tcase_add_test(all, stops_at_the_first_that_cannot_be_told);
	tcase_add_test(all, goes_on_where_it_stopped);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
