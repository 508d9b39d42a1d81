/* post.c -- sends S3 notifications to a receiver over keep-alive connections, each with a key of
 * its own: as fast as it can, or at a rate. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "quantiles.h"
#include "base/banned.h"

#define MAX_SAMPLES 400000
#define REPLY_MAX 65536

struct load {
	uint16_t port;
	const char *path, *token, *bucket;
	int64_t run, start_us, end_us;
	int64_t rate, count; /* events per second and in all; 0: no limit */
	atomic_llong next;
	atomic_size_t sent;
	int64_t *us; /* of each reply, MAX_SAMPLES */
};

struct link {
	int fd;
	struct str request, body;
	char reply[REPLY_MAX];
};

#define POST_FAIL(...)                                                                             \
	do {                                                                                       \
		fprintf(stderr, "post: " __VA_ARGS__);                                             \
		fputc('\n', stderr);                                                               \
		exit(EXIT_FAILURE);                                                                \
	} while (0)

static int
dial(uint16_t port)
{
	const struct timeval patience = { .tv_sec = 30 };
	const int one = 1;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		POST_FAIL("cannot connect to port %u", (unsigned)port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void
write_request(const struct load *l, struct link *k, int64_t n)
{
	str_reset(&k->body);
	str_addf(
		&k->body,
		"{\"Records\":[{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"awsRegion\":"
		"\"us-east-1\","
		"\"eventTime\":\"2026-01-02T03:04:05.678Z\",\"eventName\":\"ObjectCreated:Put\","
		"\"responseElements\":{\"x-amz-request-id\":\"R%lld.%lld\"},\"s3\":{"
		"\"s3SchemaVersion\":\"1.0\","
		"\"bucket\":{\"name\":\"%s\"},\"object\":{\"key\":\"in/%lld/%lld.txt\",\"size\":12,"
		"\"eTag\":\"d41d8cd98f00b204e9800998ecf8427e\",\"sequencer\":\"%016llX\"}}}]}",
		(long long)l->run, (long long)n, l->bucket, (long long)l->run, (long long)n,
		(unsigned long long)n);
	str_reset(&k->request);
	str_addf(&k->request,
	         "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	         "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n%s",
	         l->path, l->token, k->body.len, str_text(&k->body));
	if (k->request.failed || k->body.failed)
		POST_FAIL("out of memory");
}

static void
send_all(const struct link *k)
{
	for (size_t at = 0; at < k->request.len;) {
		ssize_t n = send(k->fd, k->request.data + at, k->request.len - at, MSG_NOSIGNAL);
		if (n <= 0)
			POST_FAIL("the receiver closed the connection");
		at += (size_t)n;
	}
}

/* The length of the whole reply once its header is there, else 0. */
static size_t
reply_length(const char *reply)
{
	const char *end = strstr(reply, "\r\n\r\n");
	const char *length = strcasestr(reply, "\r\nContent-Length:");
	if (!end || !length || length > end)
		return 0;
	return (size_t)(end + 4 - reply) + strtoul(length + 17, NULL, 10);
}

static void
read_reply(struct link *k)
{
	size_t at = 0;
	do {
		ssize_t n = recv(k->fd, k->reply + at, REPLY_MAX - 1 - at, 0);
		if (n <= 0)
			POST_FAIL("no whole reply");
		at += (size_t)n;
		k->reply[at] = '\0';
	} while (reply_length(k->reply) == 0 || at < reply_length(k->reply));
	if (strncmp(k->reply, "HTTP/1.1 2", 10) != 0)
		POST_FAIL("refused: %.200s", k->reply);
}

/* The number of the next event once its time has come; -1: it is over. */
static int64_t
next_event(struct load *l)
{
	int64_t n = atomic_fetch_add(&l->next, 1);
	int64_t due_us = l->rate ? l->start_us + n * 1000000 / l->rate : 0;
	if ((l->count && n >= l->count) || due_us >= l->end_us || clock_mono_us() >= l->end_us)
		return -1;
	for (int64_t early_us; (early_us = due_us - clock_mono_us()) > 0;)
		usleep((useconds_t)early_us);
	return n;
}

static void *
send_until_end(void *arg)
{
	struct load *l = arg;
	struct link *k = calloc(1, sizeof(*k));
	if (!k)
		POST_FAIL("out of memory");
	k->fd = dial(l->port);
	str_init(&k->request, REPLY_MAX);
	str_init(&k->body, REPLY_MAX);
	for (int64_t n; (n = next_event(l)) >= 0;) {
		int64_t start_us = clock_mono_us();
		write_request(l, k, n);
		send_all(k);
		read_reply(k);
		size_t i = atomic_fetch_add(&l->sent, 1);
		if (i < MAX_SAMPLES)
			l->us[i] = clock_mono_us() - start_us;
	}
	close(k->fd);
	str_free(&k->request);
	str_free(&k->body);
	free(k);
	return NULL;
}

static void
report(struct load *l, double seconds)
{
	size_t sent = atomic_load(&l->sent);
	size_t n = sent < MAX_SAMPLES ? sent : MAX_SAMPLES;
	if (n == 0)
		POST_FAIL("nothing was sent");
	printf("sent %zu\nseconds %.3f\nevents_per_s %.0f\n", sent, seconds,
	       (double)sent / seconds);
	quantiles_print("post", l->us, n);
}

int
main(int argc, char **argv)
{
	int64_t port = 0, connections = 0, seconds = 0, rate = 0, count = 0;
	if (argc < 7 || argc > 9 || (argc > 7 && !num_parse(argv[7], 0, 1000000, &rate)) ||
	    (argc > 8 && !num_parse(argv[8], 0, 100000000, &count)) ||
	    !num_parse(argv[1], 1, 65535, &port) || !num_parse(argv[5], 1, 1024, &connections) ||
	    !num_parse(argv[6], 1, 3600, &seconds))
		POST_FAIL("usage: post PORT PATH TOKEN BUCKET CONNECTIONS SECONDS [RATE [COUNT]]");
	int64_t start_us = clock_mono_us();
	struct load l = {
		.port = (uint16_t)port,
		.path = argv[2],
		.token = argv[3],
		.bucket = argv[4],
		.run = clock_wall_us(),
		.start_us = start_us,
		.end_us = start_us + seconds * 1000000,
		.rate = rate,
		.count = count,
		.us = calloc(MAX_SAMPLES, sizeof(l.us[0])),
	};
	pthread_t *threads = calloc((size_t)connections, sizeof(threads[0]));
	if (!l.us || !threads)
		POST_FAIL("out of memory");
	for (int64_t i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, send_until_end, &l) != 0)
			POST_FAIL("cannot start a thread");
	for (int64_t i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	report(&l, (double)(clock_mono_us() - start_us) / 1e6);
	free(threads);
	free(l.us);
	return EXIT_SUCCESS;
}
