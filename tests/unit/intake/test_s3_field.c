/* test_s3_field.c -- keys, names, times and sequencers, one by one. */
#include <check.h>
#include <string.h>

#include "intake/s3_field.h"
#include "base/banned.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1u << 20);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct {
	const char *text;
	int64_t us;
} times[] = {
	{ "1970-01-01T00:00:00.001Z", 1000 },
	{ "2000-02-29T12:00:00Z", INT64_C(951825600000000) },
	{ "2026-11-21T05:17:50.633177Z", INT64_C(1795238270633177) },
	{ "2026-11-21T05:17:50.6331771Z", INT64_C(1795238270633177) },
	{ "2026-11-21T05:17:50.633177123Z", INT64_C(1795238270633177) },
	{ "2026-11-21T05:17:50", INT64_C(1795238270000000) },
	{ "2026-11-21T06:17:50+01:00", INT64_C(1795238270000000) },
	{ "2026-11-20T23:47:50-05:30", INT64_C(1795238270000000) },
	{ "0.000000", 0 },
	{ "", 0 },
	{ "2026-11-21", 0 },
	{ "2026-11-21T05:17:50.Z", 0 },
	{ "2026-11-21T05:17:50.1234567890Z", 0 },
	{ "2026-13-21T05:17:50Z", 0 },
	{ "2026-00-21T05:17:50Z", 0 },
	{ "2026-11-21T24:17:50Z", 0 },
	{ "2026-11-21T05:17:50Zx", 0 },
	{ "2026-11-21 05:17:50Z", 0 },
	{ "2026-11-21T19:17:50+14:00", INT64_C(1795238270000000) },
	{ "2026-11-21T19:17:50+15:00", 0 },
	{ "2026-11-21T19:17:50+01:60", 0 },
	{ "2026-11-21T05:17:60Z", INT64_C(1795238280000000) },
	{ "2026-11-21T05:17:61Z", 0 },
	{ "2026-11-21T05:60:50Z", 0 },
	{ "2026-11-31T05:17:50Z", 0 },
	{ "2026-02-29T05:17:50Z", 0 },
	{ "2028-02-29T05:17:50Z", INT64_C(1835414270000000) },
	{ "2026-12-31T05:17:50Z", INT64_C(1798694270000000) },
	{ "2026-11-32T05:17:50Z", 0 },
	{ "2026-11-00T05:17:50Z", 0 },
	{ "1969-12-31T23:59:59Z", 0 },
};

START_TEST(event_times)
{
	ck_assert_int_eq(s3_event_time(times[_i].text), times[_i].us);
	ck_assert_int_eq(s3_event_time(NULL), 0);
}
END_TEST

static const struct {
	const char *name;
	enum event_what what;
} names[] = {
	{ "ObjectCreated:Put", EVENT_CREATED },
	{ "s3:ObjectCreated:Put", EVENT_CREATED },
	{ "ObjectCreated:Post", EVENT_CREATED },
	{ "ObjectCreated:Copy", EVENT_CREATED },
	{ "s3:ObjectCreated:CompleteMultipartUpload", EVENT_CREATED },
	{ "s3:ObjectCreated:PutTagging", EVENT_OTHER },
	{ "s3:ObjectCreated:PutRetention", EVENT_OTHER },
	{ "ObjectCreated:CreateMultipartUpload", EVENT_OTHER },
	{ "ObjectCreated:Put2", EVENT_OTHER },
	{ "ObjectCreated:*", EVENT_OTHER },
	{ "ObjectRemoved:Delete", EVENT_REMOVED },
	{ "ObjectRemoved:DeleteMarkerCreated", EVENT_REMOVED },
	{ "s3:ObjectRemoved:NoOP", EVENT_REMOVED },
	{ "s3:ObjectRemoved:DeleteAllVersions", EVENT_REMOVED },
	{ "LifecycleExpiration:DeleteMarkerCreated", EVENT_REMOVED },
	{ "LifecycleExpiration:Delete", EVENT_REMOVED },
	{ "ObjectLifecycle:Expiration:Current", EVENT_REMOVED },
	{ "s3:LifecycleDelMarkerExpiration:Delete", EVENT_REMOVED },
	{ "ObjectTagging:Put", EVENT_OTHER },
	{ "ObjectRestore:Completed", EVENT_OTHER },
	{ "", EVENT_OTHER },
};

START_TEST(event_names)
{
	ck_assert_msg(s3_event_what(names[_i].name) == names[_i].what, "%s", names[_i].name);
}
END_TEST

START_TEST(sequencers_compare_as_text)
{
	const char *shorter = s3_sequencer(arena, "aws", "0055AED6DCD90281");
	const char *longer = s3_sequencer(arena, "aws", "0055aed6dcd90281e5");
	ck_assert_int_lt(strcmp(shorter, longer), 0);
	ck_assert_str_eq(s3_sequencer(arena, "minio", "ab"), s3_sequencer(arena, "minio", "AB00"));
	/* Seconds 0x6B01297E and 0x6B012985; as they are sent, the later one sorts first. */
	const char *early = s3_sequencer(arena, "ceph", "7E29016B8811EC25");
	const char *late = s3_sequencer(arena, "ceph", "8529016BA1EB3B20");
	ck_assert_str_eq(early, "6B01297E25EC1188");
	ck_assert_int_lt(strcmp(early, late), 0);
	ck_assert_str_eq(s3_sequencer(arena, "rustfs", "ab"), s3_sequencer(arena, "sgws", "AB00"));
	ck_assert_str_eq(s3_sequencer(arena, "aws", "0123456789abcdef0123456789abcdef"),
	                 "0123456789ABCDEF0123456789ABCDEF");
	ck_assert_ptr_null(s3_sequencer(arena, "aws", "0123456789abcdef0123456789abcdef0"));
	ck_assert_ptr_null(s3_sequencer(arena, "aws", ""));
	ck_assert_ptr_null(s3_sequencer(arena, "aws", "not hex"));
	ck_assert_ptr_null(s3_sequencer(arena, "ceph", "7E29"));
	ck_assert_ptr_null(s3_sequencer(arena, "unknown", "7E29"));
	ck_assert_ptr_null(s3_sequencer(arena, "aws", NULL));
}
END_TEST

START_TEST(versions)
{
	ck_assert_ptr_null(s3_version("aws", NULL));
	ck_assert_ptr_null(s3_version("aws", ""));
	ck_assert_ptr_null(s3_version("ceph", "null"));
	ck_assert_ptr_null(s3_version("minio", "1"));
	ck_assert_str_eq(s3_version("aws", "1"), "1");
}
END_TEST

START_TEST(origins)
{
	ck_assert_str_eq(s3_origin(arena, "aws:s3"), "aws");
	ck_assert_str_eq(s3_origin(arena, "sgws:s3"), "sgws");
	ck_assert_str_eq(s3_origin(arena, "abcdefghijklmnopqrstuvwxyz012345:s3"),
	                 "abcdefghijklmnopqrstuvwxyz012345");
	ck_assert_str_eq(s3_origin(arena, "abcdefghijklmnopqrstuvwxyz0123456:s3"), "unknown");
	ck_assert_str_eq(s3_origin(arena, "aws:sqs"), "unknown");
	ck_assert_str_eq(s3_origin(arena, "A:s3"), "unknown");
	ck_assert_str_eq(s3_origin(arena, ":s3"), "unknown");
	ck_assert_str_eq(s3_origin(arena, NULL), "unknown");
}
END_TEST

START_TEST(form_decoding)
{
	size_t n = 0;
	ck_assert_str_eq(s3_decode_form(arena, "a+b%2fc%2B", &n), "a b/c+");
	ck_assert_uint_eq(n, 6);
	ck_assert_str_eq(s3_decode_form(arena, "a+b%2", &n), "a+b%2");
	ck_assert_str_eq(s3_decode_form(arena, "a+b%zz", &n), "a+b%zz");
	ck_assert_str_eq(s3_decode_form(arena, "%", &n), "%");
	s3_decode_form(arena, "a%00b", &n);
	ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(buckets)
{
	ck_assert_ptr_null(s3_bucket_problem("my.bucket-1"));
	ck_assert_ptr_null(s3_bucket_problem("Old_Style_Bucket"));
	ck_assert_ptr_nonnull(s3_bucket_problem(""));
	ck_assert_ptr_nonnull(s3_bucket_problem(".."));
	ck_assert_ptr_nonnull(s3_bucket_problem("a/b"));
	ck_assert_ptr_nonnull(s3_bucket_problem("a\nb"));
	ck_assert_ptr_nonnull(s3_bucket_problem("."));
	ck_assert_ptr_nonnull(s3_bucket_problem("a\\b"));
	ck_assert_ptr_nonnull(s3_bucket_problem("a\x7f"));
	char longest[257];
	memset(longest, 'b', sizeof(longest));
	longest[255] = '\0';
	ck_assert_ptr_null(s3_bucket_problem(longest));
	longest[255] = 'b';
	longest[256] = '\0';
	ck_assert_ptr_nonnull(s3_bucket_problem(longest));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("s3_field");
	TCase *all = tcase_create("fields");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, event_times, 0, (int)ARRAY_LEN(times));
	tcase_add_loop_test(all, event_names, 0, (int)ARRAY_LEN(names));
	tcase_add_test(all, sequencers_compare_as_text);
	tcase_add_test(all, versions);
	tcase_add_test(all, origins);
	tcase_add_test(all, form_decoding);
	tcase_add_test(all, buckets);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
