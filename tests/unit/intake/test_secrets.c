/* test_secrets.c -- which secrets count, while their files change. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "intake/secrets.h"
#include "base/banned.h"

static char folder[] = "/tmp/millrace-secrets-XXXXXX";
static char first[64], second[64], other[64];
static struct secrets *secrets;
static struct fault f;

/* Each file has the same time, whenever it is written: what else changed must be noticed too. */
static void
write_file(const char *path, const char *text)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
}

static bool
matches(const char *given)
{
	return secrets_match(secrets, given, strlen(given));
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(first, sizeof(first), "%s/first", folder);
	snprintf(second, sizeof(second), "%s/second", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	write_file(first, "one\n");
	write_file(second, "two\n");
	secrets = secrets_open(first, second, &f);
	ck_assert_msg(secrets != NULL, "%s", f.message);
}

static void
teardown(void)
{
	secrets_free(secrets);
	unlink(first);
	unlink(second);
	unlink(other);
	rmdir(folder);
}

START_TEST(either_matches_and_nothing_else)
{
	ck_assert(matches("one") && matches("two"));
	ck_assert(!matches("on") && !matches("one\n") && !matches("onetwo") && !matches(""));
}
END_TEST

/* A second secret that is not configured is not an empty one. */
START_TEST(without_a_second_one_nothing_is_no_secret)
{
	secrets_free(secrets);
	secrets = secrets_open(first, NULL, &f);
	ck_assert_msg(secrets != NULL, "%s", f.message);
	ck_assert(matches("one") && !matches("two") && !matches(""));
}
END_TEST

START_TEST(another_file_in_its_place)
{
	write_file(other, "ein\n");
	ck_assert_int_eq(rename(other, first), 0);
	ck_assert_int_eq(secrets_refresh(secrets, &f), RC_OK);
	ck_assert(matches("ein") && !matches("one") && matches("two"));
}
END_TEST

START_TEST(another_length)
{
	write_file(second, "three\n");
	ck_assert_int_eq(secrets_refresh(secrets, &f), RC_OK);
	ck_assert(matches("three") && !matches("two") && matches("one"));
}
END_TEST

START_TEST(another_time)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000, .tv_nsec = 1 } };
	write_file(first, "eno\n");
	ck_assert_int_eq(utimensat(AT_FDCWD, first, times, 0), 0);
	ck_assert_int_eq(secrets_refresh(secrets, &f), RC_OK);
	ck_assert(matches("eno") && !matches("one"));
}
END_TEST

/* Each is read whatever became of the other, and the old one stays. */
START_TEST(a_bad_file_leaves_the_old_secret)
{
	write_file(first, "\n");
	write_file(second, "deux\n");
	ck_assert_int_eq(secrets_refresh(secrets, &f), RC_PERMANENT);
	ck_assert_msg(strstr(f.message, first) && strstr(f.message, "no secret in it"), "%s",
	              f.message);
	ck_assert(matches("one") && matches("deux") && !matches(""));
	write_file(first, "un\n");
	ck_assert_int_eq(unlink(second), 0);
	ck_assert_int_eq(secrets_refresh(secrets, &f), RC_PERMANENT);
	ck_assert_msg(strstr(f.message, second) != NULL, "%s", f.message);
	ck_assert(matches("un") && matches("deux"));
}
END_TEST

START_TEST(what_cannot_be_read_opens_nothing)
{
	write_file(second, "");
	ck_assert_ptr_null(secrets_open(first, second, &f));
	ck_assert_int_eq(f.rc, RC_PERMANENT);
	ck_assert_ptr_null(secrets_open(first, other, &f));
	ck_assert_msg(strstr(f.message, other) != NULL, "%s", f.message);
	ck_assert_ptr_null(secrets_open(second, NULL, &f));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("secrets");
	TCase *all = tcase_create("files");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, either_matches_and_nothing_else);
	tcase_add_test(all, without_a_second_one_nothing_is_no_secret);
	tcase_add_test(all, another_file_in_its_place);
	tcase_add_test(all, another_length);
	tcase_add_test(all, another_time);
	tcase_add_test(all, a_bad_file_leaves_the_old_secret);
	tcase_add_test(all, what_cannot_be_read_opens_nothing);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
