/* test_folder.c -- private folders: how much they hold, and that nothing of them is left. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/folder.h"
#include "work/scratch.h"
#include "base/banned.h"

#define NOBODY 65534

static char top[] = "/tmp/millrace-test-XXXXXX";
static int dir;
static struct fault fault;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	fault = (struct fault){ 0 };
}

static void
teardown(void)
{
	close(dir);
	ck_assert(folder_remove(AT_FDCWD, top));
	ck_assert_int_ne(access(top, F_OK), 0);
}

static void
make_file(const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

/* Deeper than PATH_MAX, with folders that cannot be entered. */
START_TEST(deep_folders_go)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 800; i++) {
		ck_assert_int_eq(mkdirat(fd, "deeper", 0700), 0);
		int down = openat(fd, "deeper", O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(down, 0);
		close(openat(fd, "file", O_CREAT | O_WRONLY, 0));
		fchmod(fd, i % 2 ? 0 : 0500);
		close(fd);
		fd = down;
	}
	close(fd);
	ck_assert_int_gt(folder_bytes(dir, 1 << 30), 1 << 30); /* whatever is in it */
	ck_assert(folder_remove(dir, "deeper"));
	ck_assert_int_ne(faccessat(dir, "deeper", F_OK, 0), 0);
}
END_TEST

START_TEST(links_are_not_followed)
{
	ck_assert_int_eq(mkdirat(dir, "kept", 0700), 0);
	make_file("kept/file");
	ck_assert_int_eq(mkdirat(dir, "gone", 0700), 0);
	ck_assert_int_eq(symlinkat("../kept", dir, "gone/link"), 0);
	ck_assert(folder_remove(dir, "gone"));
	ck_assert_int_eq(faccessat(dir, "kept/file", F_OK, 0), 0);
}
END_TEST

START_TEST(orphaned_scratch_folders_go)
{
	struct scratch_dir d;
	ck_assert_int_eq(mkdirat(dir, "millrace-work-000000", 0700), 0);
	make_file("millrace-work-000000/left");
	ck_assert_int_eq(mkdirat(dir, "millrace-work-000001", 0700), 0);
	int alive = openat(dir, "millrace-work-000001", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(alive, LOCK_EX), 0);
	struct scratch *s = scratch_new(top, geteuid(), getegid(), &fault);
	ck_assert_msg(s != NULL, "%s", fault.message);
	ck_assert_int_ne(faccessat(dir, "millrace-work-000000", F_OK, 0), 0);
	ck_assert_int_eq(faccessat(dir, "millrace-work-000001", F_OK, 0), 0);
	ck_assert_int_eq(scratch_dir_make(s, &d, &fault), RC_OK);
	int fd = scratch_dir_create(s, &d, "input", &fault);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(scratch_dir_create(s, &d, "input", &fault), -1);
	ck_assert_str_eq(fault.code, "scratch");
	char *path = strdup(d.path);
	ck_assert_int_eq(access(path, F_OK), 0);
	scratch_dir_remove(s, &d);
	ck_assert_int_ne(access(path, F_OK), 0);
	free(path);
	scratch_free(s);
	close(alive);
}
END_TEST

START_TEST(breadth_is_no_depth)
{
	char name[32];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "sub%d", i);
		ck_assert_int_eq(mkdirat(dir, name, 0700), 0);
	}
	ck_assert_int_lt(folder_bytes(dir, 1 << 20), 1 << 20);
}
END_TEST

START_TEST(what_counts_is_what_is_on_disk)
{
	make_file("sparse");
	int fd = openat(dir, "sparse", O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, 1 << 30), 0);
	close(fd);
	ck_assert_int_lt(folder_bytes(dir, 1 << 20), 1 << 20);
}
END_TEST

/* Only who is not root can be withstood. */
START_TEST(what_withstands_is_given_up)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(top, 0777), 0);
	ck_assert_int_eq(mkdirat(dir, "outer", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "outer/mid", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "outer/mid/inner", 0755), 0);
	make_file("outer/mid/inner/file");
	ck_assert_int_eq(fchownat(dir, "outer", NOBODY, NOBODY, 0), 0);
	ck_assert_int_eq(fchownat(dir, "outer/mid", NOBODY, NOBODY, 0), 0);
	ck_assert_int_eq(seteuid(NOBODY), 0);
	bool gone = folder_remove(dir, "outer");
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert(!gone);
	ck_assert_int_eq(faccessat(dir, "outer/mid/inner/file", F_OK, 0), 0);
}
END_TEST

START_TEST(living_scratch_folders_stay)
{
	struct scratch_dir d;
	struct scratch *first = scratch_new(top, geteuid(), getegid(), &fault);
	ck_assert_int_eq(scratch_dir_make(first, &d, &fault), RC_OK);
	struct scratch *second = scratch_new(top, geteuid(), getegid(), &fault);
	ck_assert_int_eq(access(d.path, F_OK), 0);
	scratch_dir_remove(first, &d);
	scratch_free(second);
	scratch_free(first);
}
END_TEST

START_TEST(another_users_folder_is_no_orphan)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(mkdirat(dir, "millrace-work-000000", 0700), 0);
	ck_assert_int_eq(fchownat(dir, "millrace-work-000000", NOBODY, NOBODY, 0), 0);
	scratch_free(scratch_new(top, geteuid(), getegid(), &fault));
	ck_assert_int_eq(faccessat(dir, "millrace-work-000000", F_OK, 0), 0);
}
END_TEST

/* The mode of the folder in which those of the attempts are. */
static mode_t
mode_for(uid_t uid)
{
	struct stat st;
	struct scratch_dir d;
	struct scratch *s = scratch_new(top, uid, uid, &fault);
	ck_assert_msg(s != NULL, "%s", fault.message);
	ck_assert_int_eq(scratch_dir_make(s, &d, &fault), RC_OK);
	ck_assert_int_eq(fstatat(d.fd, "..", &st, 0), 0);
	scratch_dir_remove(s, &d);
	scratch_free(s);
	return st.st_mode & 07777;
}

START_TEST(others_pass_through_at_most)
{
	ck_assert_uint_eq(mode_for(geteuid()), 0700);
	if (geteuid() == 0)
		ck_assert_uint_eq(mode_for(NOBODY), 0711);
}
END_TEST

START_TEST(a_disk_without_room_is_full)
{
	int none = open("/proc", O_RDONLY | O_DIRECTORY); /* has no blocks at all */
	ck_assert(scratch_full(none));
	ck_assert(!scratch_full(dir));
	close(none);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		deep_folders_go,
		links_are_not_followed,
		breadth_is_no_depth,
		what_counts_is_what_is_on_disk,
		what_withstands_is_given_up,
		orphaned_scratch_folders_go,
		living_scratch_folders_stay,
		another_users_folder_is_no_orphan,
		others_pass_through_at_most,
		a_disk_without_room_is_full,
	};
	Suite *s = suite_create("folder");
	TCase *c = tcase_create("folder");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
