/* test_s3_event.c -- bodies of every sender, whole, odd and broken. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake/s3_event.h"
#include "base/banned.h"

#define FIXTURES "tests/fixtures/events/"

static struct arena *arena;
static struct upload_event *events;
static size_t count;
static struct s3_event_conf conf;

static void
setup(void)
{
	arena = arena_new(64u << 20);
	ck_assert_ptr_nonnull(arena);
	conf = (struct s3_event_conf){ .store = "s3" };
	events = NULL;
	count = 0;
}

static void
teardown(void)
{
	arena_free(arena);
}

static void
parse(const char *body)
{
	struct fault f = { 0 };
	ck_assert_int_eq(s3_event_parse(&conf, body, strlen(body), arena, &events, &count, &f),
	                 RC_OK);
	ck_assert_uint_ge(count, 1);
}

static char *
read_whole(const char *path)
{
	FILE *in = fopen(path, "rb");
	if (!in)
		return NULL;
	char *text = calloc(1, 1u << 20);
	ck_assert_ptr_nonnull(text);
	text[fread(text, 1, (1u << 20) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static void
parse_fixture(const char *name)
{
	char *path = arena_printf(arena, FIXTURES "%s", name);
	char *body = read_whole(path);
	ck_assert_msg(body != NULL, "no %s", path);
	parse(body);
	free(body);
}

START_TEST(aws)
{
	parse_fixture("aws-put.json");
	ck_assert_uint_eq(count, 1);
	const struct upload_event *e = &events[0];
	ck_assert_int_eq(e->what, EVENT_CREATED);
	ck_assert_str_eq(e->name, "ObjectCreated:Put");
	ck_assert_str_eq(e->store, "s3");
	ck_assert_str_eq(e->bucket, "invoices");
	ck_assert_str_eq(e->key, "2026/March report (a+b) 50%.pdf");
	ck_assert_str_eq(e->version_id, "mrVersion.1");
	ck_assert_str_eq(e->etag, "0123456789abcdef0123456789abcdef");
	ck_assert_int_eq(e->size, 4711);
	ck_assert_int_eq(e->event_time_us, INT64_C(1772600767089000));
	ck_assert_str_eq(e->origin, "aws");
	ck_assert_str_eq(e->sequencer, "0069A7BCD01E00000000000000000000");
	ck_assert_str_eq(e->request_id, "MRREQUEST0000001");
	ck_assert_ptr_null(e->trace_id);
	ck_assert_ptr_null(e->metadata);
}
END_TEST

START_TEST(one_bad_record_harms_no_other)
{
	parse_fixture("aws-one-bad-of-three.json");
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(events[0].what, EVENT_CREATED);
	ck_assert_str_eq(events[0].key, "one.csv");
	ck_assert_str_eq(events[0].etag, "e1");
	ck_assert_int_eq(events[1].what, EVENT_REFUSED);
	ck_assert_str_eq(events[1].reason, "Records[1].s3.object.key: is not valid UTF-8");
	ck_assert_ptr_null(events[1].key);
	ck_assert_str_eq(events[1].bucket, "in");
	ck_assert_int_eq(events[2].what, EVENT_REMOVED);
	ck_assert_int_eq(events[2].size, -1);
}
END_TEST

START_TEST(minio)
{
	parse_fixture("minio-put.json");
	const struct upload_event *e = &events[0];
	ck_assert_int_eq(e->what, EVENT_CREATED);
	ck_assert_str_eq(e->key, "a b/c.jpg");
	ck_assert_ptr_null(e->version_id); /* "1": no versions */
	ck_assert_int_eq(e->size, 0);      /* omitted */
	ck_assert_str_eq(e->content_type, "image/jpeg");
	ck_assert_str_eq(e->trace_id, "trace_01J8ZQ4M3K5T6V7W8X9Y0Z1A2B");
	ck_assert(!e->trace_foreign);
	ck_assert_str_eq(e->metadata, "{\"trace-id\":\"trace_01J8ZQ4M3K5T6V7W8X9Y0Z1A2B\","
	                              "\"owner\":\"alice \\\"a\\\"\"}");
	ck_assert_int_eq(e->event_time_us, INT64_C(1772600767500000));
}
END_TEST

START_TEST(ceph)
{
	parse_fixture("ceph-put.json");
	const struct upload_event *e = &events[0];
	ck_assert_int_eq(e->what, EVENT_CREATED);
	ck_assert_str_eq(e->key, "a+b %20 \"q\" \xc3\xbc.pdf"); /* raw */
	ck_assert_int_eq(e->size, 262);                         /* written as a text */
	ck_assert_int_eq(e->event_time_us, 0);
	ck_assert_ptr_null(e->version_id);
	ck_assert_str_eq(e->sequencer, "6B01298500B104CB");
	ck_assert_str_eq(e->trace_id, "0af7651916cd43dd8448eb211c80319c");
	ck_assert(e->trace_foreign);
	ck_assert_str_eq(e->request_id, "zone.4106.77");
}
END_TEST

START_TEST(rustfs)
{
	parse_fixture("rustfs-put.json");
	ck_assert_str_eq(events[0].key, "dir/x y.txt");
	ck_assert_str_eq(events[0].origin, "rustfs");
	ck_assert_ptr_null(events[0].request_id);
	ck_assert_str_eq(events[0].metadata, "{\"test\":\"value\"}");
	ck_assert_int_eq(events[0].event_time_us % 1000000, 123456);
}
END_TEST

START_TEST(array_of_envelopes)
{
	parse_fixture("envelopes.json");
	ck_assert_uint_eq(count, 5);
	ck_assert_int_eq(events[0].what, EVENT_CREATED);
	ck_assert_int_eq(events[1].what, EVENT_OTHER);
	ck_assert_str_eq(events[1].name, "s3:TestEvent");
	ck_assert_str_eq(events[1].bucket, "b");
	ck_assert_int_eq(events[2].what, EVENT_REFUSED);
	ck_assert_str_eq(events[2].reason, "[2]: is no S3 notification: it has no Records array");
	ck_assert_int_eq(events[3].what, EVENT_OTHER); /* a tag is no upload */
	ck_assert_int_eq(events[4].what, EVENT_REFUSED);
	ck_assert_str_eq(events[4].reason,
	                 "[3].Records[1].s3.bucket.name: holds a slash or a control character");
}
END_TEST

static const struct {
	const char *body, *reason;
} refused[] = {
	{ "{", NULL },
	{ "nonsense", NULL },
	{ "7", "the body is neither an object nor an array" },
	{ "[]", "the body is an empty array" },
	{ "{}", "is no S3 notification: it has no Records array" },
	{ "{\"Records\":{\"a\":1}}", "is no S3 notification: it has no Records array" },
	{ "{\"Records\":[]}", "Records is empty" },
	{ "{\"Records\":[1]}", "Records[0].eventName: is missing" },
	{ "{\"Records\":[{\"eventName\":7}]}", "Records[0].eventName: is missing" },
	{ "{\"Records\":[{\"eventVersion\":\"3.0\",\"eventName\":\"ObjectCreated:Put\"}]}",
	  "Records[0].eventVersion: is not 2.x" },
	{ "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\"}]}",
	  "Records[0].s3.bucket.name: is missing" },
	{ "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"b\"}}}"
	  "]}",
	  "Records[0].s3.object.key: is missing" },
	{ "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"b\"},"
	  "\"object\":{\"key\":\"\"}}}]}",
	  "Records[0].s3.object.key: is empty" },
	{ "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"b\"},"
	  "\"object\":{\"key\":\"a%00b\"}}}]}",
	  "Records[0].s3.object.key: holds a NUL byte" },
};

START_TEST(refuses)
{
	parse(refused[_i].body);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(events[0].what, EVENT_REFUSED);
	ck_assert_ptr_nonnull(events[0].reason);
	if (refused[_i].reason)
		ck_assert_str_eq(events[0].reason, refused[_i].reason);
}
END_TEST

static void
parse_key(const char *source, const char *key)
{
	parse(arena_printf(arena,
	                   "{\"Records\":[{\"eventSource\":\"%s\",\"eventName\":"
	                   "\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"b\"},"
	                   "\"object\":{\"key\":\"%s\"}}}]}",
	                   source, key));
}

START_TEST(keys_by_source)
{
	parse_key("aws:s3", "100%+sure");
	ck_assert_str_eq(events[0].key, "100%+sure"); /* malformed: not encoded at all */
	parse_key("ceph:s3", "a+b%2Bc");
	ck_assert_str_eq(events[0].key, "a+b%2Bc");
	parse_key("file:s3", "a+b");
	ck_assert_str_eq(events[0].key, "a+b");
	parse_key("something", "a+b%2Bc");
	ck_assert_str_eq(events[0].key, "a b+c");
	ck_assert_str_eq(events[0].origin, "unknown");
	conf.keys = KEYS_RAW;
	parse_key("aws:s3", "a+b%2Bc");
	ck_assert_str_eq(events[0].key, "a+b%2Bc");
	conf.keys = KEYS_FORM;
	parse_key("ceph:s3", "a+b%2Bc");
	ck_assert_str_eq(events[0].key, "a b+c");
}
END_TEST

START_TEST(key_lengths)
{
	char *key = arena_alloc(arena, 1100);
	memset(key, 'k', 1024);
	parse_key("aws:s3", key);
	ck_assert_int_eq(events[0].what, EVENT_CREATED);
	key[1024] = 'k';
	parse_key("aws:s3", key);
	ck_assert_int_eq(events[0].what, EVENT_REFUSED);
	ck_assert_str_eq(events[0].reason, "Records[0].s3.object.key: is longer than 1,024 bytes");
}
END_TEST

START_TEST(odd_keys_survive)
{
	parse_key("aws:s3", "..%2F..%2Fetc%2F%22x%22%0A%3Cb%3E+%F0%9F%92%A9%2B%25");
	ck_assert_str_eq(events[0].key, "../../etc/\"x\"\n<b> \xf0\x9f\x92\xa9+%");
}
END_TEST

START_TEST(too_many_records)
{
	conf.max_records = 2;
	parse("{\"Records\":[{},{},{}]}");
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(events[0].reason, "holds 3 records, more than the 2 allowed");
}
END_TEST

START_TEST(deep_nesting_is_refused_cheaply)
{
	char *body = arena_alloc(arena, 10u << 20);
	memset(body, '[', (10u << 20) - 1);
	parse(body);
	ck_assert_int_eq(events[0].what, EVENT_REFUSED);
}
END_TEST

START_TEST(unknown_size_is_asked_for)
{
	parse_key("aws:s3", "k");
	ck_assert_int_eq(events[0].size, -1);
	parse_key("minio:s3", "k");
	ck_assert_int_eq(events[0].size, 0);
}
END_TEST

START_TEST(memory_is_bounded)
{
	char *body = read_whole(FIXTURES "minio-put.json");
	size_t enough = 0;
	for (size_t max = 16; enough == 0 && max < 8192; max += 16) {
		struct fault f = { 0 };
		struct arena *small = arena_new(max);
		events = NULL;
		enum rc rc = s3_event_parse(&conf, body, strlen(body), small, &events, &count, &f);
		ck_assert(rc == RC_OK || (rc == RC_RETRY && !events && f.rc == RC_RETRY));
		enough = rc == RC_OK ? max : 0;
		arena_free(small);
	}
	ck_assert_uint_gt(enough, 256);
	free(body);
}
END_TEST

/* The other shapes in which senders write. */
static const struct {
	const char *file;
	size_t count;
	enum event_what what;
	const char *key;
} samples[] = {
	{ "aws-at-sign.json", 1, EVENT_CREATED, "a@b" },
	{ "aws-multipart.json", 1, EVENT_CREATED, "2026/march.pdf" },
	{ "aws-copy.json", 1, EVENT_CREATED, "2026/march.pdf" },
	{ "aws-delete.json", 1, EVENT_REMOVED, "2026/march.pdf" },
	{ "aws-tagging.json", 1, EVENT_OTHER, "2026/march.pdf" },
	{ "aws-acl.json", 1, EVENT_OTHER, "2026/march.pdf" },
	{ "aws-lifecycle.json", 1, EVENT_OTHER, "2026/march.pdf" },
	{ "aws-restore.json", 1, EVENT_OTHER, "2026/march.pdf" },
	{ "aws-put-and-delete.json", 2, EVENT_CREATED, "2026/march.pdf" },
	{ "aws-test-event.json", 1, EVENT_OTHER, NULL },
	{ "aws-eventbridge.json", 1, EVENT_REFUSED, NULL },
	{ "minio-zero-byte.json", 1, EVENT_CREATED, "a/empty file.txt" },
	{ "minio-delete.json", 1, EVENT_REMOVED, "c.jpg" },
	{ "minio-no-bucket.json", 1, EVENT_REFUSED, NULL },
	{ "ceph-multipart.json", 1, EVENT_CREATED, "mp.bin" },
	{ "ceph-delete.json", 1, EVENT_REMOVED, "copy.txt" },
	{ "ceph-delete-marker.json", 1, EVENT_REMOVED, "versioned.txt" },
	{ "b2-webhook.json", 1, EVENT_REFUSED, NULL },
	{ "gcs-object.json", 1, EVENT_REFUSED, NULL },
};

START_TEST(every_shape)
{
	parse_fixture(samples[_i].file);
	ck_assert_uint_eq(count, samples[_i].count);
	ck_assert_msg(events[0].what == samples[_i].what, "%s: %d, %s", samples[_i].file,
	              events[0].what, events[0].reason ? events[0].reason : "");
	if (samples[_i].key)
		ck_assert_str_eq(events[0].key, samples[_i].key);
	if (count > 1)
		ck_assert_int_eq(events[1].what, EVENT_REMOVED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("s3_event");
	TCase *all = tcase_create("bodies");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, aws);
	tcase_add_test(all, one_bad_record_harms_no_other);
	tcase_add_test(all, minio);
	tcase_add_test(all, ceph);
	tcase_add_test(all, rustfs);
	tcase_add_test(all, array_of_envelopes);
	tcase_add_loop_test(all, refuses, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(all, keys_by_source);
	tcase_add_test(all, key_lengths);
	tcase_add_test(all, odd_keys_survive);
	tcase_add_test(all, too_many_records);
	tcase_add_test(all, deep_nesting_is_refused_cheaply);
	tcase_add_test(all, unknown_size_is_asked_for);
	tcase_add_test(all, memory_is_bounded);
	tcase_add_loop_test(all, every_shape, 0, (int)ARRAY_LEN(samples));
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
