/* queue.c -- drives the queue through its C face: fills it, drains it, times its claims and
 * wake-ups. */
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
fill(struct filler *fl, size_t uploads, bool expand)
{
	if (expand)
		filler_fill(fl, uploads);
	else
		filler_accept(fl, uploads);
	filler_free(fl);
}

static void
flow(struct filler *fl, const int64_t v[])
{
	flow_run(fl, (int)v[0], (size_t)v[1], (size_t)v[2], v[3]);
	filler_free(fl);
}

/* One upload with so many jobs. */
static void
parent(size_t children)
{
	struct filler *fl = filler_new(children);
	filler_accept(fl, 1);
	if (filler_claim(fl) != 1)
		BENCH_FAIL("the upload was not there to be routed");
	filler_expand(fl, 0);
	filler_free(fl);
}

static const char usage[] =
	"usage: queue fill UPLOADS | accept UPLOADS | skewed UPLOADS [GROUP_LIMIT] |"
	" register STEPS | parent JOBS | drain SESSIONS BATCH JOBS |"
	" flow SESSIONS BATCH JOBS SECONDS [GROUP_LIMIT] | claim TIMES BATCH | pace UPLOADS_PER_S "
	"SECONDS |"
	" wake SAMPLES | unblock SAMPLES";

static bool
run(const char *what, int n, const int64_t v[])
{
	if (n == 1 && strcmp(what, "register") == 0)
		filler_free(filler_new((size_t)v[0]));
	else if (n == 1 && strcmp(what, "fill") == 0)
		fill(filler_new(0), (size_t)v[0], true);
	else if (n == 1 && strcmp(what, "accept") == 0)
		fill(filler_new(0), (size_t)v[0], false);
	else if (n <= 2 && strcmp(what, "skewed") == 0)
		fill(filler_new_grouped((int)v[1]), (size_t)v[0], true);
	else if (n == 1 && strcmp(what, "parent") == 0)
		parent((size_t)v[0]);
	else if (n == 1 && strcmp(what, "wake") == 0)
		wake_run((size_t)v[0], false);
	else if (n == 1 && strcmp(what, "unblock") == 0)
		wake_run((size_t)v[0], true);
	else if (n == 2 && strcmp(what, "claim") == 0)
		claim_run((size_t)v[0], (size_t)v[1]);
	else if (n == 2 && strcmp(what, "pace") == 0)
		pace_run(v[0], v[1], 0);
	else if (n == 3 && strcmp(what, "drain") == 0)
		drain_run((int)v[0], (size_t)v[1], (size_t)v[2]);
	else if (n == 4 && strcmp(what, "flow") == 0)
		flow(filler_new(0), v);
	else if (n == 5 && strcmp(what, "flow") == 0)
		flow(filler_new_grouped((int)v[4]), v);
	else
		return false;
	return true;
}

int
main(int argc, char **argv)
{
	struct fault f = { 0 };
	int64_t v[5] = { 0 };
	int n = argc - 2;
	if (n < 1 || n > (int)ARRAY_LEN(v))
		BENCH_FAIL("%s", usage);
	for (int i = 0; i < n; i++)
		v[i] = number(argv[i + 2]);
	BENCH_OK(stop_setup(&f), &f);
	if (!run(argv[1], n, v))
		BENCH_FAIL("%s", usage);
	return EXIT_SUCCESS;
}
