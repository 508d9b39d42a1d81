/* test_conf.c -- where settings come from, which wins, and what is said of a bad one. */
#include "tests/unit/base/suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/banned.h"

#define ONE 1u
#define TWO 2u
#define TENS(ten) ten ten ten ten ten ten
#define NAME_63 TENS("abcdefghij") "abc"
/* Far from every name, and so long that it might not be told how far. */
#define LONG TENS("qqqqqqqqqq") TENS("qqqqqqqqqq")

static const struct conf_opt table[] = {
	{ .name = "config", .type = CONF_FILE, .commands = ONE | TWO, .help = "The file." },
	{ .name = "name", .type = CONF_TEXT, .commands = ONE, .value_name = "N", .help = "A." },
	{ .name = "slots",
	  .type = CONF_INT,
	  .dflt = "4",
	  .min = 1,
	  .max = 64,
	  .commands = ONE,
	  .help = "B." },
	{ .name = "max-body",
	  .type = CONF_SIZE,
	  .dflt = "1MiB",
	  .min = 1024,
	  .max = 1 << 26,
	  .commands = ONE,
	  .help = "C." },
	{ .name = "grace",
	  .type = CONF_DURATION,
	  .dflt = "25s",
	  .max = 60000,
	  .commands = ONE,
	  .help = "D." },
	{ .name = "offset",
	  .type = CONF_INT,
	  .dflt = "0",
	  .min = -10,
	  .commands = ONE,
	  .help = "D2." },
	{ .name = "json", .type = CONF_BOOL, .dflt = "false", .commands = ONE, .help = "E." },
	{ .name = "level",
	  .type = CONF_CHOICE,
	  .choices = "debug|info",
	  .dflt = "info",
	  .commands = TWO,
	  .help = "F." },
	{ .name = "password-file", .type = CONF_SECRET_FILE, .commands = ONE, .help = "G." },
	{ .section = "source",
	  .name = "auth",
	  .type = CONF_CHOICE,
	  .choices = "bearer|none",
	  .dflt = "bearer",
	  .help = "H." },
	{ .section = "source", .name = "weight", .type = CONF_INT, .help = "I." },
	{ .section = "store", .name = "url", .type = CONF_TEXT, .help = "J." },
};

static struct fault fault;

static struct conf *
load(uint32_t command, int argc, const char *const argv[])
{
	char *args[16] = { NULL };
	for (int i = 0; i < argc; i++)
		args[i] = strdup(argv[i]);
	fault = (struct fault){ 0 };
	struct conf *c = conf_load(table, ARRAY_LEN(table), command, argc, args, &fault);
	for (int i = 0; i < argc; i++)
		free(args[i]);
	return c;
}

#define LOAD(...)                                                                                  \
	load(ONE, (int)ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })),                          \
	     (const char *const[]){ __VA_ARGS__ })

static void
refused(struct conf *c, const char *message)
{
	ck_assert_ptr_null(c);
	ck_assert_int_eq(fault.rc, RC_PERMANENT);
	ck_assert_str_eq(fault.message, message);
}

static void
file_is(const char *text)
{
	int fd = open("test_conf.ini", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* A test that needs files has them in a folder of its own. */
static char folder[] = "/tmp/mr-conf.XXXXXX";

static void
in_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void
leave_folder(void)
{
	DIR *dir = folder[sizeof(folder) - 2] == 'X' ? NULL : opendir(folder);
	if (!dir)
		return;
	for (const struct dirent *e; (e = readdir(dir));)
		if (e->d_type != DT_DIR)
			ck_assert_int_eq(unlinkat(dirfd(dir), e->d_name, 0), 0);
	closedir(dir);
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(defaults)
{
	CLEANUP(conf_freep) struct conf *c = load(ONE, 0, NULL);
	ck_assert_ptr_null(conf_text(c, "name"));
	ck_assert_int_eq(conf_int(c, "slots"), 4);
	ck_assert_int_eq(conf_int(c, "max-body"), 1048576);
	ck_assert_int_eq(conf_int(c, "grace"), 25000);
	ck_assert(!conf_bool(c, "json"));
	ck_assert_str_eq(conf_text(c, "level"), "info");
	ck_assert_uint_eq(conf_args(c), 0);
	ck_assert_ptr_null(conf_arg(c, 0));
	ck_assert_uint_eq(conf_sections(c, "source"), 0);
}
END_TEST

START_TEST(flags_and_arguments)
{
	CLEANUP(conf_freep)
	struct conf *c = LOAD("a", "--slots", "5", "--json", "b", "--name=x=y", "--", "--slots");
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(conf_int(c, "slots"), 5);
	ck_assert(conf_bool(c, "json"));
	ck_assert_str_eq(conf_text(c, "name"), "x=y");
	ck_assert_uint_eq(conf_args(c), 3);
	ck_assert_str_eq(conf_arg(c, 1), "b");
	ck_assert_str_eq(conf_arg(c, 2), "--slots");
	CLEANUP(conf_freep) struct conf *most = LOAD("--slots=64", "--offset=-10");
	ck_assert(most && conf_int(most, "slots") == 64 && conf_int(most, "offset") == -10);
	CLEANUP(conf_freep) struct conf *no = LOAD("--no-json");
	ck_assert(no && !conf_bool(no, "json"));
}
END_TEST

START_TEST(flag_then_environment_then_file)
{
	in_folder();
	file_is("slots = 7\nname = file\n\n# a comment\n; another\njson = yes\nlevel=debug\n"
	        "[source one]\nauth = none\r\n[store s3]\nurl = s3://\n[source two-2]\nweight = 3");
	setenv("MILLRACE_SLOTS", "6", 1);
	setenv("MILLRACE_NAME", "environment", 1);
	setenv("MILLRACE_CONFIG", "test_conf.ini", 1);
	setenv("MILLRACE_ATTEMPT", "3", 1);
	setenv("MILLRACE_KEY", "a/b", 1);
	setenv("MILLRACE_CONTENT_TYPE", "text/plain", 1);
	CLEANUP(conf_freep) struct conf *c = LOAD("--slots=5");
	ck_assert_msg(c != NULL, "%s", fault.message);
	ck_assert_int_eq(conf_int(c, "slots"), 5);
	ck_assert_str_eq(conf_text(c, "name"), "environment");
	ck_assert(conf_bool(c, "json"));
	ck_assert_str_eq(conf_text(c, "level"), "debug");
	ck_assert_uint_eq(conf_sections(c, "source"), 2);
	ck_assert_str_eq(conf_section_name(c, "source", 1), "two-2");
	ck_assert_str_eq(conf_section_text(c, "source", 0, "auth"), "none");
	ck_assert_str_eq(conf_section_text(c, "source", 1, "auth"), "bearer");
	ck_assert_int_eq(conf_section_int(c, "source", 1, "weight"), 3);
	ck_assert_ptr_null(conf_section_text(c, "source", 0, "weight"));
	ck_assert_str_eq(conf_section_text(c, "store", 0, "url"), "s3://");
}
END_TEST

START_TEST(an_empty_text_is_unset)
{
	in_folder();
	file_is("name = file\n");
	setenv("MILLRACE_NAME", "", 1);
	CLEANUP(conf_freep) struct conf *c = LOAD("--slots=5");
	ck_assert_msg(c != NULL, "%s", fault.message);
	ck_assert_ptr_null(conf_text(c, "name"));
	CLEANUP(conf_freep) struct conf *with_file = LOAD("--config", "test_conf.ini");
	ck_assert_msg(with_file != NULL, "%s", fault.message);
	ck_assert_str_eq(conf_text(with_file, "name"), "file");
}
END_TEST

START_TEST(bad_flags)
{
	refused(LOAD("--slot", "5"), "--slot: there is no such setting; did you mean 'slots'?");
	refused(LOAD("--qqqqqqqqqqqqqqq"), "--qqqqqqqqqqqqqqq: there is no such setting");
	refused(LOAD("--" LONG), "--" LONG ": there is no such setting");
	refused(LOAD("--slots"), "--slots: a value is missing");
	refused(LOAD("--slots=0"), "--slots: '0' is not between 1 and 64");
	refused(LOAD("--slots=65"), "--slots: '65' is not between 1 and 64");
	refused(LOAD("--offset=-11"), "--offset: '-11' is not between -10 and 0");
	refused(LOAD("--offset=1"), "--offset: '1' is not between -10 and 0");
	refused(LOAD("--slots=x"), "--slots: 'x' is not a whole number");
	refused(LOAD("--slots=1", "--slots=2"), "--slots is given twice");
	refused(LOAD("--max-body", "1"), "--max-body: '1' is not between 1024 and 67108864 bytes");
	refused(LOAD("--max-body=big"),
	        "--max-body: 'big' is not a size such as 4096, 64k or 50MB");
	refused(LOAD("--grace=2m"), "--grace: '2m' is not between 0 and 60000 ms");
	refused(LOAD("--grace=1w"), "--grace: '1w' is not a time such as 250ms, 10s, 5m or 14d");
	refused(LOAD("--json=maybe"), "--json: 'maybe' is not true or false");
	refused(LOAD("--password-file="), "--password-file: an empty path");
	ck_assert_ptr_null(LOAD("--no-slots"));
	ck_assert_ptr_null(LOAD("--level=debug"));
	const char *const wrong[] = { "--level=deb" }, *const empty[] = { "--level=" };
	refused(load(TWO, 1, wrong), "--level: 'deb' is not one of debug|info");
	refused(load(TWO, 1, empty), "--level: '' is not one of debug|info");
}
END_TEST

START_TEST(bad_environment)
{
	setenv("MILLRACE_SLOTZ", "5", 1);
	refused(load(ONE, 0, NULL),
	        "MILLRACE_SLOTZ: there is no such setting; did you mean 'slots'?");
	unsetenv("MILLRACE_SLOTZ");
	setenv("MILLRACE_SLOTS", "many", 1);
	refused(load(ONE, 0, NULL), "MILLRACE_SLOTS: 'many' is not a whole number");
	refused(LOAD("--slots=3"), "MILLRACE_SLOTS: 'many' is not a whole number");
}
END_TEST

/* As another program may leave it to us. */
START_TEST(environment_without_a_value)
{
	static char bare[] = "MILLRACE_SLOTS";
	static char *only[] = { bare, NULL };
	environ = only;
	CLEANUP(conf_freep) struct conf *c = load(ONE, 0, NULL);
	ck_assert_msg(c != NULL, "%s", fault.message);
	ck_assert_int_eq(conf_int(c, "slots"), 4);
}
END_TEST

START_TEST(bad_files)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "slots = 1\nslot = 5",
		  "f:2: slot: there is no such setting; did you mean 'slots'?" },
		{ "\nslots", "f:2: neither 'key = value' nor '[section NAME]'" },
		{ "slots = 99", "f:1: slots: '99' is not between 1 and 64" },
		{ "[sauce x]", "f:1: there are no sections [sauce …]" },
		{ "[source]",
		  "f:1: [source …] needs a name of a-z, 0-9 and '-', at most 63 characters" },
		{ "[source A]",
		  "f:1: [source …] needs a name of a-z, 0-9 and '-', at most 63 characters" },
		{ "[source -x]",
		  "f:1: [source …] needs a name of a-z, 0-9 and '-', at most 63 characters" },
		{ "[source " NAME_63 "x]",
		  "f:1: [source …] needs a name of a-z, 0-9 and '-', at most 63 characters" },
		{ "[source " NAME_63 "]\nslots = 3", "f:2: slots: there is no such setting" },
		{ "[source x", "f:1: a section without its ']'" },
		{ "[source x]\n[source x]", "f:2: [source x] is there twice" },
		{ "[source x]\nauth = none\nauth = none", "f:3: 'auth' is there twice" },
		{ "[source x]\nauht = none",
		  "f:2: auht: there is no such setting; did you mean 'auth'?" },
		{ "[source x]\nauth = maybe", "f:2: auth: 'maybe' is not one of bearer|none" },
		{ "[source x]\nslots = 3", "f:2: slots: there is no such setting" },
		{ "slots = 1\nslots = 2", "f:2: 'slots' is there twice" },
	};
	in_folder();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		file_is(bad[i].text);
		ck_assert_int_eq(rename("test_conf.ini", "f"), 0);
		refused(LOAD("--config", "f"), bad[i].message);
	}
	refused(LOAD("--config=none"), "none: No such file or directory");
	refused(LOAD("--config=/dev/zero"), "/dev/zero: larger than 1048576 bytes");
	ck_assert_int_eq(truncate("f", 1048577), 0);
	refused(LOAD("--config=f"), "f: larger than 1048576 bytes");
	file_is("slots = 1\n");
	ck_assert_int_eq(truncate("test_conf.ini", 11), 0);
	refused(LOAD("--config=test_conf.ini"), "test_conf.ini: a NUL byte");
}
END_TEST

/* As it is printed, and with every commented default switched on. */
START_TEST(sample_is_accepted)
{
	in_folder();
	struct str sample = STR_INIT(1 << 20);
	conf_sample(table, ARRAY_LEN(table), &sample);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct str key = STR_INIT(100);
		str_addf(&key, "%s = ", table[i].name);
		ck_assert_ptr_nonnull(strstr(str_text(&sample), str_text(&key)));
		str_free(&key);
	}
	file_is(str_text(&sample));
	CLEANUP(conf_freep) struct conf *c = LOAD("--config=test_conf.ini");
	ck_assert_msg(c != NULL, "%s", fault.message);
	str_free(&sample);
}
END_TEST

START_TEST(help_shows_a_command_its_own)
{
	struct str help = STR_INIT(1 << 20);
	conf_help(table, ARRAY_LEN(table), ONE, &help);
	ck_assert_ptr_nonnull(strstr(str_text(&help), "--slots"));
	ck_assert_ptr_nonnull(strstr(str_text(&help), "MILLRACE_MAX_BODY"));
	ck_assert_ptr_null(strstr(str_text(&help), "--level"));
	ck_assert_ptr_null(strstr(str_text(&help), "auth"));
	str_free(&help);
}
END_TEST

START_TEST(secrets)
{
	in_folder();
	struct str secret = STR_INIT(100);
	struct fault f = { 0 };
	file_is("s3cret\n\n");
	ck_assert_int_eq(conf_read_secret("test_conf.ini", &secret, &f), RC_OK);
	ck_assert_str_eq(str_text(&secret), "s3cret\n");
	str_reset(&secret);
	file_is("\n");
	ck_assert_int_eq(conf_read_secret("test_conf.ini", &secret, &f), RC_PERMANENT);
	ck_assert_int_eq(conf_read_secret("none", &secret, &f), RC_PERMANENT);
	ck_assert_str_eq(f.message, "none: No such file or directory");
	ck_assert_uint_eq(secret.len, 0);
	ck_assert_int_eq(truncate("test_conf.ini", 64 * 1024 + 1), 0);
	ck_assert_int_eq(conf_read_secret("test_conf.ini", &secret, &f), RC_PERMANENT);
	ck_assert_str_eq(f.message, "test_conf.ini: larger than 65536 bytes");
	ck_assert_int_eq(conf_read_secret("/dev/zero", &secret, &f), RC_PERMANENT);
	ck_assert_str_eq(f.message, "/dev/zero: larger than 65536 bytes");
	str_free(&secret);
}
END_TEST

SUITE_MAIN_END("conf", leave_folder, defaults, flags_and_arguments, flag_then_environment_then_file,
               an_empty_text_is_unset, bad_flags, bad_environment, environment_without_a_value,
               bad_files, sample_is_accepted, help_shows_a_command_its_own, secrets)
