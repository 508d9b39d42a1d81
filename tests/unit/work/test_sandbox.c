/* test_sandbox.c -- whom handlers become, what is shut away from them, and what they may use up. */
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>

#include "fixture.h"
#include "base/banned.h"

static bool
take_word(const char **p, const char *word)
{
	*p += strspn(*p, " ");
	size_t n = strcspn(*p, " \n");
	bool same = strlen(word) == n && strncmp(*p, word, n) == 0;
	*p += n;
	return same;
}

/* What a handler is told of one of its limits; as much as we are allowed ourselves, at most. */
static void
expect_limit(const char *said, const char *name, int what, int64_t value)
{
	struct rlimit own;
	char want[32];
	const char *line = strstr(said, name);
	ck_assert_msg(line != NULL, "no %s in %s", name, said);
	line += strlen(name);
	ck_assert_int_eq(getrlimit((__rlimit_resource_t)what, &own), 0);
	if (own.rlim_max < (rlim_t)value)
		value = (int64_t)own.rlim_max;
	snprintf(want, sizeof want, "%lld", (long long)value);
	const char *p = line;
	ck_assert_msg(take_word(&p, want) && take_word(&p, want), "%s is not twice %s: %.60s", name,
	              want, line);
}

START_TEST(every_limit_is_set)
{
	struct run r;
	run_setup(&r, "#!/bin/sh\ncat /proc/self/limits\n");
	r.command.timeout_ms = 7000;
	r.sandbox.max_processes = 999;
	run_go(&r);
	const char *said = run_said(&r);
	int64_t cpus = sysconf(_SC_NPROCESSORS_ONLN);
	expect_limit(said, "Max core file size ", RLIMIT_CORE, 0);
	expect_limit(said, "Max cpu time ", RLIMIT_CPU, 8 * cpus + 5);
	expect_limit(said, "Max address space ", RLIMIT_AS, 512 << 20);
	expect_limit(said, "Max file size ", RLIMIT_FSIZE, 64 << 20);
	expect_limit(said, "Max open files ", RLIMIT_NOFILE, 256);
	expect_limit(said, "Max processes ", RLIMIT_NPROC, 999);
	run_teardown(&r);
}
END_TEST

/* A worker in a container has less itself and cannot raise it. */
START_TEST(a_limit_of_our_own_stays)
{
	const struct rlimit few = { 100, 100 };
	struct run r;
	run_setup(&r, "#!/bin/sh\ncat /proc/self/limits\n");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	run_go(&r);
	ck_assert_msg(r.rc == RC_OK, "%s", r.fault.message);
	expect_limit(run_said(&r), "Max open files ", RLIMIT_NOFILE, 100);
	run_teardown(&r);
}
END_TEST

START_TEST(a_limit_of_our_own_is_no_failure_for_who_cannot_raise_it)
{
	const struct rlimit few = { 100, 100 };
	struct run r;
	if (geteuid() == 0) {
		ck_assert_int_eq(setgroups(0, NULL), 0);
		ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	run_setup(&r, "#!/bin/sh\ncat /proc/self/limits\n");
	run_go(&r);
	ck_assert_msg(r.rc == RC_OK, "%s", r.fault.message);
	expect_limit(run_said(&r), "Max open files ", RLIMIT_NOFILE, 100);
	run_teardown(&r);
}
END_TEST

/* With nothing left of the groups that the worker is in. */
START_TEST(a_handler_of_roots_is_another_in_all)
{
	const gid_t own[] = { 0, 4 };
	struct run r;
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setgroups(ARRAY_LEN(own), own), 0);
	run_setup(&r, "#!/bin/sh\nid -u\nid -g\nid -G\ngrep -E '^(Uid|Gid):' /proc/self/status\n");
	ck_assert(r.sandbox.drop);
	run_go(&r);
	ck_assert_str_eq(run_said(&r), "65534\n65534\n65534\n"
	                               "Uid:\t65534\t65534\t65534\t65534\n"
	                               "Gid:\t65534\t65534\t65534\t65534\n");
	run_teardown(&r);
}
END_TEST

START_TEST(a_user_is_found_by_name)
{
	struct sandbox s = { 0 };
	struct fault f = { 0 };
	const struct passwd *p = getpwnam("games");
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ .user = "no-such-user" }, &s, &f),
	                 RC_PERMANENT);
	ck_assert_str_eq(f.message, "there is no user 'no-such-user' to run handlers as");
	if (geteuid() != 0 || !p)
		return;
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ .user = "games" }, &s, &f), RC_OK);
	ck_assert(s.drop && s.uid == p->pw_uid && s.gid == p->pw_gid);
	ck_assert_uint_ne(s.uid, s.gid);
	/* Who is told to stay root does. */
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ .user = "root" }, &s, &f), RC_OK);
	ck_assert(!s.drop && s.uid == 0 && s.gid == 0);
}
END_TEST

START_TEST(who_is_not_root_stays_who_he_is)
{
	struct sandbox s = { 0 };
	struct fault f = { 0 };
	if (geteuid() == 0) {
		ck_assert_int_eq(setresgid(60000, 60000, 60000), 0);
		ck_assert_int_eq(setresuid(60001, 60001, 60001), 0);
	}
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ 0 }, &s, &f), RC_OK);
	ck_assert(!s.drop && s.uid == geteuid() && s.gid == getegid());
}
END_TEST

START_TEST(the_network_is_open_if_asked)
{
	struct sandbox shut = { 0 }, open = { 0 };
	struct fault f = { 0 };
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ 0 }, &shut, &f), RC_OK);
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ .network = true }, &open, &f),
	                 RC_OK);
	ck_assert_int_eq(open.namespaces & CLONE_NEWNET, 0);
	ck_assert_int_eq(open.namespaces & CLONE_NEWPID, shut.namespaces & CLONE_NEWPID);
#ifndef __SANITIZE_THREAD__ /* a thread of its own keeps the probe out of new namespaces */
	if (unshare(CLONE_NEWNET) == 0)
		ck_assert_int_ne(shut.namespaces & CLONE_NEWNET, 0);
#endif
}
END_TEST

START_TEST(processes_are_limited_as_they_are_counted)
{
	struct sandbox s = { 0 };
	struct fault f = { 0 };
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ .max_processes = 77 }, &s, &f),
	                 RC_OK);
	ck_assert_int_eq(s.max_processes, 77);
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ 0 }, &s, &f), RC_OK);
	ck_assert_int_eq(s.max_processes, s.namespaces & CLONE_NEWUSER ? 256 : 2048);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(sandbox_probe(&(struct sandbox_conf){ 0 }, &s, &f), RC_OK);
	ck_assert_int_eq(s.max_processes, s.namespaces & CLONE_NEWUSER ? 256 : 2048);
}
END_TEST

START_TEST(it_is_told_what_is_on)
{
	struct str out CLEANUP(str_free) = STR_INIT(1000);
	sandbox_describe(&(struct sandbox){ .uid = 5,
	                                    .drop = true,
	                                    .namespaces = CLONE_NEWPID | CLONE_NEWIPC },
	                 &out);
	ck_assert_str_eq(str_text(&out),
	                 "uid=5 own_user=on pid_namespace=on network_namespace=off "
	                 "ipc_namespace=on user_namespace=off process_limit=on no_new_privs=on "
	                 "memory_limit=on file_limit=on cpu_limit=on");
	str_reset(&out);
	sandbox_describe(&(struct sandbox){ .namespaces = CLONE_NEWNET | CLONE_NEWUSER }, &out);
	/* The kernel does not count root's processes. */
	ck_assert_str_eq(str_text(&out),
	                 "uid=0 own_user=off pid_namespace=off network_namespace=on "
	                 "ipc_namespace=off user_namespace=on process_limit=off no_new_privs=on "
	                 "memory_limit=on file_limit=on cpu_limit=on");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_limit_is_set,
		a_limit_of_our_own_stays,
		a_limit_of_our_own_is_no_failure_for_who_cannot_raise_it,
		a_handler_of_roots_is_another_in_all,
		a_user_is_found_by_name,
		who_is_not_root_stays_who_he_is,
		the_network_is_open_if_asked,
		processes_are_limited_as_they_are_counted,
		it_is_told_what_is_on,
	};
	Suite *s = suite_create("sandbox");
	TCase *c = tcase_create("sandbox");
	tcase_set_timeout(c, 60);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
