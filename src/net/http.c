/* http.c -- an HTTP client on libcurl: one request, no retries, no redirects. */
#include "net/http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "net/coded.h"

#include "base/banned.h"

#define CONNECT_MS 5000
#define STALL_MS 30000
#define HEADERS_MAX ((size_t)256 * 1024)
#define OTHER_BODY_MAX ((size_t)64 * 1024)

struct http {
	CURL *easy;
	char why[CURL_ERROR_SIZE]; /* libcurl's words about the last failure */
};

/* What one request has come to; the callbacks' argument. */
struct transfer {
	const struct http_call *call;
	CURL *easy;
	struct http_reply reply;
	int64_t sent;
	bool cut;       /* ended by us: enough of an error's body was seen */
	bool too_large; /* more than max_reply */
	bool short_file;
	bool stopped;
	int io_errno; /* of the sink or of the body's file */
};

static bool
succeeded(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status <= 299;
}

static bool
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool
fits(struct transfer *t, size_t n)
{
	curl_off_t announced = -1;

	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	if (announced <= t->call->max_reply && t->reply.received + (int64_t)n <= t->call->max_reply)
		return true;
	t->too_large = true;
	return false;
}

/* Anything but n tells libcurl to end the transfer. */
static size_t
on_body(char *p, size_t one, size_t n, void *transfer)
{
	struct transfer *t = transfer;
	size_t room = OTHER_BODY_MAX - t->reply.body.len;

	(void)one;
	if (!succeeded(t)) {
		t->cut = n > room;
		t->reply.received += (int64_t)n;
		return str_addn(&t->reply.body, p, t->cut ? room : n) && !t->cut ? n : 0;
	}
	if (!fits(t, n))
		return 0;
	if (t->call->sink_fd >= 0 && !write_all(t->call->sink_fd, p, n)) {
		t->io_errno = errno;
		return 0;
	}
	if (t->call->sink_fd < 0 && !str_addn(&t->reply.body, p, n)) {
		t->io_errno = ENOMEM;
		return 0;
	}
	t->reply.received += (int64_t)n;
	return n;
}

static size_t
on_header(char *p, size_t one, size_t n, void *transfer)
{
	struct transfer *t = transfer;

	(void)one;
	/* A 100 (Continue) comes with headers of its own. */
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		str_reset(&t->reply.headers);
	return str_addn(&t->reply.headers, p, n) ? n : 0;
}

static size_t
from_file(struct transfer *t, char *p, size_t n)
{
	ssize_t got;

	do
		got = pread(t->call->body_fd, p, n, t->sent);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	t->short_file = got == 0;
	t->io_errno = got < 0 ? errno : 0;
	return CURL_READFUNC_ABORT;
}

static size_t
on_upload(char *p, size_t one, size_t n, void *transfer)
{
	struct transfer *t = transfer;
	int64_t left = t->call->body_size - t->sent;

	(void)one;
	if ((int64_t)n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	if (t->call->body != NULL)
		memcpy(p, (const char *)t->call->body + t->sent, n);
	else
		n = from_file(t, p, n);
	if (n != CURL_READFUNC_ABORT)
		t->sent += (int64_t)n;
	return n;
}

static int
on_seek(void *transfer, curl_off_t offset, int whence)
{
	struct transfer *t = transfer;

	if (whence != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	t->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *transfer, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = transfer;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	struct pollfd end = { .fd = *t->call->end_fd, .events = POLLIN };
	t->stopped = poll(&end, 1, 0) > 0;
	return t->stopped ? 1 : 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void
init_global(void)
{
	global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void
destroy(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->easy);
	free(h);
}

void
http_close(struct http *h)
{
	destroy(h);
}

struct http *
http_open(struct fault *f)
{
	struct http *h;

	pthread_once(&once, init_global);
	h = calloc(1, sizeof(*h));
	if (h != NULL)
		h->easy = global == CURLE_OK ? curl_easy_init() : NULL;
	if (h != NULL && h->easy != NULL)
		return h;
	destroy(h);
	fault_set(f, RC_RETRY, "cannot set up an HTTP client: %s", curl_easy_strerror(global));
	return NULL;
}

void
http_reply_free(struct http_reply *r)
{
	if (r == NULL)
		return;
	str_free(&r->body);
	str_free(&r->headers);
}

/* Every option that can be refused is a text that libcurl copies: memory is the only reason. */
static void
set_safety(CURL *e)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "millrace");
}

static void
set_limits(CURL *e, const struct http_call *c)
{
	int64_t stall = c->stall_ms > 0 ? c->stall_ms : STALL_MS;
	int64_t connect = c->connect_ms > 0 ? c->connect_ms : CONNECT_MS;

	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)((stall + 999) / 1000));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)c->total_ms);
	if (c->ca_file != NULL)
		curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
}

static void
set_callbacks(CURL *e, struct transfer *t)
{
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	if (t->call->end_fd == NULL)
		return;
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, t);
}

static bool
has_body(const struct http_call *c)
{
	return c->body != NULL || c->body_fd >= 0 || strcmp(c->method, "PUT") == 0 ||
	       strcmp(c->method, "POST") == 0 || strcmp(c->method, "PATCH") == 0;
}

static void
set_method(CURL *e, struct transfer *t)
{
	const struct http_call *c = t->call;

	if (strcmp(c->method, "HEAD") == 0) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		return;
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->method);
	if (!has_body(c))
		return;
	curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->body_size);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(e, CURLOPT_READDATA, t);
	curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(e, CURLOPT_SEEKDATA, t);
}

static void
free_list(struct curl_slist **l)
{
	curl_slist_free_all(*l);
}

static enum rc
add_line(struct curl_slist **list, const char *line, struct fault *f)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return fault_set(f, RC_RETRY, "no memory for a request's headers");
	*list = longer;
	return RC_OK;
}

static enum rc
add_header(struct curl_slist **list, const struct http_header *h, struct fault *f)
{
	struct str line CLEANUP(str_free) = STR_INIT(HEADERS_MAX);

	if (strpbrk(h->name, "\r\n:") != NULL || strpbrk(h->value, "\r\n") != NULL)
		return fault_set(f, RC_PERMANENT, "the header %.40s holds a line break", h->name);
	/* "Name:" without a value is libcurl's way to remove a header; "Name;" sends it empty. */
	if (h->value[0] == '\0')
		str_addf(&line, "%s;", h->name);
	else
		str_addf(&line, "%s: %s", h->name, h->value);
	if (line.failed)
		return fault_set(f, RC_PERMANENT, "the header %.40s is too long", h->name);
	return add_line(list, line.data, f);
}

static enum rc
make_headers(const struct http_call *c, struct curl_slist **ret, struct fault *f)
{
	enum rc rc = add_line(ret, "Expect:", f);

	for (size_t i = 0; rc == RC_OK && i < c->header_count; i++)
		rc = add_header(ret, &c->headers[i], f);
	return rc;
}

static enum rc
failed(const struct http *h, const struct transfer *t, CURLcode e, struct fault *f)
{
	const char *why = h->why[0] != '\0' ? h->why : curl_easy_strerror(e);

	if (t->stopped)
		return fault_set(f, RC_STOP, "%s: asked to stop", t->call->method);
	if (t->short_file)
		return fault_set(f, RC_RETRY, "the file became shorter while it was sent");
	if (t->io_errno != 0)
		return fault_set(f, RC_RETRY, "%s: %s",
		                 t->call->body_fd >= 0 ? "reading the file to send"
		                                       : "keeping the reply",
		                 strerror(t->io_errno));
	if (t->too_large)
		return FAULT(f, RC_PERMANENT, "TooLarge", "the reply is larger than %lld bytes",
		             (long long)t->call->max_reply);
	if (e == CURLE_URL_MALFORMAT || e == CURLE_UNSUPPORTED_PROTOCOL)
		return FAULT(f, RC_PERMANENT, "BadURL", "bad URL: %s", why);
	return FAULT(f, RC_RETRY, "Transport", "%s: %s", t->call->method, why);
}

static enum rc
perform(struct http *h, struct transfer *t, struct curl_slist *headers, struct fault *f)
{
	CURLcode e;
	long status = 0;

	curl_easy_reset(h->easy);
	h->why[0] = '\0';
	set_safety(h->easy);
	set_limits(h->easy, t->call);
	set_callbacks(h->easy, t);
	set_method(h->easy, t);
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->why);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
	e = curl_easy_setopt(h->easy, CURLOPT_URL, t->call->url);
	if (e == CURLE_OK)
		e = curl_easy_perform(h->easy);
	if (e != CURLE_OK && !(e == CURLE_WRITE_ERROR && t->cut))
		return failed(h, t, e, f);
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	t->reply.status = (int)status;
	return RC_OK;
}

enum rc
http_request(struct http *h, const struct http_call *c, struct http_reply *ret, struct fault *f)
{
	struct curl_slist *headers CLEANUP(free_list) = NULL;
	struct transfer t = { .call = c, .easy = h->easy };
	enum rc rc;

	str_init(&t.reply.headers, HEADERS_MAX);
	str_init(&t.reply.body,
	         (size_t)c->max_reply > OTHER_BODY_MAX ? (size_t)c->max_reply : OTHER_BODY_MAX);
	rc = make_headers(c, &headers, f);
	if (rc == RC_OK)
		rc = perform(h, &t, headers, f);
	/* The handle must not keep pointers into this frame. */
	curl_easy_reset(h->easy);
	if (rc == RC_OK)
		*ret = t.reply;
	else
		http_reply_free(&t.reply);
	return rc;
}

const char *
http_reply_header(const struct http_reply *r, const char *name, struct str *buf)
{
	const char *line = str_text(&r->headers), *end, *value;
	size_t n = strlen(name), len;

	for (; *line != '\0'; line = *end == '\0' ? end : end + 1) {
		end = line + strcspn(line, "\n");
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		value = line + n + 1;
		value += strspn(value, " \t");
		len = value < end ? (size_t)(end - value) : 0;
		while (len > 0 && strchr(" \t\r", value[len - 1]) != NULL)
			len--;
		str_reset(buf);
		return str_addn(buf, value, len) ? str_text(buf) : NULL;
	}
	return NULL;
}

bool
http_date_ms(const char *text, int64_t *ret)
{
	time_t t = curl_getdate(text, NULL);

	if (t == (time_t)-1)
		return false;
	*ret = (int64_t)t * 1000;
	return true;
}
