/* test_command.c -- the command runner on real scripts: how they end, and that nothing of them is
 * left. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fixture.h"
#include "base/banned.h"

/* Each test runs with what the machine allows, without namespaces, and as an ordinary user. */
enum way { WAY_PROBED, WAY_BARE, WAY_USER, WAY_COUNT };

static void
setup(struct run *r, int way, const char *script)
{
	if (way == WAY_USER && geteuid() == 0) {
		ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	}
	run_setup(r, script);
	if (way == WAY_BARE)
		r->sandbox.namespaces = 0;
}

static void
expect_exit(int way, const char *script, int code)
{
	struct run r;
	setup(&r, way, script);
	run_go(&r);
	ck_assert_msg(r.rc == RC_OK, "%s", r.fault.message);
	ck_assert_msg(r.end.how == COMMAND_EXITED && r.end.code == code, "how %d code %d: %s",
	              (int)r.end.how, r.end.code, run_said(&r));
	run_teardown(&r);
}

START_TEST(exit_codes)
{
	expect_exit(_i, "#!/bin/sh\nexit 0\n", 0);
	expect_exit(_i, "#!/bin/sh\nexit 65\n", 65);
	expect_exit(_i, "#!/bin/sh\nexit 75\n", 75);
	expect_exit(_i, "#!/bin/sh\nexit 1\n", 1);
}
END_TEST

START_TEST(figures_of_the_run)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\ni=0; while [ $i -lt 100000 ]; do i=$((i+1)); done\n");
	run_go(&r);
	ck_assert_int_eq(r.rc, RC_OK);
	ck_assert_int_gt(r.end.cpu_ms, 5);
	ck_assert_int_gt(r.end.rss_kb, 500);
	ck_assert_int_ge(r.end.ran_ms, r.end.cpu_ms / 2);
	run_teardown(&r);
}
END_TEST

START_TEST(death_by_signal)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\nkill -SEGV $$\nsleep 10\n");
	run_go(&r);
	ck_assert_int_eq(r.rc, RC_OK);
	ck_assert_int_eq(r.end.how, COMMAND_KILLED);
	ck_assert_int_eq(r.end.code, SIGSEGV);
	run_teardown(&r);
}
END_TEST

START_TEST(timeout_of_one_that_ignores_sigterm)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 986001; done\n");
	r.command.timeout_ms = 300;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_TIMEOUT);
	ck_assert_int_ge(r.end.ran_ms, 2300);
	ck_assert_int_lt(r.end.ran_ms, 5000);
	ck_assert_int_eq(processes_with("986001"), 0);
	run_teardown(&r);
}
END_TEST

START_TEST(timeout_lets_one_clean_up)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\ntrap 'echo bye; exit 0' TERM\nsleep 986002 & wait\n");
	r.command.timeout_ms = 300;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_TIMEOUT);
	ck_assert_int_lt(r.end.ran_ms, 2000);
	ck_assert_str_eq(run_said(&r), "bye\n");
	ck_assert_int_eq(processes_with("986002"), 0);
	run_teardown(&r);
}
END_TEST

START_TEST(daemons_do_not_survive)
{
	struct run r;
	setup(&r, _i,
	      "#!/bin/sh\n(setsid sh -c 'trap \"\" HUP TERM; setsid sleep 986003 & sleep 986003' "
	      ">/dev/null 2>&1 &)\nuntil ls -d /proc/[0-9]* >/dev/null; do :; done\nsleep "
	      "0.2\nexit 3\n");
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_EXITED);
	ck_assert_int_eq(r.end.code, 3);
	ck_assert_int_lt(r.end.ran_ms, 3000);
	ck_assert_int_eq(processes_with("986003"), 0);
	run_teardown(&r);
}
END_TEST

START_TEST(timeout_reaches_daemons)
{
	struct run r;
	setup(&r, _i,
	      "#!/bin/sh\ntrap '' TERM\nsetsid sleep 986004 &\nsleep 986004\nsleep 986004\n");
	r.command.timeout_ms = 300;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_TIMEOUT);
	ck_assert_int_eq(processes_with("986004"), 0);
	run_teardown(&r);
}
END_TEST

START_TEST(flood_of_output)
{
	struct run r;
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	setup(&r, _i,
	      "#!/bin/sh\nhead -c 1073741824 /dev/zero | tr '\\0' x >&2\necho the end >&2\n");
	r.command.timeout_ms = 120000;
	run_go(&r);
	getrusage(RUSAGE_SELF, &after);
	ck_assert_int_eq(r.end.how, COMMAND_EXITED);
	ck_assert_uint_eq(r.tail.seen, 1073741824u + 8);
	const char *text = tail_text(&r.tail, r.arena);
	size_t n = strlen(text);
	ck_assert_uint_eq(n, TAIL_MAX);
	ck_assert_str_eq(text + n - 9, "xthe end\n");
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 4096);
	run_teardown(&r);
}
END_TEST

START_TEST(environment_is_what_was_given)
{
	static char *const env[] = { (char *)(uintptr_t) "ONLY=this", NULL };
	struct run r;
	ck_assert_int_eq(setenv("SECRET_OF_THE_WORKER", "x", 1), 0);
	setup(&r, _i, "");
	r.command.path = "/usr/bin/env";
	r.command.env = env;
	run_go(&r);
	ck_assert_str_eq(run_said(&r), "ONLY=this\n");
	run_teardown(&r);
}
END_TEST

START_TEST(descriptors_and_session)
{
	struct run r;
	int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as a library might */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setup(&r, _i,
	      "#!/bin/bash\nset +m\nfor f in /proc/self/fd/*; do [ -e $f ] && echo ${f##*/}; done "
	      "| sort -n "
	      "| tr '\\n' ' '\nread -r line || echo no input\n"
	      "umask\ncat /proc/self/status | grep -E 'NoNewPrivs|SigBlk|SigIgn'\npwd\n");
	umask(077);
	run_go(&r);
	const char *said = run_said(&r);
	ck_assert_msg(strncmp(said, "0 1 2 no input\n", 15) == 0, "%s", said);
	ck_assert_ptr_nonnull(strstr(said, "0022\n"));
	ck_assert_ptr_nonnull(strstr(said, "NoNewPrivs:\t1"));
	ck_assert_ptr_nonnull(strstr(said, "SigBlk:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(said, "SigIgn:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(said, r.dir));
	close(leak);
	run_teardown(&r);
}
END_TEST

START_TEST(user_and_network)
{
	struct run r;
	char uid[32];
	setup(&r, _i,
	      "#!/bin/sh\nid -u\nid -G\ngrep -c : /proc/self/net/dev\ntouch /etc/x 2>/dev/null || "
	      "echo no\n");
	run_go(&r);
	snprintf(uid, sizeof uid, "%u\n", (unsigned)r.sandbox.uid);
	ck_assert_msg(strncmp(run_said(&r), uid, strlen(uid)) == 0, "%s", run_said(&r));
	ck_assert_uint_ne(r.sandbox.uid, 0);
	ck_assert_ptr_nonnull(strstr(run_said(&r), "no\n"));
	if (r.sandbox.namespaces & CLONE_NEWNET)
		ck_assert_ptr_nonnull(strstr(run_said(&r), "\n1\n"));
	run_teardown(&r);
}
END_TEST

START_TEST(what_cannot_run)
{
	struct run r;
	setup(&r, _i, "#!/no/such/interpreter\n");
	run_go(&r);
	ck_assert_int_eq(r.rc, RC_RETRY);
	ck_assert_str_eq(r.fault.code, "exec");
	ck_assert_ptr_nonnull(strstr(r.fault.message, r.path));
	ck_assert_ptr_nonnull(strstr(r.fault.message, "No such file"));
	run_teardown(&r);
}
END_TEST

/* A checkout below /root: the handler's user cannot walk there, and runs it all the same. */
START_TEST(folder_closed_to_the_user)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\necho ran\n");
	char *slash = strrchr(r.path, '/');
	*slash = '\0';
	ck_assert_int_eq(chmod(r.path, 0700), 0);
	*slash = '/';
	run_go(&r);
	ck_assert_msg(r.rc == RC_OK, "%s", r.fault.message);
	ck_assert_int_eq(r.end.how, COMMAND_EXITED);
	ck_assert_int_eq(r.end.code, 0);
	ck_assert_str_eq(run_said(&r), "ran\n");
	run_teardown(&r);
}
END_TEST

START_TEST(cancelling)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\nsleep 986005\n");
	r.command.cancel_fd = eventfd(1, EFD_CLOEXEC);
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_CANCELLED);
	ck_assert_int_lt(r.end.ran_ms, 1500);
	ck_assert_int_eq(processes_with("986005"), 0);
	close(r.command.cancel_fd);
	run_teardown(&r);
}
END_TEST

/* What it was ended for first is what it was ended for. */
START_TEST(cancelling_one_that_then_is_late)
{
	struct run r;
	setup(&r, _i,
	      "#!/bin/sh\ntrap '' TERM\nexec 3<>ready\necho >&3\nwhile :; do sleep 986008; done\n");
	ck_assert_int_eq(mkfifoat(r.dir_fd, "ready", 0666), 0);
	ck_assert_int_eq(fchmodat(r.dir_fd, "ready", 0666, 0), 0);
	r.command.cancel_fd = openat(r.dir_fd, "ready", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r.command.timeout_ms = 1500;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_CANCELLED);
	ck_assert_int_ge(r.end.ran_ms, 1500);
	close(r.command.cancel_fd);
	run_teardown(&r);
}
END_TEST

START_TEST(folder_that_grows_too_far)
{
	struct run r;
	setup(&r, _i,
	      "#!/bin/sh\nmkdir -p a/b\ni=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero "
	      ">a/b/$i; done\n");
	r.command.max_folder = 20000000;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_OVERFULL);
	ck_assert_int_lt(r.end.ran_ms, 10000);
	run_teardown(&r);
}
END_TEST

/* 300, not a bomb: by the kernel's count they are the machine's, and so would be the harm. */
START_TEST(processes_past_the_limit)
{
	struct run r;
	setup(&r, _i,
	      "#!/usr/bin/perl\n$SIG{TERM} = sub { syswrite(STDOUT, 'goodbye') };\n"
	      "for (1 .. 300) { my $p = fork; last unless defined $p; next if $p; setpgrp; "
	      "exec 'sleep', '986020'; }\nsleep 60;\n");
	r.sandbox.max_processes = 2048;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_CROWDED);
	ck_assert_str_eq(run_said(&r), "");
	ck_assert_int_lt(r.end.ran_ms, 10000);
	ck_assert_int_eq(processes_with("986020"), 0);
	run_teardown(&r);
}
END_TEST

START_TEST(processes_within_the_limit)
{
	expect_exit(_i,
	            "#!/usr/bin/perl\nfor (1 .. 100) { next if fork; sleep 1; exit; }\n"
	            "1 while wait > 0; exit 3;\n",
	            3);
}
END_TEST

START_TEST(file_past_the_limit)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\nexec head -c 2000000 /dev/zero >big\n");
	r.sandbox.max_file = 1000000;
	run_go(&r);
	ck_assert_int_eq(r.end.how, COMMAND_KILLED);
	ck_assert_int_eq(r.end.code, SIGXFSZ);
	run_teardown(&r);
}
END_TEST

START_TEST(memory_past_the_limit)
{
	struct run r;
	setup(&r, _i, "#!/usr/bin/perl\nmy $x = 'x' x 300_000_000; print length $x;\n");
	r.sandbox.max_memory = 200 << 20;
	run_go(&r);
	ck_assert(r.end.how != COMMAND_EXITED || r.end.code != 0);
	run_teardown(&r);
}
END_TEST

START_TEST(fork_bomb)
{
	struct run r;
	setup(&r, _i,
	      "#!/bin/bash\nbomb() { bomb 986006 | bomb 986006 & }\nwhile :; do bomb; done "
	      "2>/dev/null\n");
	r.sandbox.max_processes = threads_of(r.sandbox.uid) + 60;
	r.command.timeout_ms = 1000;
	run_go(&r);
	ck_assert_msg(r.rc == RC_OK, "%s", r.fault.message);
	ck_assert_int_lt(r.end.ran_ms, 8000);
	ck_assert_int_eq(processes_with(r.path), 0);
	run_teardown(&r);
}
END_TEST

/* A worker that is killed takes its handlers with it. */
START_TEST(killed_worker)
{
	struct run r;
	setup(&r, _i, "#!/bin/sh\nsetsid sleep 986007 & sleep 986007\n");
	pid_t worker = fork();
	if (worker == 0) {
		run_go(&r);
		_exit(0);
	}
	int64_t end = clock_mono_ms() + 10000;
	while (processes_with("986007") < 2 && clock_mono_ms() < end)
		poll(NULL, 0, 10);
	ck_assert_int_eq(processes_with("986007"), 2);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	ck_assert_int_eq(waitpid(worker, NULL, 0), worker);
	while (processes_with("986007") > 0 && clock_mono_ms() < end)
		poll(NULL, 0, 10);
	ck_assert_int_eq(processes_with("986007"), 0);
	run_teardown(&r);
}
END_TEST

static void *
many_runs(void *arg)
{
	const struct run *shared = arg;
	struct fault f = { 0 };
	for (int i = 0; i < 20; i++) {
		struct command_end end = { .how = COMMAND_KILLED };
		struct tail tail = { 0 };
		enum rc rc = command_run(&shared->sandbox, &shared->command, &tail, &end, &f);
		if (rc != RC_OK || end.how != COMMAND_EXITED || end.code != 7 || tail.seen != 3) {
			fprintf(stderr,
			        "run %d: rc %d %s; how %d code %d after %lld ms, %llu bytes\n", i,
			        (int)rc, f.message, (int)end.how, end.code, (long long)end.ran_ms,
			        (unsigned long long)tail.seen);
			fwrite(tail.data, 1, tail.seen < 4000 ? tail.seen : 4000, stderr);
			return arg;
		}
		tail_free(&tail);
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct run r;
	pthread_t t[8];
	void *bad;
	setup(&r, _i, "#!/bin/sh\necho hi\nexit 7\n");
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, many_runs, &r), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		ck_assert_int_eq(pthread_join(t[i], &bad), 0);
		ck_assert_ptr_null(bad);
	}
	run_teardown(&r);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		exit_codes,
		figures_of_the_run,
		death_by_signal,
		timeout_of_one_that_ignores_sigterm,
		timeout_lets_one_clean_up,
		daemons_do_not_survive,
		timeout_reaches_daemons,
		flood_of_output,
		environment_is_what_was_given,
		descriptors_and_session,
		user_and_network,
		what_cannot_run,
		folder_closed_to_the_user,
		cancelling,
		cancelling_one_that_then_is_late,
		folder_that_grows_too_far,
		file_past_the_limit,
		processes_past_the_limit,
		processes_within_the_limit,
		memory_past_the_limit,
		fork_bomb,
		killed_worker,
		many_threads,
	};
	Suite *s = suite_create("command");
	TCase *c = tcase_create("ways");
	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_loop_test(c, tests[i], 0, WAY_COUNT);
	suite_add_tcase(s, c);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
