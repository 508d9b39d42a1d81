/* test_details.c -- what finishes and intake tell as JSON, whatever bytes they are given. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "queue/internal.h"
#include "base/banned.h"

static struct str out = STR_INIT(1 << 20);

static const struct job_result blank = {
	.ran_ms = -1, .delay_ms = -1, .cpu_ms = -1, .rss_kb = -1, .bytes_in = -1, .bytes_out = -1
};

START_TEST(nothing_known)
{
	details_of_job(&blank, &out);
	ck_assert_str_eq(str_text(&out), "{}");
}
END_TEST

START_TEST(everything_known)
{
	const struct job_output outputs[] = {
		{ .name = "a", .uri = "u", .content_type = "t", .sha256 = "s", .size = 0 },
		{ .name = "b\"", .uri = "u", .content_type = NULL, .sha256 = "s", .size = 9 },
	};
	struct job_result r = blank;
	r.error_class = "exit";
	r.error = "line\n\"x\"";
	r.stage = "handler";
	r.tail = "t";
	r.result = "{\"k\":1}";
	r.outputs = outputs;
	r.output_count = 2;
	r.input_version = "v1";
	r.handler_digest = "d1";
	r.cpu_ms = 0;
	r.rss_kb = 5;
	r.bytes_in = 6;
	r.bytes_out = 7;
	details_of_job(&r, &out);
	ck_assert_str_eq(str_text(&out),
	                 "{\"error_class\":\"exit\",\"error\":\"line\\n\\\"x\\\"\","
	                 "\"stage\":\"handler\",\"tail\":\"t\",\"result\":{\"k\":1},\"outputs\":["
	                 "{\"name\":\"a\",\"uri\":\"u\",\"size\":0,\"sha256\":\"s\","
	                 "\"content_type\":\"t\"},"
	                 "{\"name\":\"b\\\"\",\"uri\":\"u\",\"size\":9,\"sha256\":\"s\"}],"
	                 "\"input_version\":\"v1\",\"handler_digest\":\"d1\","
	                 "\"cpu_ms\":0,\"rss_kb\":5,\"bytes_in\":6,\"bytes_out\":7}");
}
END_TEST

/* n bytes: start, then "ä" again and again. */
static char *
umlauts(size_t n, const char *start)
{
	char *text = malloc(n + 1);
	ck_assert_ptr_nonnull(text);
	size_t m = strlen(start);
	memcpy(text, start, m);
	for (size_t i = m; i < n; i++)
		text[i] = (i - m) % 2 ? '\xa4' : '\xc3';
	text[n] = '\0';
	return text;
}

START_TEST(long_texts_are_cut_at_characters)
{
	struct job_result r = blank;
	char *error = umlauts(9001, "e"), *tail = umlauts(100001, "t");
	r.error = error;
	r.tail = tail;
	details_of_job(&r, &out);
	const char *e = strstr(str_text(&out), "\"error\":\"") + 9;
	const char *t = strstr(str_text(&out), "\"tail\":\"") + 8;
	ck_assert_uint_eq(strcspn(e, "\""), 4095);
	ck_assert_int_eq(e[0], 'e');
	ck_assert_uint_eq(strcspn(t, "\""), 65536);
	ck_assert_int_eq(t[0], '\xc3');
	ck_assert(utf8_valid(str_text(&out), out.len));
	ck_assert_ptr_null(strstr(str_text(&out), "\xef\xbf\xbd"));
	free(tail);
	/* Where the cut would leave the second half of one. */
	r.tail = tail = umlauts(100002, "t");
	tail[100001] = 'z';
	str_reset(&out);
	details_of_job(&r, &out);
	t = strstr(str_text(&out), "\"tail\":\"") + 8;
	ck_assert_uint_eq(strcspn(t, "\""), 65535);
	ck_assert_int_eq(t[0], '\xc3');
	ck_assert_ptr_null(strstr(str_text(&out), "\xef\xbf\xbd"));
	const struct route_result route = { .detail = error, .size = -1, .delay_ms = -1 };
	str_reset(&out);
	details_of_route(&route, &out);
	ck_assert_uint_eq(strcspn(strstr(str_text(&out), "\"detail\":\"") + 10, "\""), 4095);
	free(error);
	free(tail);
}
END_TEST

START_TEST(any_bytes_become_text)
{
	struct job_result r = blank;
	r.error = "a\xff\x01z";
	r.tail = "\x80\x80\x80\x80";
	details_of_job(&r, &out);
	ck_assert(utf8_valid(str_text(&out), out.len));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "\"a\xef\xbf\xbd\\u0001z\""));
}
END_TEST

START_TEST(routes)
{
	const struct route_result r = { .rule_no = -1,
		                        .reason = "type",
		                        .detail = "is text",
		                        .sniffed_type = "text/plain",
		                        .size = 0,
		                        .delay_ms = -1 };
	details_of_route(&r, &out);
	ck_assert_str_eq(str_text(&out), "{\"reason\":\"type\",\"detail\":\"is text\","
	                                 "\"sniffed_type\":\"text/plain\",\"size\":0}");
	const struct route_result learnt = { .etag = "e",
		                             .version_id = "v",
		                             .content_type = "c",
		                             .client_trace_id = "t",
		                             .size = -1,
		                             .delay_ms = 0 };
	str_reset(&out);
	details_of_route(&learnt, &out);
	ck_assert_str_eq(str_text(&out),
	                 "{\"etag\":\"e\",\"version_id\":\"v\",\"content_type\":\"c\","
	                 "\"client_trace_id\":\"t\",\"delay_ms\":0}");
}
END_TEST

START_TEST(all_of_an_event)
{
	struct ulid ids[2];
	ck_assert(ulid_parse("0190a5c8-0000-7000-8000-000000000001", &ids[0]));
	ck_assert(ulid_parse("0190a5c8-0000-7000-8000-000000000002", &ids[1]));
	const struct upload_event e[] = {
		{ .what = EVENT_OTHER,
		  .name = "n",
		  .version_id = "v",
		  .etag = "e",
		  .size = 3,
		  .content_type = "c",
		  .origin = "o",
		  .sequencer = "s",
		  .request_id = "r" },
		{ .what = EVENT_REMOVED, .size = -1 },
	};
	events_json(e, 2, ids, &out);
	ck_assert_str_eq(str_text(&out),
	                 "[{\"body\":0,\"what\":\"other\",\"name\":\"n\","
	                 "\"id\":\"0190a5c8-0000-7000-8000-000000000001\",\"version_id\":\"v\","
	                 "\"etag\":\"e\","
	                 "\"size\":3,\"content_type\":\"c\",\"origin\":\"o\",\"sequencer\":\"s\","
	                 "\"request_id\":\"r\"},"
	                 "{\"body\":0,\"what\":\"removed\",\"id\":\"0190a5c8-0000-7000-8000-"
	                 "000000000002\"}]");
}
END_TEST

START_TEST(events)
{
	struct ulid id;
	ck_assert(ulid_parse("0190a5c8-0000-7000-8000-000000000001", &id));
	const struct upload_event e[] = {
		{ .what = EVENT_CREATED,
		  .body = 1,
		  .store = "s3",
		  .bucket = "b",
		  .key = "k",
		  .size = -1,
		  .event_time_us = 1,
		  .trace_id = "trace_01J8Z3NDEKTSV4RRFFQ69G5FAV",
		  .metadata = "{\"a\":\"b\"}" },
		{ .what = EVENT_REFUSED, .reason = "no key", .size = 0, .trace_id = "x" },
	};
	const struct ulid ids[] = { id, id };
	events_json(e, 2, ids, &out);
	ck_assert_str_eq(
		str_text(&out),
		"[{\"body\":1,\"what\":\"created\",\"id\":\"0190a5c8-0000-7000-8000-000000000001\","
		"\"store\":\"s3\",\"bucket\":\"b\",\"key\":\"k\","
		"\"event_time\":\"1970-01-01T00:00:00.000001Z\","
		"\"trace_uuid\":\"01923e3a-b5d3-d676-4c61-efb99302bd5b\","
		"\"trace_text\":\"trace_01J8Z3NDEKTSV4RRFFQ69G5FAV\",\"metadata\":{\"a\":\"b\"}},"
		"{\"body\":0,\"what\":\"refused\",\"reason\":\"no key\","
		"\"id\":\"0190a5c8-0000-7000-8000-000000000001\",\"size\":0,\"trace_text\":\"x\"}"
		"]");
}
END_TEST

START_TEST(foreign_ids_are_not_adopted)
{
	struct ulid id;
	ck_assert(ulid_parse("0190a5c8-0000-7000-8000-000000000001", &id));
	const struct upload_event e = { .what = EVENT_CREATED,
		                        .size = -1,
		                        .trace_id = "0190a5c8000070008000000000000001",
		                        .trace_foreign = true };
	events_json(&e, 1, &id, &out);
	ck_assert_ptr_null(strstr(str_text(&out), "trace_uuid"));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "trace_text"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("details");
	TCase *tc = tcase_create("details");
	tcase_add_test(tc, nothing_known);
	tcase_add_test(tc, everything_known);
	tcase_add_test(tc, long_texts_are_cut_at_characters);
	tcase_add_test(tc, any_bytes_become_text);
	tcase_add_test(tc, routes);
	tcase_add_test(tc, events);
	tcase_add_test(tc, all_of_an_event);
	tcase_add_test(tc, foreign_ids_are_not_adopted);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
