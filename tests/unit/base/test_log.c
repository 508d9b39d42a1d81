/* test_log.c -- one line per event, whatever the message holds. */
#include "tests/unit/base/suite.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/banned.h"

static int from;

/* A socket that keeps records apart shows how many writes a line takes. */
static void
catch_stderr(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_ge(dup2(pair[1], STDERR_FILENO), 0);
	from = pair[0];
}

static const char *
line(void)
{
	static char buf[512 * 1024];
	ssize_t n = recv(from, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static void
has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

START_TEST(json_fields)
{
	struct fault f = { .code = "NoSuchKey" };
	fault_set(&f, RC_PERMANENT, "it is gone");
	struct log_ctx ctx = { .trace_id = "trace_1",
		               .job_id = "trace_1/text",
		               .kind = "text",
		               .worker = "w\"1",
		               .attempt = 2,
		               .duration_ms = 15,
		               .fault = &f };
	catch_stderr();
	log_setup("worker", LOG_INFO_, true);
	log_event(&ctx, LOG_WARN_, "job failed", "after %d\nlines \x01", 2);
	const char *got = line();
	static const char *const parts[] = {
		"{\"timestamp\":\"20",
		"\"level\":\"warn\"",
		"\"event\":\"job failed\"",
		"\"message\":\"after 2\\nlines \\u0001\"",
		"\"service\":\"millrace\"",
		"\"role\":\"worker\"",
		"\"trace_id\":\"trace_1\"",
		"\"job_id\":\"trace_1/text\"",
		"\"kind\":\"text\"",
		"\"attempt\":2",
		"\"worker\":\"w\\\"1\"",
		"\"duration_ms\":15",
		"\"error.type\":\"permanent\"",
		"\"error.message\":\"it is gone\"",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		has(got, parts[i]);
	ck_assert_int_eq(got[strlen(got) - 1], '\n');
	ck_assert_ptr_eq(strchr(got, '\n'), got + strlen(got) - 1);
}
END_TEST

START_TEST(levels)
{
	enum log_level level = LOG_ERROR_;
	catch_stderr();
	log_setup("x", LOG_WARN_, true);
	log_info("quiet", NULL);
	ck_assert_str_eq(line(), "");
	log_error("loud", NULL);
	has(line(), "\"level\":\"error\"");
	ck_assert(log_level_parse("debug", &level) && level == LOG_DEBUG_);
	ck_assert(!log_level_parse("DEBUG", &level) && !log_level_parse("", &level));
	ck_assert_int_eq(level, LOG_DEBUG_);
}
END_TEST

START_TEST(text_forges_no_line)
{
	catch_stderr();
	log_setup("worker", LOG_INFO_, false);
	log_info("event", "a\nb\x1b[31m\xff%s", "");
	const char *got = line();
	ck_assert_ptr_eq(strchr(got, '\n'), got + strlen(got) - 1);
	ck_assert_ptr_null(strchr(got, '\x1b'));
	ck_assert_ptr_null(strchr(got, '\xff'));
	has(got, "worker");
}
END_TEST

START_TEST(long_messages)
{
	catch_stderr();
	log_setup("x", LOG_INFO_, true);
	log_info("long", "%60000s", "end");
	has(line(), "end\"");
	log_info("too long", "%9999999s", "");
	has(line(), "\"event\":\"too long\"");
	ck_assert_str_eq(line(), "");
}
END_TEST

SUITE_MAIN("log", json_fields, levels, text_forges_no_line, long_messages)
