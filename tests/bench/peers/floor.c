/* floor.c -- bare libpq: one insert with NOTIFY, one sleeper that claims. The least that any queue
 * in PostgreSQL takes. usage: floor SAMPLES */
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"
#include "../quantiles.h"
#include "base/banned.h"

static const char table[] = "drop table if exists floor;"
			    "create table floor (id bigint primary key generated always as "
			    "identity, state smallint not null default 0);"
			    "create index on floor (id) where state = 0";
static const char add[] = "with added as (insert into floor default values returning id)"
			  " select pg_notify('floor', '') from added";
static const char claim[] =
	"update floor set state = 1 where id in (select id from floor where state = 0"
	" order by id limit 1 for update skip locked) returning id";
static const char done[] = "delete from floor where id = $1";

static sem_t claimed;
static atomic_llong claimed_us;
static atomic_bool stop;

static PGresult *
check(PGconn *c, PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	if (s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK)
		return r;
	fprintf(stderr, "floor: %s", PQerrorMessage(c));
	exit(EXIT_FAILURE);
}

static PGconn *
dial(void)
{
	PGconn *c = PQconnectdb("");
	if (PQstatus(c) == CONNECTION_OK)
		return c;
	fprintf(stderr, "floor: %s", PQerrorMessage(c));
	exit(EXIT_FAILURE);
}

static bool
serve_one(PGconn *c)
{
	PGresult *r = check(c, PQexecPrepared(c, "claim", 0, NULL, NULL, NULL, 0));
	bool found = PQntuples(r) == 1;
	if (found) {
		atomic_store(&claimed_us, clock_mono_us());
		const char *id[] = { PQgetvalue(r, 0, 0) };
		PQclear(check(c, PQexecPrepared(c, "done", 1, id, NULL, NULL, 0)));
		sem_post(&claimed);
	}
	PQclear(r);
	return found;
}

static void *
serve(void *arg)
{
	PGconn *c = arg;
	while (!atomic_load(&stop)) {
		struct pollfd p = { .fd = PQsocket(c), .events = POLLIN };
		if (serve_one(c))
			continue;
		/* What came with the claim's own answer is in libpq's memory, not in the socket. */
		PGnotify *n = PQnotifies(c);
		PQfreemem(n);
		if (!n && poll(&p, 1, 500) > 0 && !PQconsumeInput(c))
			exit(EXIT_FAILURE);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	int64_t samples = 0;
	pthread_t thread;
	if (argc != 2 || !num_parse(argv[1], 1, 1000000, &samples)) {
		fputs("usage: floor SAMPLES\n", stderr);
		return EXIT_FAILURE;
	}
	PGconn *adder = dial(), *server = dial();
	int64_t *us = calloc((size_t)samples, sizeof(us[0]));
	PQclear(check(adder, PQexec(adder, table)));
	PQclear(check(adder, PQprepare(adder, "add", add, 0, NULL)));
	PQclear(check(server, PQprepare(server, "claim", claim, 0, NULL)));
	PQclear(check(server, PQprepare(server, "done", done, 1, NULL)));
	PQclear(check(server, PQexec(server, "listen floor")));
	if (!us || sem_init(&claimed, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, serve, server) != 0)
		return EXIT_FAILURE;
	for (int64_t i = 0; i < samples; i++) {
		(void)poll(NULL, 0, (int)(20 + i * 7 % 13));
		int64_t start_us = clock_mono_us();
		PQclear(check(adder, PQexecPrepared(adder, "add", 0, NULL, NULL, NULL, 0)));
		sem_wait(&claimed);
		us[i] = atomic_load(&claimed_us) - start_us;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	quantiles_print("wake", us, (size_t)samples);
	PQfinish(adder);
	PQfinish(server);
	free(us);
	return EXIT_SUCCESS;
}
