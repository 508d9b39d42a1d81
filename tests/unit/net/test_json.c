/* test_json.c -- reading JSON under limits. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "net/json.h"

#include "base/banned.h"

static struct json_doc *
parse(const char *text)
{
	struct fault f = { .rc = RC_OK };
	struct json_doc *d = json_parse(text, strlen(text), 8, &f);

	ck_assert_msg(d != NULL, "%s: %s", text, f.message);
	return d;
}

static void
refuses(const char *text, size_t n, const char *says)
{
	struct fault f = { .rc = RC_OK };
	struct json_doc *d = json_parse(text, n, 8, &f);

	ck_assert_msg(d == NULL, "accepted: %s", text);
	ck_assert_int_eq(f.rc, RC_PERMANENT);
	ck_assert_msg(strstr(f.message, says) != NULL, "\"%s\" does not say \"%s\"", f.message,
	              says);
}

START_TEST(reads_each_type)
{
	struct json_doc *d = parse("{\"t\":\"x\",\"i\":-7,\"r\":1.5,\"b\":true,\"n\":null,"
	                           "\"a\":[1,2,3],\"o\":{\"k\":\"v\"}}");
	const struct json *root = json_root(d);
	const char *key;
	int64_t i = 0;

	ck_assert_str_eq(json_text(json_get(root, "t")), "x");
	ck_assert(json_int(json_get(root, "i"), &i));
	ck_assert_int_eq(i, -7);
	ck_assert(!json_int(json_get(root, "r"), &i));
	ck_assert_int_eq(json_type(json_get(root, "r")), JSON_REAL_);
	ck_assert(json_bool(json_get(root, "b"), false));
	ck_assert(json_bool(json_get(root, "i"), true) && !json_bool(json_get(root, "t"), false));
	ck_assert_ptr_null(json_at(root, 0));
	ck_assert_ptr_null(json_member(json_get(root, "a"), 0, &key));
	ck_assert_int_eq(json_type(json_get(root, "n")), JSON_NULL_);
	ck_assert_uint_eq(json_count(json_get(root, "a")), 3);
	ck_assert(json_int(json_at(json_get(root, "a"), 2), &i));
	ck_assert_int_eq(i, 3);
	ck_assert_str_eq(json_text(json_get(json_get(root, "o"), "k")), "v");
	json_free(d);
}
END_TEST

START_TEST(missing_values_chain)
{
	struct json_doc *d = parse("[]");
	const struct json *none = json_get(json_get(json_root(d), "a"), "b");
	const char *key;
	int64_t i;

	ck_assert_ptr_null(none);
	ck_assert_int_eq(json_type(none), JSON_MISSING_);
	ck_assert_uint_eq(json_count(none), 0);
	ck_assert_ptr_null(json_at(none, 0));
	ck_assert_ptr_null(json_at(json_root(d), 0));
	ck_assert_ptr_null(json_member(none, 0, &key));
	ck_assert_ptr_null(json_text(none));
	ck_assert(!json_int(none, &i));
	ck_assert(json_bool(none, true));
	ck_assert_ptr_null(json_root(NULL));
	json_free(d);
}
END_TEST

START_TEST(members_keep_their_order_and_are_written_sorted)
{
	struct json_doc *d = parse("{\"z\": 1, \"a\": [1.0, \"\\u00e9\\n\"], \"m\": {\"y\":null,"
	                           "\"b\":false}}");
	struct str out CLEANUP(str_free) = STR_INIT(1024);
	const char *key = NULL;

	json_member(json_root(d), 0, &key);
	ck_assert_str_eq(key, "z");
	json_member(json_root(d), 2, &key);
	ck_assert_str_eq(key, "m");
	ck_assert_ptr_null(json_member(json_root(d), 3, &key));
	ck_assert(json_write(json_root(d), &out));
	ck_assert_str_eq(out.data,
	                 "{\"a\":[1.0,\"\xc3\xa9\\n\"],\"m\":{\"b\":false,\"y\":null},\"z\":1}");
	json_free(d);
}
END_TEST

START_TEST(numbers_are_written_as_they_were)
{
	static const char text[] = "[0.12345678901234568,2.0,1e+20,9007199254740993,-9.0,true]";
	struct json_doc *d = parse(text);
	struct str out CLEANUP(str_free) = STR_INIT(1024);

	ck_assert(json_write(json_root(d), &out));
	ck_assert_str_eq(out.data, text);
	json_free(d);
}
END_TEST

START_TEST(the_root_may_be_anything)
{
	struct json_doc *d = parse("7");
	int64_t i = 0;

	ck_assert(json_int(json_root(d), &i) && i == 7);
	json_free(d);
}
END_TEST

START_TEST(neighbours_are_no_depth)
{
	struct json_doc *d = parse("[[1],[2],[3],[4],[5],{\"a\":{}},[7],[8],[9],[10]]");

	ck_assert_uint_eq(json_count(json_root(d)), 10);
	json_free(d);
}
END_TEST

START_TEST(writing_stops_at_the_maximum)
{
	struct json_doc *d = parse("[\"0123456789\"]");
	struct str out CLEANUP(str_free) = STR_INIT(8);

	ck_assert(!json_write(json_root(d), &out));
	json_free(d);
}
END_TEST

static const struct {
	const char *text, *says;
} refused[] = {
	{ "", "empty" },
	{ "{", "line 1" },
	{ "{\"a\":1,\"a\":2}", "line 1" },
	{ "[1]\n x", "line 2" },
	{ "\"\\u0000\"", "line 1" },
	{ "\"\xff\"", "line 1" },
	{ "[[[[[[[[[1]]]]]]]]]", "line 1, column 9: nested deeper than 8" },
	{ "[\n\n {\"a\":[[[[[[[1]]]]]]]}]", "line 3, column 13: nested deeper than 8" },
	{ "nul", "line 1" },
	{ "99999999999999999999", "line 1" },
	{ "\xef\xbb\xbf{}", "line 1" },
};

START_TEST(refuses_what_is_no_json)
{
	refuses(refused[_i].text, strlen(refused[_i].text), refused[_i].says);
}
END_TEST

START_TEST(refuses_a_byte_zero_between)
{
	refuses("[1,\0 2]", 7, "line 1");
}
END_TEST

START_TEST(brackets_in_texts_are_no_depth)
{
	struct json_doc *d = parse("[\"[[[[[[[[[[\\\"[[[[[[[[[[[[\", \"\\\\\", \"{{{{{{{{{{{\"]");

	ck_assert_uint_eq(json_count(json_root(d)), 3);
	json_free(d);
}
END_TEST

START_TEST(ten_megabytes_of_brackets_cost_nothing)
{
	const size_t n = (size_t)10 * 1024 * 1024;
	char *text = malloc(n);

	ck_assert_ptr_nonnull(text);
	memset(text, '[', n);
	for (int i = 0; i < 1000; i++)
		refuses(text, n, "column 9: nested deeper");
	free(text);
}
END_TEST

START_TEST(a_wide_object_is_walked_in_linear_time)
{
	struct str text CLEANUP(str_free) = STR_INIT(64u * 1024 * 1024);
	struct json_doc *d;
	const char *key;
	int64_t v, sum = 0;

	str_add(&text, "{");
	for (int i = 0; i < 100000; i++)
		str_addf(&text, "%s\"k%d\":%d", i == 0 ? "" : ",", i, 1);
	str_add(&text, "}");
	d = parse(text.data);
	for (size_t i = 0; i < json_count(json_root(d)); i++)
		if (json_int(json_member(json_root(d), i, &key), &v))
			sum += v;
	ck_assert_int_eq(sum, 100000);
	json_free(d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_test(t, reads_each_type);
	tcase_add_test(t, missing_values_chain);
	tcase_add_test(t, members_keep_their_order_and_are_written_sorted);
	tcase_add_test(t, numbers_are_written_as_they_were);
	tcase_add_test(t, the_root_may_be_anything);
	tcase_add_test(t, neighbours_are_no_depth);
	tcase_add_test(t, writing_stops_at_the_maximum);
	tcase_add_loop_test(t, refuses_what_is_no_json, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(t, refuses_a_byte_zero_between);
	tcase_add_test(t, brackets_in_texts_are_no_depth);
	tcase_add_test(t, ten_megabytes_of_brackets_cost_nothing);
	tcase_add_test(t, a_wide_object_is_walked_in_linear_time);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
