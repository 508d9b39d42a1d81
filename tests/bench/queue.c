/* queue.c -- drives the queue through its C face: fill it, drain it, time its wake-ups. */
#include "bench.h"

#include <string.h>

#include "base/num.h"
#include "base/stop.h"
#include "base/banned.h"

struct db *
bench_open(void)
{
	struct fault f = { 0 };
	struct db *db = db_open(NULL, "bench", &f);
	if (!db)
		BENCH_FAIL("connect: %s", f.message);
	return db;
}

struct session *
bench_session(struct db *db, const char *kind, int slots)
{
	struct fault f = { 0 };
	const char *const kinds[] = { kind };
	const struct session_conf conf = {
		.worker = "bench",
		.host = "localhost",
		.version = "bench",
		.kinds = kinds,
		.kind_count = ARRAY_LEN(kinds),
		.slots = slots,
	};
	struct session *s = session_open(db, &conf, &f);
	if (!s)
		BENCH_FAIL("session: %s", f.message);
	return s;
}

static int64_t
number(const char *text)
{
	int64_t n = 0;
	if (!num_parse(text, 1, 100000000, &n))
		BENCH_FAIL("not a number from 1 on: %s", text);
	return n;
}

static void
fill(size_t uploads)
{
	struct filler *fl = filler_new();
	filler_fill(fl, uploads);
	filler_free(fl);
}

int
main(int argc, char **argv)
{
	struct fault f = { 0 };
	BENCH_OK(stop_setup(&f), &f);
	if (argc == 3 && strcmp(argv[1], "fill") == 0)
		fill((size_t)number(argv[2]));
	else if (argc == 5 && strcmp(argv[1], "drain") == 0)
		drain_run((int)number(argv[2]), (size_t)number(argv[3]), (size_t)number(argv[4]));
	else if (argc == 3 && strcmp(argv[1], "wake") == 0)
		wake_run((size_t)number(argv[2]));
	else
		BENCH_FAIL("usage: queue fill UPLOADS | drain SESSIONS BATCH JOBS | wake SAMPLES");
	return EXIT_SUCCESS;
}
