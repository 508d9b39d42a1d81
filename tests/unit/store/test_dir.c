/* test_dir.c -- a directory as a store. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

static enum rc
get(const char *key, int to, int64_t max, struct store_meta *ret, struct fault *f)
{
	const struct store_ref o = { .bucket = "b", .key = key };

	return store_get(store, &o, to, max, arena, ret, f);
}

START_TEST(a_get_replaces_what_was_there)
{
	struct store_meta m;
	struct fault f = { .rc = RC_OK };
	char bytes[20] = { 0 };
	int to = memfd_create("get", 0);

	put("k", "hello");
	ck_assert_int_eq(write(to, "something longer", 16), 16);
	ck_assert_msg(get("k", to, 5, &m, &f) == RC_OK, "%s", f.message);
	ck_assert_int_eq(pread(to, bytes, sizeof(bytes), 0), 5);
	ck_assert_str_eq(bytes, "hello");
	ck_assert_int_eq(get("k", to, 4, &m, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "TooLarge");
	close(to);
}
END_TEST

START_TEST(an_end_is_heard_by_a_get)
{
	struct store_meta m;
	struct fault f = { .rc = RC_OK };
	int to = memfd_create("get", 0), end_fd = eventfd(1, EFD_CLOEXEC);

	put("k", "hello");
	store_bound(store, end_fd, 0);
	ck_assert_int_eq(get("k", to, 5, &m, &f), RC_STOP);
	store_bound(store, -1, 1);
	ck_assert_int_eq(get("k", to, 5, &m, &f), RC_RETRY);
	close(end_fd);
	close(to);
}
END_TEST

static atomic_bool enough;

/* The same bytes again and again: only the time of the file tells. */
static void *
rewrite(void *fd)
{
	while (!atomic_load(&enough))
		if (pwrite(*(int *)fd, "x", 1, 0) != 1)
			return fd;
	return NULL;
}

START_TEST(what_changes_while_it_is_copied_is_not_taken)
{
	struct store_meta m;
	struct fault f = { .rc = RC_OK };
	int to = memfd_create("get", 0), fd;
	pthread_t writer;

	put("k", "x");
	fd = open("b/k", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, 64 << 20), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, rewrite, &fd), 0);
	ck_assert_int_eq(get("k", to, 64 << 20, &m, &f), RC_RETRY);
	ck_assert_ptr_nonnull(strstr(f.message, "changed while it was copied"));
	atomic_store(&enough, true);
	pthread_join(writer, NULL);
	close(fd);
	close(to);
}
END_TEST

START_TEST(the_time_of_a_file_is_in_milliseconds)
{
	const struct store_ref o = { .bucket = "b", .key = "k" };
	const struct timespec times[2] = { { .tv_sec = 1700000000, .tv_nsec = 987654321 },
		                           { .tv_sec = 1700000000, .tv_nsec = 123999999 } };
	struct store_meta m;
	struct fault f;

	put("k", "hello");
	ck_assert_int_eq(utimensat(AT_FDCWD, "b/k", times, 0), 0);
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_OK);
	ck_assert_int_eq(m.modified_ms, INT64_C(1700000000123));
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
	char key[257];
	const struct store_ref o = { .bucket = "b", .key = key };
	struct store_meta m;
	struct fault f;

	memset(key, 'k', sizeof(key));
	key[255] = '\0';
	put(key, "hello");
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_OK);
	ck_assert_int_eq(chdir("b"), 0);
	ck_assert_int_eq(unlink(key), 0);
	ck_assert_int_eq(chdir(".."), 0);
	key[255] = 'k';
	key[256] = '\0';
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "BadKey");
	ck_assert_ptr_nonnull(strstr(f.message, "more than 255 bytes"));
}
END_TEST

START_TEST(what_may_not_be_read_is_named)
{
	const struct store_ref o = { .bucket = "b", .key = "k" };
	struct store_meta m;
	struct fault f;

	put("k", "hello");
	ck_assert_int_eq(chmod("b/k", 0), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(root, 0755), 0);
		ck_assert_int_eq(chmod("b", 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(store_head(store, &o, arena, &m, &f), RC_PERMANENT);
	ck_assert_str_eq(f.code, "AccessDenied");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

#define ROUNDS 100
static pthread_barrier_t together;

static void *
put_many(void *arg)
{
	struct str url CLEANUP(str_free) = STR_INIT(1000);
	struct store_put p = { .bucket = "b", .size = 4 };
	struct fault f;
	struct store *s;

	str_addf(&url, "file://%s", root);
	s = store_open(&(struct store_conf){ .url = url.data }, &f);
	p.fd = memfd_create("put", 0);
	if (write(p.fd, "text", 4) != 4)
		return arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct str key CLEANUP(str_free) = STR_INIT(100);
		str_addf(&key, "folder/%d/k", i);
		p.key = key.data;
		pthread_barrier_wait(&together);
		if (store_put(s, &p, &f) != RC_OK)
			return arg;
	}
	close(p.fd);
	store_close(s);
	return NULL;
}

START_TEST(many_make_the_same_folders)
{
	struct str path CLEANUP(str_free) = STR_INIT(100);
	pthread_t t[4];
	void *failed;

	pthread_barrier_init(&together, NULL, ARRAY_LEN(t));
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, put_many, root), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		ck_assert_int_eq(pthread_join(t[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	for (int i = 0; i < ROUNDS; i++) {
		str_reset(&path);
		str_addf(&path, "b/folder/%d/k", i);
		ck_assert_int_eq(unlink(path.data), 0);
		path.data[path.len - 2] = '\0';
		ck_assert_int_eq(rmdir(path.data), 0);
	}
}
END_TEST

START_TEST(the_root_of_all_is_a_folder)
{
	struct fault f;
	struct store *s = store_open(&(struct store_conf){ .url = "file:///" }, &f);

	ck_assert_msg(s != NULL, "%s", f.message);
	store_close(s);
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
	ck_assert_int_eq(f.rc, RC_RETRY);
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
	tcase_add_test(t, a_get_replaces_what_was_there);
	tcase_add_test(t, an_end_is_heard_by_a_get);
	tcase_add_test(t, what_changes_while_it_is_copied_is_not_taken);
	tcase_add_test(t, the_time_of_a_file_is_in_milliseconds);
	tcase_add_test(t, a_name_has_at_most_255_bytes);
	tcase_add_test(t, what_may_not_be_read_is_named);
	tcase_add_test(t, many_make_the_same_folders);
	tcase_add_test(t, the_root_of_all_is_a_folder);
	tcase_add_test(t, a_put_replaces_and_the_old_etag_no_longer_fits);
	tcase_add_test(t, types_go_by_suffix);
	tcase_add_test(t, a_set_opens_by_name);
	tcase_add_test(t, a_uri_names_the_file);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
