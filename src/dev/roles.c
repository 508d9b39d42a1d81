/* roles.c -- the role processes of dev: started, looked after, stopped. */
#include "dev/roles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/stop.h"
#include "dev/child.h"
#include "net/http.h"
#include "base/banned.h"

#define READY_MS (60 * 1000)
#define STEADY_MS (60 * 1000)
#define SELF "/proc/self/exe"

struct role {
	const char *command;
	const char *log, *ready_url;
	char *argv[10];
	char **envp;
	pid_t pid; /* 0: not running */
	bool ready;
	int failures;
	int64_t started_ms, start_at_ms;
};

struct roles {
	struct arena *arena;
	struct http *http;
	size_t count;
	struct role each[];
};

extern char **environ;

static void
release(struct roles *r)
{
	http_close(r->http);
	arena_free(r->arena);
	free(r);
}

void
roles_free(struct roles *r)
{
	if (r)
		release(r);
}

unsigned
roles_free_port(unsigned preferred)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_port = htons((uint16_t)preferred),
		                  .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	if (fd < 0)
		return preferred;
	/* As the server itself will: what lingers of an earlier run does not hold the port. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, n) < 0) {
		at.sin_port = 0;
		if (bind(fd, (struct sockaddr *)&at, n) < 0)
			at.sin_port = htons((uint16_t)preferred);
	}
	if (at.sin_port == 0 && getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		at.sin_port = htons((uint16_t)preferred);
	close(fd);
	return ntohs(at.sin_port);
}

/* Our environment, without any setting, for all of theirs are in their file, and the role's own
 * login. */
static char **
environment(struct arena *a, const char *database_url)
{
	size_t n = 0;
	while (environ[n])
		n++;
	char **ret = arena_alloc(a, (n + 2) * sizeof(*ret));
	if (!ret)
		return NULL;
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "PG", 2) != 0 && strncmp(environ[i], "MILLRACE_", 9) != 0)
			ret[kept++] = environ[i];
	ret[kept] = arena_printf(a, "MILLRACE_DATABASE_URL=%s", database_url);
	return ret[kept] ? ret : NULL;
}

static bool
prepare(struct roles *r, struct role *role, const struct role_conf *conf, const char *conf_file,
        const char *log_folder)
{
	struct arena *a = r->arena;
	unsigned port = roles_free_port(0);
	char *const argv[] = {
		arena_strdup(a, SELF),
		arena_strdup(a, conf->command),
		arena_strdup(a, "--config"),
		arena_strdup(a, conf_file),
		arena_strdup(a, "--probe-listen"),
		arena_printf(a, "127.0.0.1:%u", port),
		arena_strdup(a, "--listen"),
		arena_strdup(a, conf->listen ? conf->listen : ""),
	};
	size_t n = conf->listen ? ARRAY_LEN(argv) : ARRAY_LEN(argv) - 2;
	for (size_t i = 0; i < n; i++) {
		role->argv[i] = argv[i];
		if (!argv[i])
			return false;
	}
	role->command = conf->command;
	role->log = arena_printf(a, "%s/%s.log", log_folder, conf->command);
	role->ready_url = arena_printf(a, "http://127.0.0.1:%u/readyz", port);
	role->envp = environment(a, conf->database_url);
	return role->log && role->ready_url && role->envp;
}

struct roles *
roles_new(const struct role_conf *confs, size_t n, const char *conf_file, const char *log_folder,
          struct fault *f)
{
	struct roles *r = calloc(1, sizeof(*r) + n * sizeof(r->each[0]));
	if (r)
		r->arena = arena_new(4 << 20);
	bool ok = r && r->arena;
	for (size_t i = 0; ok && i < n; i++)
		ok = prepare(r, &r->each[i], &confs[i], conf_file, log_folder);
	if (ok) {
		r->count = n;
		r->http = http_open(f);
		if (r->http)
			return r;
	} else {
		fault_set(f, RC_RETRY, "out of memory");
	}
	if (r)
		release(r);
	return NULL;
}

static enum rc
start_one(struct role *role, struct fault *f)
{
	struct child_spec spec = {
		.argv = role->argv,
		.envp = role->envp,
		.log = role->log,
		.death_signal = SIGTERM,
	};
	role->started_ms = clock_mono_ms();
	return child_start(&spec, &role->pid, f);
}

static bool
is_ready(struct roles *r, const struct role *role)
{
	struct http_call call = {
		.method = "GET",
		.url = role->ready_url,
		.body_fd = -1,
		.sink_fd = -1,
		.max_reply = 64 * 1024,
		.connect_ms = 1000,
		.total_ms = 2000,
	};
	struct http_reply reply = { 0 };
	struct fault f = { 0 };
	bool yes = http_request(r->http, &call, &reply, &f) == RC_OK && reply.status == 200;
	http_reply_free(&reply);
	return yes;
}

/* One round over those that are not ready yet. */
static enum rc
ask_all(struct roles *r, size_t *ret_waiting, void (*ready)(const char *command), struct fault *f)
{
	*ret_waiting = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct role *role = &r->each[i];
		int status;
		char text[CHILD_STATUS_MAX];
		if (role->ready)
			continue;
		if (child_ended(role->pid, &status)) {
			role->pid = 0;
			return fault_set(f, RC_PERMANENT, "millrace %s ended with %s; see %s",
			                 role->command, child_status_text(status, text), role->log);
		}
		role->ready = is_ready(r, role);
		if (role->ready)
			ready(role->command);
		else
			++*ret_waiting;
	}
	return RC_OK;
}

enum rc
roles_start(struct roles *r, void (*ready)(const char *command), struct fault *f)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < r->count; i++)
		rc = start_one(&r->each[i], f);
	int64_t end = clock_mono_ms() + READY_MS;
	size_t waiting = r->count;
	while (rc == RC_OK && waiting > 0) {
		rc = ask_all(r, &waiting, ready, f);
		if (rc == RC_OK && waiting > 0 && clock_mono_ms() > end)
			return fault_set(f, RC_PERMANENT,
			                 "not all roles were ready within %d s; see the logs",
			                 READY_MS / 1000);
		if (rc == RC_OK && waiting > 0 && stop_wait_ms(30))
			rc = fault_set(f, RC_STOP, "stopped");
	}
	return rc;
}

static void
note_end(struct role *role, int status, void (*problem)(const struct fault *f))
{
	const struct backoff delays = { .base_ms = 500, .cap_ms = 30 * 1000 };
	int64_t now = clock_mono_ms();
	char text[CHILD_STATUS_MAX];
	role->pid = 0;
	role->failures = now - role->started_ms > STEADY_MS ? 1 : role->failures + 1;
	int64_t delay = backoff_ms(&delays, role->failures, backoff_seed());
	role->start_at_ms = now + delay;
	struct fault f = { 0 };
	fault_set(&f, RC_RETRY, "millrace %s ended with %s; again in %.1f s (log: %s)",
	          role->command, child_status_text(status, text), (double)delay / 1000.0,
	          role->log);
	problem(&f);
}

void
roles_look_after(struct roles *r, void (*problem)(const struct fault *f))
{
	for (size_t i = 0; i < r->count; i++) {
		struct role *role = &r->each[i];
		struct fault f = { 0 };
		int status;
		if (role->pid != 0 && child_ended(role->pid, &status))
			note_end(role, status, problem);
		if (role->pid != 0 || clock_mono_ms() < role->start_at_ms)
			continue;
		if (start_one(role, &f) != RC_OK) {
			role->start_at_ms = clock_mono_ms() + 5000;
			problem(&f);
		}
	}
}

/* Who dies of our SIGTERM had not begun: a role that has begun hears it and exits. */
static bool
ended_in_order(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
roles_stop(struct roles *r, int64_t ms)
{
	bool clean = true;
	int64_t end = clock_mono_ms() + ms;
	for (size_t i = 0; i < r->count; i++)
		if (r->each[i].pid != 0)
			kill(r->each[i].pid, SIGTERM);
	for (size_t i = 0; i < r->count; i++) {
		struct role *role = &r->each[i];
		int status = 0;
		if (role->pid == 0)
			continue;
		int64_t left = end - clock_mono_ms();
		if (!child_wait(role->pid, left > 0 ? left : 0, &status)) {
			kill(role->pid, SIGKILL);
			waitpid(role->pid, &status, 0);
		}
		if (!ended_in_order(status))
			clean = false;
		role->pid = 0;
	}
	return clean;
}
