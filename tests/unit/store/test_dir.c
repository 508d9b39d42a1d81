/* test_dir.c -- a directory as a store. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "store/store.h"

#include "base/banned.h"

static char root[] = "/tmp/test-dir-XXXXXX";
static struct store *store;
static struct arena *arena;

static void
setup(void)
{
	struct str url CLEANUP(str_free) = STR_INIT(1000);
	struct store_conf c = { .name = "local" };
	struct fault f = { .rc = RC_OK };

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chdir(root), 0);
	ck_assert_int_eq(mkdir("b", 0700), 0);
	str_addf(&url, "file://%s/", root);
	c.url = url.data;
	store = store_open(&c, &f);
	arena = arena_new(1 << 20);
	ck_assert_msg(store != NULL && arena != NULL, "%s", f.message);
}

static void
teardown(void)
{
	store_close(store);
	arena_free(arena);
	unlink("b/k");
	unlink("b/folder/k");
	rmdir("b/folder");
	rmdir("b");
	rmdir(root);
}

static void
put(const char *key, const char *text)
{
	struct store_put p = { .bucket = "b", .key = key, .size = (int64_t)strlen(text) };
	struct fault f = { .rc = RC_OK };

	p.fd = memfd_create("put", 0);
	ck_assert_int_eq(write(p.fd, text, strlen(text)), p.size);
	ck_assert_msg(store_put(store, &p, &f) == RC_OK, "%s", f.message);
	close(p.fd);
}

START_TEST(an_etag_is_made_of_what_stat_says)
{
	struct stat st = { .st_ino = 0xabc,
		           .st_size = 0x10,
		           .st_mtim = { .tv_sec = 1, .tv_nsec = 2 } };
	char etag[STORE_DIR_ETAG_MAX];

	ck_assert_str_eq(store_dir_etag(&st, etag), "abc-10-3b9aca02");
	memset(&st, 0xff, sizeof(st));
	ck_assert_uint_lt(strlen(store_dir_etag(&st, etag)), sizeof(etag));
}
END_TEST

/* What `millrace dev` writes for a folder of any name. */
START_TEST(a_url_may_be_encoded)
{
	const struct store_ref o = { .bucket = "b", .key = "k" };
	struct str url CLEANUP(str_free) = STR_INIT(1000);
	struct str uri CLEANUP(str_free) = STR_INIT(1000);
	struct store_conf c = { .name = "local" };
	struct store_meta m;
	struct fault f = { .rc = RC_OK };
	struct store *s;

	put("k", "text");
	ck_assert_int_eq(symlink(".", "a b+\u00fc%41"), 0);
	str_addf(&url, "file://%s/", root);
	str_add_uri(&url, "a b+\u00fc%41", strlen("a b+\u00fc%41"), true);
	c.url = url.data;
	s = store_open(&c, &f);
	ck_assert_msg(s != NULL, "%s", f.message);
	ck_assert_msg(store_head(s, &o, arena, &m, &f) == RC_OK, "%s", f.message);
	str_addf(&uri, "file://%s/a b+\u00fc%%41/b/k", root);
	ck_assert_str_eq(store_uri(s, "b", "k", arena), uri.data);
	store_close(s);
	unlink("a b+\u00fc%41");
}
END_TEST

START_TEST(a_url_that_is_wrongly_encoded_is_refused)
{
	static const char *const urls[] = { "file:///tmp/%", "file:///tmp/%4", "file:///tmp/%4g",
		                            "file:///tmp/%00" };
	struct fault f;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct store_conf c = { .name = "local", .url = urls[i] };
		f = (struct fault){ .rc = RC_OK };
		ck_assert_ptr_null(store_open(&c, &f));
		ck_assert_int_eq(f.rc, RC_PERMANENT);
		ck_assert_msg(strstr(f.message, "no encoded byte") != NULL, "%s", f.message);
	}
}
END_TEST

START_TEST(what_is_put_is_found)
{
	const struct store_ref o = { .bucket = "b", .key = "folder/k" };
	struct store_meta m;
	struct fault f;
	char etag[STORE_DIR_ETAG_MAX], head[4];
	struct stat st;
	size_t n;

	put("folder/k", "hello");
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_OK);
	ck_assert_int_eq(m.size, 5);
	ck_assert_int_eq(stat("b/folder/k", &st), 0);
	ck_assert_str_eq(m.etag, store_dir_etag(&st, etag));
	ck_assert_ptr_null(m.content_type);
	ck_assert_int_eq(store_get_head(store, &o, head, sizeof(head), &n, &f), RC_OK);
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(memcmp(head, "hell", 4), 0);
}
END_TEST

START_TEST(a_put_replaces_and_the_old_etag_no_longer_fits)
{
	struct store_ref o = { .bucket = "b", .key = "k" };
	struct store_meta m;
	struct fault f;

	put("k", "first");
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_OK);
	o.etag = m.etag;
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_OK);
	put("k", "other");
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "Replaced");
}
END_TEST

START_TEST(types_go_by_suffix)
{
	ck_assert_str_eq(store_content_type("a/b.PDF"), "application/pdf");
	ck_assert_str_eq(store_content_type("x.tar.gz"), "application/gzip");
	ck_assert_ptr_null(store_content_type("a.pdf/b"));
	ck_assert_ptr_null(store_content_type("pdf"));
	ck_assert_ptr_null(store_content_type("a."));
}
END_TEST

START_TEST(a_set_opens_by_name)
{
	const struct store_conf confs[] = { { .name = "local", .url = "file:///tmp" },
		                            { .name = "bad", .url = "file:///no/such" } };
	struct store_set *set = store_set_new(confs, 2);
	struct fault f = { .rc = RC_OK };
	struct store *s = store_set_get(set, "local", &f);

	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_eq(store_set_get(set, "local", &f), s);
	ck_assert_ptr_null(store_set_get(set, "bad", &f));
	ck_assert_ptr_nonnull(strstr(f.message, "store bad: "));
	ck_assert_ptr_null(store_set_get(set, "none", &f));
	ck_assert_str_eq(f.code, "NoStore");
	store_set_free(set);
}
END_TEST

START_TEST(a_uri_names_the_file)
{
	struct str want CLEANUP(str_free) = STR_INIT(1000);

	str_addf(&want, "file://%s/b/k", root);
	ck_assert_str_eq(store_uri(store, "b", "k", arena), want.data);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dir");
	TCase *t = tcase_create("dir");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_etag_is_made_of_what_stat_says);
	tcase_add_test(t, a_url_may_be_encoded);
	tcase_add_test(t, a_url_that_is_wrongly_encoded_is_refused);
	tcase_add_test(t, what_is_put_is_found);
	tcase_add_test(t, a_put_replaces_and_the_old_etag_no_longer_fits);
	tcase_add_test(t, types_go_by_suffix);
	tcase_add_test(t, a_set_opens_by_name);
	tcase_add_test(t, a_uri_names_the_file);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
