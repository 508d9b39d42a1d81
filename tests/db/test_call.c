/* test_call.c -- src/db against a real server: values, errors, losses, deadlines, waiting. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "tests/db/database.h"
#include "base/banned.h"

static struct db *db;
static struct fault f;

static void
setup(void)
{
	without_schema();
	db = database();
}

static void
teardown(void)
{
	db_close(db);
	drop_database();
}

START_TEST(values)
{
	const char *const args[] = { "5", NULL };
	struct db_rows *rows = db_call(
		db, "select $1::int as a, $2::text as b, true, ''::text, -9223372036854775808", 2,
		args, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_uint_eq(db_count(rows), 1);
	ck_assert_uint_eq(db_columns(rows), 5);
	ck_assert_str_eq(db_column_name(rows, 0), "a");
	ck_assert_int_eq(db_int(rows, 0, 0, -1), 5);
	ck_assert_int_eq(db_int(rows, 0, 1, -1), -1);
	ck_assert_ptr_null(db_text(rows, 0, 1));
	ck_assert(!db_bool(rows, 0, 1));
	ck_assert(db_bool(rows, 0, 2));
	ck_assert_str_eq(db_text(rows, 0, 3), "");
	ck_assert_int_eq(db_int(rows, 0, 4, 0), INT64_MIN);
	db_rows_free(rows);
}
END_TEST

START_TEST(a_cell_that_is_not_there_aborts)
{
	struct db_rows *rows = db_call(db, "select 1", 0, NULL, &f);
	db_text(rows, 1, 0);
}
END_TEST

START_TEST(large_parameters)
{
	size_t n = 32u << 20;
	char *text = malloc(n + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	text[n] = '\0';
	const char *const args[] = { text };
	struct db_rows *rows = db_call(db, "select length($1), $1", 1, args, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_int_eq(db_int(rows, 0, 0, 0), (int64_t)n);
	ck_assert_str_eq(db_text(rows, 0, 1), text);
	db_rows_free(rows);
	free(text);
}
END_TEST

START_TEST(arrays_arrive_as_written)
{
	static const char *const texts[] = { "plain", "",        NULL,
		                             "NULL",  "a\"b\\c", "\\",
		                             "{a,b}", " x\n\t ", "\xf0\x9f\x98\x80",
		                             "'$1'" };
	struct str array = STR_INIT(1000);
	db_array_open(&array);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		db_array_text(&array, texts[i]);
	db_array_close(&array);
	const char *const args[] = { str_text(&array) };
	struct db_rows *rows = db_call(db, "select unnest($1::text[])", 1, args, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_uint_eq(db_count(rows), ARRAY_LEN(texts));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i])
			ck_assert_str_eq(db_text(rows, i, 0), texts[i]);
		else
			ck_assert_ptr_null(db_text(rows, i, 0));
	}
	db_rows_free(rows);
	str_free(&array);
}
END_TEST

START_TEST(bytes_arrive_as_written)
{
	unsigned char all[256];
	struct str array = STR_INIT(2000);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	db_array_open(&array);
	db_array_bytes(&array, all, sizeof(all));
	db_array_bytes(&array, NULL, 0);
	db_array_close(&array);
	const char *const args[] = { str_text(&array) };
	struct db_rows *rows = db_call(db,
	                               "select length(a[1]), get_byte(a[1], 0), get_byte(a[1], 92),"
	                               " get_byte(a[1], 255), length(a[2])"
	                               " from (select $1::bytea[] as a) x",
	                               1, args, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	static const int64_t wanted[] = { 256, 0, 92, 255, 0 };
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_int_eq(db_int(rows, 0, i, -1), wanted[i]);
	db_rows_free(rows);
	str_free(&array);
}
END_TEST

START_TEST(errors_have_their_class)
{
	ck_assert_ptr_null(db_call(db, "select 1/0", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_PERMANENT);
	ck_assert_str_eq(f.sqlstate, "22012");
	ck_assert_str_eq(f.message, "division by zero");
	sql_int(db, "create function gone() returns int language plpgsql as"
	            " $$begin raise exception 'x' using errcode = 'MR001'; end$$");
	ck_assert_ptr_null(db_call(db, "select gone()", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_LOST);
	ck_assert(!db_broken(db));
	ck_assert_int_eq(sql_int(db, "select 7"), 7);
}
END_TEST

START_TEST(terminated_backend)
{
	struct db *other = database();
	ck_assert_ptr_null(
		db_call(db, "select pg_terminate_backend(pg_backend_pid())", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(db_broken(db));
	ck_assert_ptr_null(db_call(db, "select 1", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_RETRY);
	db_close(db);
	db = database();
	ck_assert_int_eq(sql_int(db, "select 1"), 1);
	db_close(other);
}
END_TEST

START_TEST(deadline)
{
	db_set_deadline_ms(db, 200);
	int64_t began_ms = clock_mono_ms();
	ck_assert_ptr_null(db_call(db, "select pg_sleep(60)", 0, NULL, &f));
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(clock_mono_ms() - began_ms < 2000);
	ck_assert(db_broken(db));
}
END_TEST

/* A peer that takes what we send and never answers: the server's process is stopped. */
START_TEST(silent_peer)
{
	pid_t backend = (pid_t)sql_int(db, "select pg_backend_pid()");
	db_set_deadline_ms(db, 300);
	ck_assert_int_eq(kill(backend, SIGSTOP), 0);
	int64_t began_ms = clock_mono_ms();
	struct db_rows *rows = db_call(db, "select 1", 0, NULL, &f);
	int64_t took_ms = clock_mono_ms() - began_ms;
	kill(backend, SIGCONT);
	ck_assert_ptr_null(rows);
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(took_ms >= 300 && took_ms < 6000);
	ck_assert(db_broken(db));
}
END_TEST

/* Whatever becomes of the test: the server that it stopped runs again after a while. */
static pid_t
thaw_later(const pid_t stopped[2])
{
	pid_t guard = fork();
	if (guard == 0) {
		poll(NULL, 0, 8000);
		kill(stopped[0], SIGCONT);
		kill(stopped[1], SIGCONT);
		_exit(0);
	}
	return guard;
}

START_TEST(frozen_server)
{
	const pid_t stopped[] = {
		(pid_t)sql_int(db, "select pg_backend_pid()"),
		(pid_t)sql_int(db, "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)"),
	};
	pid_t guard = thaw_later(stopped);
	db_set_deadline_ms(db, 300);
	ck_assert_int_eq(kill(stopped[0], SIGSTOP), 0);
	ck_assert_int_eq(kill(stopped[1], SIGSTOP), 0);
	int64_t began_ms = clock_mono_ms();
	struct db_rows *rows = db_call(db, "select 1", 0, NULL, &f);
	db_close(db);
	db = db_open_within(database_url(), "test", 500, &f);
	int64_t took_ms = clock_mono_ms() - began_ms;
	kill(stopped[0], SIGCONT);
	kill(stopped[1], SIGCONT);
	kill(guard, SIGKILL);
	ck_assert_ptr_null(rows);
	ck_assert_ptr_null(db);
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(took_ms >= 800 && took_ms < 3000);
}
END_TEST

START_TEST(two_in_one_trip)
{
	enum rc second = RC_BUG;
	const char *const args[] = { "1" };
	sql_int(db, "create table t (a int, x xid8 default pg_current_xact_id())");
	struct db_rows *rows =
		db_call_then(db, "insert into t values ($1) returning a", 1, args,
	                     "insert into t values ($1::int + 1)", 1, args, &second, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_int_eq(db_int(rows, 0, 0, 0), 1);
	ck_assert_int_eq(second, RC_OK);
	db_rows_free(rows);
	ck_assert_int_eq(sql_int(db, "select count(distinct x) from t"), 2);
}
END_TEST

START_TEST(the_second_may_fail)
{
	enum rc second = RC_OK;
	sql_int(db, "create table t (a int)");
	struct db_rows *rows = db_call_then(db, "insert into t values (1) returning a", 0, NULL,
	                                    "select 1/0", 0, NULL, &second, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	db_rows_free(rows);
	ck_assert_int_eq(second, RC_PERMANENT);
	ck_assert_int_eq(sql_int(db, "select count(*) from t"), 1);
}
END_TEST

START_TEST(the_first_may_fail)
{
	enum rc second = RC_BUG;
	ck_assert_ptr_null(
		db_call_then(db, "select 1/0", 0, NULL, "select 1", 0, NULL, &second, &f));
	ck_assert_int_eq(f.rc, RC_PERMANENT);
	ck_assert_str_eq(f.sqlstate, "22012");
	ck_assert_int_eq(second, RC_BUG);
	ck_assert_int_eq(sql_int(db, "select 3"), 3);
}
END_TEST

/* Rows come before the commit; a commit that fails after them must not look like success. */
START_TEST(a_failed_commit_is_a_failure)
{
	enum rc second = RC_BUG;
	sql_int(db, "create table t (a int unique deferrable initially deferred)");
	sql_int(db, "insert into t values (1)");
	ck_assert_ptr_null(db_call(db, "insert into t values (1) returning a", 0, NULL, &f));
	ck_assert_str_eq(f.sqlstate, "23505");
	f = (struct fault){ 0 };
	ck_assert_ptr_null(db_call_then(db, "insert into t values (1) returning a", 0, NULL,
	                                "select 1", 0, NULL, &second, &f));
	ck_assert_str_eq(f.sqlstate, "23505");
	ck_assert_int_eq(sql_int(db, "select count(*) from t"), 1);
}
END_TEST

START_TEST(lost_between_the_two)
{
	enum rc second = RC_OK;
	struct db_rows *rows =
		db_call_then(db, "select 1", 0, NULL,
	                     "select pg_terminate_backend(pg_backend_pid())", 0, NULL, &second, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_int_eq(db_int(rows, 0, 0, 0), 1);
	ck_assert_int_eq(second, RC_RETRY);
	ck_assert(db_broken(db));
	db_rows_free(rows);
}
END_TEST

START_TEST(lost_in_the_first)
{
	enum rc second = RC_BUG;
	ck_assert_ptr_null(db_call_then(db, "select pg_terminate_backend(pg_backend_pid())", 0,
	                                NULL, "select 1", 0, NULL, &second, &f));
	ck_assert_int_eq(f.rc, RC_RETRY);
	ck_assert(db_broken(db));
}
END_TEST

START_TEST(session_settings)
{
	struct db_rows *rows = db_call(db,
	                               "select current_setting('application_name'),"
	                               " current_setting('client_encoding')",
	                               0, NULL, &f);
	ck_assert_msg(rows != NULL, "%s", f.message);
	ck_assert_str_eq(db_text(rows, 0, 0), "test");
	ck_assert_str_eq(db_text(rows, 0, 1), "UTF8");
	db_rows_free(rows);
}
END_TEST

static void
expect_no_connection(const char *url, enum rc rc, const char *sqlstate)
{
	struct db *none = db_open(url, "test", &f);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(f.rc, rc);
	ck_assert_str_eq(f.sqlstate, sqlstate);
	ck_assert(f.message[0] != '\0');
}

START_TEST(no_connection)
{
	expect_no_connection("dbname=no_such_database", RC_PERMANENT, "3D000");
	expect_no_connection("user=no_such_user", RC_PERMANENT, "28000");
	expect_no_connection("host=/nowhere", RC_RETRY, "");
	expect_no_connection("host=127.0.0.1 port=1", RC_RETRY, "");
	expect_no_connection("postgresql://[", RC_PERMANENT, "");
	expect_no_connection("no such = thing", RC_PERMANENT, "");
}
END_TEST

/* A listener that never accepts: the connection is made and nothing is ever said. */
START_TEST(connecting_has_a_deadline)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	struct str url = STR_INIT(200);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	str_addf(&url, "host=127.0.0.1 port=%d connect_timeout=1", ntohs(a.sin_port));
	int64_t began_ms = clock_mono_ms();
	expect_no_connection(str_text(&url), RC_RETRY, "");
	int64_t took_ms = clock_mono_ms() - began_ms;
	ck_assert(took_ms >= 1000 && took_ms < 3000);
	str_free(&url);
	close(fd);
}
END_TEST

static int reported;

static void
count_report(const struct fault *why, void *arg)
{
	ck_assert_int_eq(why->rc, RC_RETRY);
	ck_assert_ptr_eq(arg, &reported);
	if (++reported == 3)
		stop_request();
}

START_TEST(patience_ends_on_stop)
{
	struct db *none = db_open_patient("host=/nowhere", "test", count_report, &reported, &f);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(f.rc, RC_STOP);
	ck_assert_int_eq(reported, 3);
}
END_TEST

START_TEST(patience_does_not_wait_for_the_impossible)
{
	ck_assert_ptr_null(db_open_patient("dbname=no_such_database", "test", NULL, NULL, &f));
	ck_assert_int_eq(f.rc, RC_PERMANENT);
}
END_TEST

START_TEST(waiting)
{
	bool notified = false, other = false;
	struct str payloads = STR_INIT(1000);
	struct db *second = database();
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	CHECK_OK(db_listen(db, "ch", &f), f);
	sql_int(second, "select pg_notify('ch', 'one')");
	sql_int(second, "select pg_notify('ch', 'two')");
	CHECK_OK(db_wait(db, fds[0], 5000, &payloads, &notified, &other, &f), f);
	ck_assert(notified && !other);
	if (strcmp(str_text(&payloads), "one\n") == 0)
		CHECK_OK(db_wait(db, fds[0], 5000, &payloads, &notified, &other, &f), f);
	ck_assert_str_eq(str_text(&payloads), "one\ntwo\n");
	int64_t began_ms = clock_mono_ms();
	CHECK_OK(db_wait(db, fds[0], 50, &payloads, &notified, &other, &f), f);
	ck_assert(!notified && !other && clock_mono_ms() - began_ms >= 50);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	CHECK_OK(db_wait(db, fds[0], -1, &payloads, &notified, &other, &f), f);
	ck_assert(!notified && other);
	db_close(second);
	str_free(&payloads);
}
END_TEST

START_TEST(waiting_notices_a_loss_and_a_stop)
{
	bool notified = false, other = false;
	struct db *second = database();
	CHECK_OK(db_listen(db, "ch", &f), f);
	sql_int(second, "select count(pg_terminate_backend(pid)) from pg_stat_activity"
	                " where datname = current_database() and pid <> pg_backend_pid()");
	ck_assert_int_eq(db_wait(db, -1, 5000, NULL, &notified, &other, &f), RC_RETRY);
	ck_assert(db_broken(db));
	db_close(db);
	db = database();
	stop_request();
	ck_assert_int_eq(db_wait(db, -1, 5000, NULL, &notified, &other, &f), RC_STOP);
	db_close(second);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("call");
	TCase *tc = tcase_create("call");
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, values);
	tcase_add_test_raise_signal(tc, a_cell_that_is_not_there_aborts, SIGABRT);
	tcase_add_test(tc, large_parameters);
	tcase_add_test(tc, arrays_arrive_as_written);
	tcase_add_test(tc, bytes_arrive_as_written);
	tcase_add_test(tc, errors_have_their_class);
	tcase_add_test(tc, terminated_backend);
	tcase_add_test(tc, deadline);
	tcase_add_test(tc, silent_peer);
	tcase_add_test(tc, frozen_server);
	tcase_add_test(tc, two_in_one_trip);
	tcase_add_test(tc, the_second_may_fail);
	tcase_add_test(tc, the_first_may_fail);
	tcase_add_test(tc, a_failed_commit_is_a_failure);
	tcase_add_test(tc, lost_between_the_two);
	tcase_add_test(tc, lost_in_the_first);
	tcase_add_test(tc, session_settings);
	tcase_add_test(tc, no_connection);
	tcase_add_test(tc, connecting_has_a_deadline);
	tcase_add_test(tc, patience_ends_on_stop);
	tcase_add_test(tc, patience_does_not_wait_for_the_impossible);
	tcase_add_test(tc, waiting);
	tcase_add_test(tc, waiting_notices_a_loss_and_a_stop);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
