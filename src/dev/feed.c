/* feed.c -- a folder of buckets as a source of uploads. */
#include "dev/feed.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/ulid.h"
#include "base/utf8.h"
#include "dev/seen.h"
#include "dev/tree.h"
#include "net/hash.h"
#include "store/store.h"
#include "base/banned.h"

#define WALK_EVERY_MS (30 * 1000)
/* A file that a walk meets counts when nobody has written to it for this long. */
#define QUIET_MS 2000
#define BODY_MAX (1 << 20)
#define BODY_ENOUGH (256 * 1024)
#define BATCH_MAX 100
#define TRACE_XATTR "user.millrace.trace-id"

struct feed {
	struct feed_conf conf;
	pthread_t thread;
	int stop_fd; /* readable: end the thread */
	atomic_bool idle;
	/* The thread's own. */
	struct http *http;
	struct tree *tree;
	struct seen seen;
	struct str body;
	uint8_t batch[BATCH_MAX][SEEN_BYTES];
	size_t batch_n;
	int64_t walk_at_ms;
};

static bool
sleep_ms(struct feed *w, int64_t ms)
{
	struct pollfd fds[] = { { .fd = w->stop_fd, .events = POLLIN },
		                { .fd = stop_fd(), .events = POLLIN } };
	return poll(fds, ARRAY_LEN(fds), (int)ms) > 0;
}

/* Again and again until the receiver has it: the queue of inotify holds what comes meanwhile. */
static enum rc
post_patiently(struct feed *w)
{
	const struct backoff delays = { .base_ms = 100, .cap_ms = 5000 };
	for (int attempt = 1;; attempt++) {
		struct fault f = { 0 };
		enum rc rc = notify_post(w->http, &w->conf.to, &w->body, &f);
		if (rc == RC_PERMANENT || (rc != RC_OK && attempt == 3))
			w->conf.problem(&f);
		if (rc == RC_OK || rc == RC_PERMANENT)
			return rc;
		if (sleep_ms(w, backoff_ms(&delays, attempt, backoff_seed())))
			return RC_STOP;
	}
}

static void
flush(struct feed *w)
{
	if (w->batch_n == 0)
		return;
	notify_end(&w->body);
	if (!w->body.failed && post_patiently(w) != RC_STOP)
		for (size_t i = 0; i < w->batch_n; i++)
			if (!seen_add(&w->seen, w->batch[i]))
				break;
	w->batch_n = 0;
	notify_begin(&w->body);
}

static void
digest_of(const char *path, const char *etag, uint8_t ret[SEEN_BYTES])
{
	struct hash_sha256_ctx *c = hash_begin();
	char hex[SHA256_HEX_MAX];
	uint8_t full[SHA256_BYTES];
	/* With its NUL, so that no other pair reads the same. */
	hash_add(c, path, strlen(path) + 1);
	hash_add(c, etag, strlen(etag));
	hash_hex(c, hex);
	hash_end(c);
	hash_sha256(hex, strlen(hex), full);
	memcpy(ret, full, SEEN_BYTES);
}

static void
add_record(struct feed *w, const char *path, const struct stat *st, const char *etag)
{
	struct str full = STR_INIT(8192);
	struct str bucket = STR_INIT(1024);
	char trace[TRACE_TEXT_MAX + 1];
	str_addf(&full, "%s/%s", w->conf.root, path);
	ssize_t n = lgetxattr(str_text(&full), TRACE_XATTR, trace, sizeof(trace) - 1);
	trace[n > 0 ? n : 0] = '\0';

	size_t bucket_n = strcspn(path, "/");
	str_addn(&bucket, path, bucket_n);
	notify_add(&w->body, &(struct notify_file){
				     .bucket = str_text(&bucket),
				     .key = path + bucket_n + 1,
				     .etag = etag,
				     .trace_id = n > 0 ? trace : NULL,
				     .size = (int64_t)st->st_size,
				     .modified = st->st_mtim,
			     });
	str_free(&bucket);
	str_free(&full);
}

static bool
still_written(struct feed *w, const struct stat *st)
{
	int64_t age = clock_wall_ms() -
	              ((int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000);
	/* A time in the future says nothing about now. */
	if (age < 0 || age >= QUIET_MS)
		return false;
	int64_t then = clock_mono_ms() + QUIET_MS - age;
	if (then < w->walk_at_ms)
		w->walk_at_ms = then;
	return true;
}

static void
told(void *arg, enum tree_news news, const char *path)
{
	struct feed *w = arg;
	struct stat st;
	if (news == TREE_MISSED) {
		w->walk_at_ms = 0;
		return;
	}
	/* Files beside the buckets are in none. */
	if (!strchr(path, '/') || !tree_stat(w->tree, path, &st))
		return;
	if (news == TREE_FOUND && still_written(w, &st))
		return;

	char etag[STORE_DIR_ETAG_MAX];
	uint8_t digest[SEEN_BYTES];
	store_dir_etag(&st, etag);
	digest_of(path, etag, digest);
	if (seen_has(&w->seen, digest))
		return;
	if (!utf8_valid(path, strlen(path))) {
		struct fault f = { 0 };
		fault_set(&f, RC_PERMANENT, "%s: the name is not UTF-8, so it cannot be a key",
		          path);
		w->conf.problem(&f);
		seen_add(&w->seen, digest);
		return;
	}
	memcpy(w->batch[w->batch_n++], digest, SEEN_BYTES);
	add_record(w, path, &st, etag);
	if (w->batch_n == BATCH_MAX || w->body.len > BODY_ENOUGH)
		flush(w);
}

static void
walk_everything(struct feed *w)
{
	struct fault f = { 0 };
	w->walk_at_ms = clock_mono_ms() + WALK_EVERY_MS;
	if (tree_walk(w->tree, w->conf.bucket ? w->conf.bucket : "", &f) != RC_OK)
		w->conf.problem(&f);
}

static void *
feed_main(void *arg)
{
	struct feed *w = arg;
	for (;;) {
		struct fault f = { 0 };
		atomic_store(&w->idle, false);
		if (clock_mono_ms() >= w->walk_at_ms)
			walk_everything(w);
		if (tree_read(w->tree, &f) != RC_OK)
			w->conf.problem(&f);
		flush(w);
		int64_t left = w->walk_at_ms - clock_mono_ms();
		/* A walk that comes early has files to look at again. */
		atomic_store(&w->idle, left > QUIET_MS);
		struct pollfd fds[] = { { .fd = w->stop_fd, .events = POLLIN },
			                { .fd = stop_fd(), .events = POLLIN },
			                { .fd = tree_fd(w->tree), .events = POLLIN } };
		poll(fds, ARRAY_LEN(fds), left > 0 ? (int)left : 0);
		if (fds[0].revents || fds[1].revents)
			return NULL;
	}
}

static void
release(struct feed *w)
{
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	http_close(w->http);
	tree_free(w->tree);
	seen_free(&w->seen);
	str_free(&w->body);
	free(w);
}

void
feed_free(struct feed *w)
{
	if (!w)
		return;
	uint64_t one = 1;
	if (write(w->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(w->thread, NULL);
	release(w);
}

struct feed *
feed_start(const struct feed_conf *conf, struct fault *f)
{
	struct feed *w = calloc(1, sizeof(*w));
	if (!w) {
		fault_set(f, RC_RETRY, "out of memory");
		return NULL;
	}
	w->conf = *conf;
	str_init(&w->body, BODY_MAX);
	notify_begin(&w->body);
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	w->http = http_open(f);
	w->tree = w->http ? tree_new(conf->root, told, w, f) : NULL;
	int error = w->tree ? pthread_create(&w->thread, NULL, feed_main, w) : 0;
	if (w->tree && error == 0)
		return w;
	if (error)
		fault_set(f, RC_RETRY, "cannot start a thread: %s", strerror(error));
	release(w);
	return NULL;
}

bool
feed_idle(struct feed *w)
{
	return atomic_load(&w->idle);
}
