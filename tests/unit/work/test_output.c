/* test_output.c -- what a handler may leave behind, and what not; tails and verdicts. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "work/folder.h"
#include "work/output.h"
#include "work/tail.h"
#include "work/verdict.h"
#include "base/banned.h"

static char top[] = "/tmp/millrace-test-XXXXXX";
static int dir;
static struct arena *arena;
static struct fault fault;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(mkdirat(dir, "out", 0700), 0);
	arena = arena_new(4 << 20);
	fault = (struct fault){ 0 };
}

static void
teardown(void)
{
	close(dir);
	ck_assert(folder_remove(AT_FDCWD, top));
	ck_assert_int_ne(access(top, F_OK), 0);
	arena_free(arena);
}

static void
make_file(const char *name, const void *bytes, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void
expect_refused(const char *words)
{
	struct output_file *files;
	size_t n;
	ck_assert_int_eq(output_list(dir, 1000, arena, &files, &n, &fault), RC_PERMANENT);
	ck_assert_str_eq(fault.code, "output");
	ck_assert_msg(strstr(fault.message, words) != NULL, "%s", fault.message);
}

START_TEST(files_by_name)
{
	struct output_file *files;
	size_t n;
	make_file("out/b.txt", "bb", 2);
	make_file("out/a-1_x.PNG", "a", 1);
	make_file("out/none", "", 0);
	make_file("out/z.heic", "", 0);
	ck_assert_int_eq(output_list(dir, 3, arena, &files, &n, &fault), RC_OK);
	ck_assert_uint_eq(n, 4);
	ck_assert_str_eq(files[0].name, "a-1_x.PNG");
	ck_assert_str_eq(files[0].content_type, "image/png");
	ck_assert_str_eq(files[1].content_type, "text/plain");
	ck_assert_int_eq(files[1].size, 2);
	ck_assert_str_eq(files[2].content_type, "application/octet-stream");
	ck_assert_str_eq(files[3].content_type, "image/heic");
}
END_TEST

START_TEST(links_are_refused)
{
	ck_assert_int_eq(symlinkat("/etc/passwd", dir, "out/passwd"), 0);
	expect_refused("out/passwd is a symbolic link");
	ck_assert_int_eq(output_open(dir, "passwd", &fault), -1);
}
END_TEST

START_TEST(folders_are_refused)
{
	ck_assert_int_eq(mkdirat(dir, "out/sub", 0700), 0);
	expect_refused("out/sub is a folder");
}
END_TEST

START_TEST(pipes_are_refused)
{
	ck_assert_int_eq(mkfifoat(dir, "out/pipe", 0600), 0);
	expect_refused("out/pipe is a special file");
	int fd = output_open(dir, "pipe", &fault); /* without a writer, it would wait for one */
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(odd_names_are_refused)
{
	static const char *const names[] = { "out/a b",  "out/\n",   "out/.hidden",
		                             "out/\xff", "out/a;rm", "out/\xc3\xa4" };
	make_file(names[_i], "x", 1);
	expect_refused("this one does not fit");
}
END_TEST

START_TEST(long_names)
{
	char name[110] = "out/";
	struct output_file *files;
	size_t n;
	memset(name + 4, 'x', 100);
	make_file(name, "x", 1);
	ck_assert_int_eq(output_list(dir, 1000, arena, &files, &n, &fault), RC_OK);
	name[104] = 'x';
	make_file(name, "x", 1);
	expect_refused("this one does not fit");
}
END_TEST

START_TEST(too_many_bytes)
{
	char bytes[600] = { 0 };
	make_file("out/a", bytes, 600);
	make_file("out/b", bytes, 400);
	struct output_file *files;
	size_t n;
	ck_assert_int_eq(output_list(dir, 1000, arena, &files, &n, &fault), RC_OK);
	make_file("out/b", bytes, 401);
	expect_refused("more than the 1000 bytes");
}
END_TEST

START_TEST(too_many_files)
{
	char name[32];
	struct output_file *files;
	size_t n;
	for (int i = 0; i < OUTPUT_FILES_MAX; i++) {
		snprintf(name, sizeof name, "out/%d", i);
		make_file(name, "", 0);
	}
	ck_assert_int_eq(output_list(dir, 1000, arena, &files, &n, &fault), RC_OK);
	ck_assert_uint_eq(n, OUTPUT_FILES_MAX);
	for (size_t i = 1; i < n; i++)
		ck_assert_int_lt(strcmp(files[i - 1].name, files[i].name), 0);
	make_file("out/more", "", 0);
	expect_refused("more than 1000 files");
}
END_TEST

START_TEST(out_replaced_by_a_link)
{
	ck_assert_int_eq(unlinkat(dir, "out", AT_REMOVEDIR), 0);
	ck_assert_int_eq(symlinkat("/etc", dir, "out"), 0);
	expect_refused("not the folder that it was");
	ck_assert_int_eq(output_open(dir, "passwd", &fault), -1);
}
END_TEST

START_TEST(good_results)
{
	struct output_result r;
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_OK);
	ck_assert_ptr_null(r.json);
	ck_assert_int_eq(r.retry_after_ms, -1);
	static const char text[] = "{ \"retry-after\": 7,\n \"a\": [1] }\n";
	make_file("result.json", text, sizeof text - 1);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_OK);
	ck_assert_str_eq(r.json, "{\"a\":[1],\"retry-after\":7}");
	ck_assert_int_eq(r.retry_after_ms, 7000);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms;
} waits[] = {
	{ "{\"retry-after\":0}", 0 },
	{ "{\"retry-after\":-1}", -1 },
	{ "{\"retry-after\":\"5\"}", -1 },
	{ "{\"retry-after\":86400}", 86400000 },
	{ "{\"retry-after\":86401}", 86400000 },
	{ "{\"retry-after\":9223372036854775807}", 86400000 },
};

START_TEST(waits_of_a_day_at_most)
{
	struct output_result r;
	make_file("result.json", waits[_i].text, strlen(waits[_i].text));
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_OK);
	ck_assert_int_eq(r.retry_after_ms, waits[_i].ms);
}
END_TEST

START_TEST(deep_and_full_results)
{
	static char text[RESULT_JSON_MAX];
	struct output_result r;
	memcpy(text, "{\"a\":", 5);
	memset(text + 5, '[', 31);
	memset(text + 36, ']', 31);
	text[67] = '}';
	make_file("result.json", text, 68);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_OK);
	memset(text + 5, '[', 32);
	memset(text + 37, ']', 32);
	text[69] = '}';
	make_file("result.json", text, 70);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(fault.message, "nested deeper than 32"));
	memset(text + 5, 'x', sizeof text - 5);
	text[5] = text[sizeof text - 2] = '"';
	text[sizeof text - 1] = '}';
	make_file("result.json", text, sizeof text);
	ck_assert_msg(output_result(dir, arena, &r, &fault) == RC_OK, "%s", fault.message);
	ck_assert_uint_eq(strlen(r.json), sizeof text);
}
END_TEST

START_TEST(a_pipe_is_no_result)
{
	struct output_result r;
	ck_assert_int_eq(mkfifoat(dir, "result.json", 0600), 0);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_PERMANENT);
	ck_assert_ptr_nonnull(strstr(fault.message, "not a regular file"));
}
END_TEST

START_TEST(bad_results)
{
	static const char *const texts[] = {
		"", "{", "[]", "1", "\"x\"", "{\"a\":1,\"a\":2}", "{}x", "{\"a\": \"\\u0000\"}"
	};
	struct output_result r;
	make_file("result.json", texts[_i], strlen(texts[_i]));
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_PERMANENT);
	ck_assert_str_eq(fault.code, "result");
	ck_assert_ptr_nonnull(strstr(fault.message, "result.json"));
}
END_TEST

START_TEST(large_and_linked_results)
{
	struct output_result r;
	static char big[RESULT_JSON_MAX + 1];
	memset(big, ' ', sizeof big);
	big[0] = '{';
	big[sizeof big - 2] = '}';
	make_file("result.json", big, sizeof big - 1);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_OK);
	make_file("result.json", big, sizeof big);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_PERMANENT);
	ck_assert_int_eq(unlinkat(dir, "result.json", 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", dir, "result.json"), 0);
	ck_assert_int_eq(output_result(dir, arena, &r, &fault), RC_PERMANENT);
	ck_assert_str_eq(fault.code, "result");
}
END_TEST

START_TEST(tails)
{
	struct tail t = { 0 };
	ck_assert_ptr_null(tail_text(&t, arena));
	tail_add(&t, "abc", 3);
	ck_assert_str_eq(tail_text(&t, arena), "abc");
	for (int i = 0; i < 3 * TAIL_MAX / 10; i++)
		tail_add(&t, "0123456789", 10);
	tail_add(&t, "END", 3);
	const char *text = tail_text(&t, arena);
	size_t n = strlen(text);
	ck_assert_uint_eq(n, TAIL_MAX);
	ck_assert_str_eq(text + n - 13, "0123456789END");
	char *big = calloc(1, 3 * TAIL_MAX);
	memset(big, 'y', 3 * TAIL_MAX);
	big[3 * TAIL_MAX - 1] = 'z';
	tail_add(&t, big, 3 * TAIL_MAX);
	text = tail_text(&t, arena);
	ck_assert_uint_eq(strlen(text), TAIL_MAX);
	ck_assert_uint_eq(strspn(text, "y"), TAIL_MAX - 1);
	ck_assert_uint_eq(t.seen, 3u + 3 * TAIL_MAX / 10 * 10 + 3 + 3 * TAIL_MAX);
	free(big);
	tail_free(&t);
}
END_TEST

START_TEST(a_tail_is_one_text_of_whole_characters)
{
	struct tail t = { 0 };
	tail_add(&t, "step 1\0step 2\0\nthe reason\n", 26);
	ck_assert_str_eq(tail_text(&t, arena), "step 1 step 2 \nthe reason\n");
	/* 65,536 is no multiple of 3. */
	for (int i = 0; i < TAIL_MAX; i++)
		tail_add(&t, "\u20ac", 3);
	const char *text = tail_text(&t, arena);
	size_t n = strlen(text);
	ck_assert(utf8_valid(text, n));
	ck_assert_uint_ge(n, TAIL_MAX - 3);
	struct job_result r = { .tail = text };
	const struct command_end end = { .how = COMMAND_EXITED, .code = 1 };
	ck_assert(!verdict_command(&r, &end, -1, false, 10, 10, arena));
	ck_assert(utf8_valid(r.error, strlen(r.error)));
	tail_free(&t);
}
END_TEST

START_TEST(a_full_tail_is_kept_whole)
{
	struct tail t = { 0 };
	tail_add(&t, "\x80", 1);
	for (int i = 1; i < TAIL_MAX; i++)
		tail_add(&t, "x", 1);
	ck_assert_uint_eq(strlen(tail_text(&t, arena)), TAIL_MAX);
	tail_free(&t);
}
END_TEST

START_TEST(a_last_line_is_quoted)
{
	static char tail[2000];
	struct job_result r = { .tail = "first\nthe reason\r\n\r\n" };
	const struct command_end end = { .how = COMMAND_EXITED, .code = 1 };
	ck_assert(!verdict_command(&r, &end, -1, false, 10, 10, arena));
	ck_assert_str_eq(r.error, "exit code 1: the reason");
	memset(tail, 'x', sizeof tail - 1);
	r.tail = tail;
	ck_assert(!verdict_command(&r, &end, -1, false, 10, 10, arena));
	ck_assert_uint_eq(strlen(r.error), strlen("exit code 1: ") + 500);
	r.tail = NULL;
	ck_assert(!verdict_command(&r, &end, -1, false, 10, 10, arena));
	ck_assert_str_eq(r.error, "exit code 1");
}
END_TEST

static const struct {
	enum command_how how;
	int code;
	bool full;
	enum job_outcome outcome;
	const char *class;
	int64_t delay_ms;
	const char *says;
} ends[] = {
	{ COMMAND_EXITED, 65, false, JOB_PERMANENT, "refused", -1, "refused: " },
	{ COMMAND_EXITED, 75, false, JOB_SNOOZED, "later", 9000, "asked to be run later: " },
	{ COMMAND_EXITED, 1, false, JOB_ERROR, "exit", -1, "exit code 1: " },
	{ COMMAND_EXITED, 65, true, JOB_ERROR, "scratch", -1,
	  "the scratch folder's disk is full: " },
	{ COMMAND_KILLED, SIGSEGV, false, JOB_CRASH, "signal", -1, "killed by SIGSEGV: " },
	{ COMMAND_KILLED, SIGKILL, false, JOB_CRASH, "signal", -1, "killed by SIGKILL: " },
	{ COMMAND_KILLED, SIGXFSZ, false, JOB_PERMANENT, "output", -1,
	  "wrote a file of more than 10 bytes: " },
	{ COMMAND_KILLED, SIGXCPU, false, JOB_TIMEOUT, "timeout", -1,
	  "used up its processor time: " },
	{ COMMAND_TIMEOUT, SIGKILL, false, JOB_TIMEOUT, "timeout", -1, "not done after 20 ms: " },
	{ COMMAND_CANCELLED, 0, false, JOB_INTERRUPTED, "interrupted", -1,
	  "stopped by its worker: " },
	{ COMMAND_OVERFULL, 0, false, JOB_PERMANENT, "output", -1,
	  "filled its folder past what input and 10 bytes of output need: " },
	{ COMMAND_EXITED, 128 + SIGXFSZ, false, JOB_PERMANENT, "output", -1,
	  "wrote a file of more than 10 bytes: " },
	{ COMMAND_CROWDED, 0, false, JOB_PERMANENT, "processes", -1, "had more than " },
};

START_TEST(verdicts_on_commands)
{
	struct job_result r = { .delay_ms = -1, .tail = "first\nthe reason\n" };
	const struct command_end end = { .how = ends[_i].how, .code = ends[_i].code };
	ck_assert(!verdict_command(&r, &end, 9000, ends[_i].full, 10, 20, arena));
	ck_assert_int_eq(r.outcome, ends[_i].outcome);
	ck_assert_str_eq(r.error_class, ends[_i].class);
	ck_assert_str_eq(r.stage, "handler");
	ck_assert_int_eq(r.delay_ms, ends[_i].delay_ms);
	ck_assert_ptr_nonnull(strstr(r.error, ": the reason"));
	ck_assert_msg(strncmp(r.error, ends[_i].says, strlen(ends[_i].says)) == 0, "%s", r.error);
}
END_TEST

START_TEST(a_good_end)
{
	struct job_result r = { .outcome = JOB_DONE };
	const struct command_end end = { .how = COMMAND_EXITED };
	ck_assert(verdict_command(&r, &end, -1, true, 10, 10, arena));
	ck_assert_ptr_null(r.error_class);
}
END_TEST

static const struct {
	const char *stage;
	enum rc rc;
	const char *code;
	enum job_outcome outcome;
	const char *class;
} faults[] = {
	{ "input", RC_PERMANENT, "NotFound", JOB_SOURCE_GONE, "NotFound" },
	{ "input", RC_PERMANENT, "Replaced", JOB_SUPERSEDED, "Replaced" },
	{ "input", RC_PERMANENT, "AccessDenied", JOB_PERMANENT, "AccessDenied" },
	{ "input", RC_RETRY, "", JOB_ERROR, "store" },
	{ "input", RC_STOP, "", JOB_INTERRUPTED, "interrupted" },
	{ "input", RC_RETRY, "scratch", JOB_ERROR, "scratch" },
	{ "output", RC_PERMANENT, "NotFound", JOB_PERMANENT, "NotFound" },
	{ "output", RC_RETRY, "", JOB_ERROR, "store" },
	{ "handler", RC_RETRY, "exec", JOB_ERROR, "exec" },
	{ "handler", RC_BUG, "", JOB_PERMANENT, "handler" },
};

START_TEST(verdicts_on_faults)
{
	struct job_result r = { .delay_ms = -1 };
	struct fault f = { .rc = faults[_i].rc, .retry_after_ms = 5, .message = "why" };
	snprintf(f.code, sizeof f.code, "%s", faults[_i].code);
	verdict_fault(&r, faults[_i].stage, &f, arena);
	ck_assert_int_eq(r.outcome, faults[_i].outcome);
	ck_assert_str_eq(r.error_class, faults[_i].class);
	ck_assert_str_eq(r.error, "why");
	ck_assert_int_eq(r.delay_ms, 5);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { files_by_name,
		                       links_are_refused,
		                       folders_are_refused,
		                       pipes_are_refused,
		                       long_names,
		                       too_many_bytes,
		                       too_many_files,
		                       out_replaced_by_a_link,
		                       good_results,
		                       large_and_linked_results,
		                       deep_and_full_results,
		                       a_pipe_is_no_result,
		                       a_full_tail_is_kept_whole,
		                       a_last_line_is_quoted,
		                       tails,
		                       a_tail_is_one_text_of_whole_characters,
		                       a_good_end };
	Suite *s = suite_create("output");
	TCase *c = tcase_create("output");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, odd_names_are_refused, 0, 6);
	tcase_add_loop_test(c, waits_of_a_day_at_most, 0, (int)ARRAY_LEN(waits));
	tcase_add_loop_test(c, bad_results, 0, 8);
	tcase_add_loop_test(c, verdicts_on_commands, 0, (int)ARRAY_LEN(ends));
	tcase_add_loop_test(c, verdicts_on_faults, 0, (int)ARRAY_LEN(faults));
	suite_add_tcase(s, c);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
