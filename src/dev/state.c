/* state.c -- the folder that outlives a run of dev. */
#include "dev/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "dev/files.h"
#include "base/banned.h"

#define TOKEN_BYTES 24
#define ARENA_MAX (4 << 20)

static const char *
default_folder(struct arena *a)
{
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	if (xdg && xdg[0] == '/')
		return arena_printf(a, "%s/millrace", xdg);
	return arena_printf(a, "%s/.local/state/millrace", home && home[0] == '/' ? home : "/root");
}

static enum rc
absolute(struct state *s, const char *folder, struct fault *f)
{
	const char *path = folder ? folder : default_folder(s->arena);
	if (!path)
		return fault_set(f, RC_RETRY, "out of memory");
	/* As root the server's own user must get through to its part of it. */
	enum rc rc = files_make_folder(path, getuid() == 0 ? 0711 : 0700, f);
	if (rc != RC_OK)
		return rc;
	char *real = realpath(path, NULL);
	if (!real)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
	s->root = arena_strdup(s->arena, real);
	free(real);
	return s->root ? RC_OK : fault_set(f, RC_RETRY, "out of memory");
}

static const char *
below(const struct state *s, const char *name)
{
	return arena_printf(s->arena, "%s/%s", s->root, name);
}

static enum rc
name_paths(struct state *s, struct fault *f)
{
	s->postgres = below(s, "postgres");
	s->log = below(s, "log");
	s->conf = below(s, "millrace.conf");
	s->secret = below(s, "source.secret");
	s->buckets = below(s, "buckets");
	s->results = below(s, "results");
	s->ready = below(s, "ready");
	if (!s->postgres || !s->log || !s->conf || !s->secret || !s->buckets || !s->results ||
	    !s->ready)
		return fault_set(f, RC_RETRY, "out of memory");
	return RC_OK;
}

/* Whoever dies gives the lock back, so a stale one cannot be. */
static enum rc
take_lock(struct state *s, struct fault *f)
{
	const char *path = below(s, "lock");
	if (!path)
		return fault_set(f, RC_RETRY, "out of memory");
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		const char *url = files_read_text(s->ready, 200, s->arena);
		return fault_set(
			f, RC_PERMANENT,
			"another millrace dev already runs on %s%s%s; stop it or give another "
			"--state-dir",
			s->root, url ? ", see " : "", url ? url : "");
	}
	return RC_OK;
}

static enum rc
make_folders(const struct state *s, struct fault *f)
{
	/* A store makes no bucket by itself, so that of the results is made here. */
	const char *const folders[] = { s->log, s->buckets, s->results,
		                        below(s, "results/" STATE_RESULTS_BUCKET) };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(folders); i++)
		rc = folders[i] ? files_make_folder(folders[i], 0755, f)
		                : fault_set(f, RC_RETRY, "out of memory");
	return rc;
}

static enum rc
make_token(struct state *s, struct fault *f)
{
	s->token = files_read_text(s->secret, 1024, s->arena);
	if (s->token && s->token[0])
		return RC_OK;
	unsigned char random[TOKEN_BYTES];
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fault_set(f, RC_RETRY, "no random bytes: %s", strerror(errno));
	struct str hex = STR_INIT(256);
	str_add_hex(&hex, random, sizeof(random));
	s->token = arena_strdup(s->arena, str_text(&hex));
	enum rc rc = s->token ? files_write_text(s->secret, str_text(&hex), f)
	                      : fault_set(f, RC_RETRY, "out of memory");
	str_free(&hex);
	return rc;
}

enum rc
state_open(const char *folder, struct state *ret, struct fault *f)
{
	struct state s = { .lock_fd = -1, .arena = arena_new(ARENA_MAX) };
	if (!s.arena)
		return fault_set(f, RC_RETRY, "out of memory");
	enum rc rc = absolute(&s, folder, f);
	if (rc == RC_OK)
		rc = name_paths(&s, f);
	if (rc == RC_OK)
		rc = take_lock(&s, f);
	if (rc == RC_OK)
		rc = make_folders(&s, f);
	if (rc == RC_OK)
		rc = make_token(&s, f);
	if (rc != RC_OK) {
		state_close(&s);
		return rc;
	}
	/* A run that was killed left it. */
	unlink(s.ready);
	*ret = s;
	return RC_OK;
}

void
state_close(struct state *s)
{
	if (s->lock_fd >= 0) {
		/* While the lock is held: without it the file is somebody else's. */
		if (s->token)
			unlink(s->ready);
		close(s->lock_fd);
	}
	arena_free(s->arena);
	*s = (struct state){ .lock_fd = -1 };
}
