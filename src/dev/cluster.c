/* cluster.c -- a private PostgreSQL 15: its own folder, its own socket, no TCP, only our user. */
#include "dev/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "dev/child.h"
#include "dev/files.h"
#include "net/hash.h"
#include "base/banned.h"

#define SOCKET_PATH_MAX 107
#define SOCKET_NAME "/.s.PGSQL.5432"
#define INITDB_MS (120 * 1000)
#define LEFTOVER_MS (30 * 1000)
#define FAST_STOP_MS (20 * 1000)
#define IMMEDIATE_STOP_MS (10 * 1000)

struct cluster {
	struct arena *arena;
	const char *bin, *root, *data, *socket, *log;
	bool own_socket_folder;
	bool become; /* we are root: server programs refuse to run as it */
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

static char *const server_env[] = { (char[]){ "PATH=/usr/local/bin:/usr/bin:/bin" },
	                            (char[]){ "LC_ALL=C.UTF-8" }, NULL };

static void
destroy(struct cluster *c)
{
	if (!c)
		return;
	if (c->own_socket_folder)
		rmdir(c->socket);
	arena_free(c->arena);
	free(c);
}

void
cluster_free(struct cluster *c)
{
	destroy(c);
}

void
cluster_freep(struct cluster **c)
{
	destroy(*c);
}

static bool
has_programs(struct arena *a, const char *folder)
{
	const char *initdb = arena_printf(a, "%s/initdb", folder);
	const char *postgres = arena_printf(a, "%s/postgres", folder);
	return initdb && postgres && access(initdb, X_OK) == 0 && access(postgres, X_OK) == 0;
}

static enum rc
find_programs(struct cluster *c, struct fault *f)
{
	const char *given = getenv("PG_BINDIR");
	if (given && has_programs(c->arena, given)) {
		c->bin = arena_strdup(c->arena, given);
		return RC_OK;
	}
	if (has_programs(c->arena, "/usr/lib/postgresql/15/bin")) {
		c->bin = "/usr/lib/postgresql/15/bin";
		return RC_OK;
	}
	const char *path = getenv("PATH");
	for (const char *p = path; p && *p;) {
		size_t n = strcspn(p, ":");
		const char *folder = arena_strndup(c->arena, p, n);
		if (n && folder && has_programs(c->arena, folder)) {
			c->bin = folder;
			return RC_OK;
		}
		p += n + (p[n] == ':');
	}
	return fault_set(
		f, RC_PERMANENT,
		"PostgreSQL's server programs are not here: apt-get install postgresql-15");
}

static enum rc
find_user(struct cluster *c, struct fault *f)
{
	c->uid = getuid();
	c->gid = getgid();
	c->become = c->uid == 0;
	if (!c->become)
		return RC_OK;
	struct passwd pw, *found = NULL;
	char text[4096];
	if (getpwnam_r("postgres", &pw, text, sizeof(text), &found) != 0 || !found)
		return fault_set(f, RC_PERMANENT,
		                 "running as root needs the user postgres, which Debian's package "
		                 "postgresql-15 makes");
	c->uid = found->pw_uid;
	c->gid = found->pw_gid;
	return RC_OK;
}

/* Can the server's user enter the folder? Only asked while no other thread runs. */
static bool
can_enter(const struct cluster *c, const char *folder)
{
	if (!c->become)
		return true;
	if (seteuid(c->uid) < 0)
		return false;
	bool yes = faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) == 0;
	if (seteuid(0) < 0)
		abort();
	return yes;
}

static enum rc
make_private_folder(const struct cluster *c, const char *path, struct fault *f)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
	struct stat st;
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return fault_set(f, RC_PERMANENT, "%s: is not a folder", path);
	if (c->become && st.st_uid != c->uid && chown(path, c->uid, c->gid) < 0)
		return fault_set(f, RC_PERMANENT, "%s: %s", path, strerror(errno));
	return RC_OK;
}

static enum rc
out_of_memory(struct fault *f)
{
	return fault_set(f, RC_RETRY, "out of memory");
}

/* /root is closed to postgres, so a checkout there needs its cluster elsewhere. */
static enum rc
make_root(struct cluster *c, const char *home, struct fault *f)
{
	char hex[SHA256_HEX_MAX];
	const char *parent = files_parent(home, c->arena);
	c->root = arena_strdup(c->arena, home);
	if (!parent || !c->root)
		return out_of_memory(f);
	if (!can_enter(c, parent)) {
		hash_sha256_hex(home, strlen(home), hex);
		c->root = arena_printf(c->arena, "/var/lib/millrace-dev-%.12s", hex);
		if (!c->root)
			return out_of_memory(f);
		if (symlink(c->root, home) < 0 && errno != EEXIST)
			return fault_set(f, RC_PERMANENT, "%s: %s", home, strerror(errno));
	}
	return make_private_folder(c, c->root, f);
}

static enum rc
make_socket_folder(struct cluster *c, struct fault *f)
{
	if (strlen(c->root) + strlen(SOCKET_NAME) <= SOCKET_PATH_MAX) {
		c->socket = c->root;
		return RC_OK;
	}
	char *folder = arena_strdup(c->arena, "/tmp/millrace-XXXXXX");
	if (!folder)
		return out_of_memory(f);
	if (!mkdtemp(folder))
		return fault_set(f, RC_PERMANENT, "%s: %s", folder, strerror(errno));
	c->socket = folder;
	c->own_socket_folder = true;
	return make_private_folder(c, folder, f);
}

static struct child_spec
server_spec(const struct cluster *c, char *const argv[])
{
	return (struct child_spec){
		.argv = argv,
		.envp = server_env,
		.log = c->log,
		.cwd = "/",
		.uid = c->uid,
		.gid = c->gid,
		.become = c->become,
		.death_signal = SIGINT,
	};
}

/* Into a folder beside, which gets its name when it is whole: an interrupted initdb leaves none. */
static enum rc
init_data(struct cluster *c, bool *ret_fresh, struct fault *f)
{
	const char *version = arena_printf(c->arena, "%s/PG_VERSION", c->data);
	char *fresh = arena_printf(c->arena, "%s.new", c->data);
	char *initdb = arena_printf(c->arena, "%s/initdb", c->bin);
	if (!version || !fresh || !initdb)
		return out_of_memory(f);
	*ret_fresh = access(version, F_OK) != 0;
	if (!*ret_fresh)
		return RC_OK;
	enum rc rc = files_remove_tree(fresh, f);
	if (rc != RC_OK)
		return rc;
	char *const argv[] = { initdb,
		               (char[]){ "-D" },
		               fresh,
		               (char[]){ "-U" },
		               (char[]){ "postgres" },
		               (char[]){ "-A" },
		               (char[]){ "trust" },
		               (char[]){ "-E" },
		               (char[]){ "UTF8" },
		               (char[]){ "--no-instructions" },
		               NULL };
	struct child_spec spec = server_spec(c, argv);
	rc = child_run(&spec, INITDB_MS, f);
	if (rc != RC_OK)
		return rc;
	if (rename(fresh, c->data) < 0)
		return fault_set(f, RC_PERMANENT, "%s: %s", c->data, strerror(errno));
	return RC_OK;
}

static enum rc
cluster_prepare(struct cluster *c, const char *home, const char *log, bool *ret_fresh,
                struct fault *f)
{
	enum rc rc = find_programs(c, f);
	if (rc == RC_OK)
		rc = find_user(c, f);
	if (rc == RC_OK)
		rc = make_root(c, home, f);
	if (rc == RC_OK)
		rc = make_socket_folder(c, f);
	if (rc != RC_OK)
		return rc;
	c->log = arena_strdup(c->arena, log);
	c->data = arena_printf(c->arena, "%s/data", c->root);
	if (!c->log || !c->data)
		return out_of_memory(f);
	return init_data(c, ret_fresh, f);
}

struct cluster *
cluster_new(const char *home, const char *log, bool *ret_fresh, struct fault *f)
{
	struct cluster *c = calloc(1, sizeof(*c));
	if (c)
		c->arena = arena_new(1 << 20);
	if (!c || !c->arena) {
		free(c);
		out_of_memory(f);
		return NULL;
	}
	if (cluster_prepare(c, home, log, ret_fresh, f) != RC_OK) {
		destroy(c);
		return NULL;
	}
	return c;
}

/* The process in postmaster.pid, 0 when there is none alive. */
static pid_t
leftover(const struct cluster *c)
{
	const char *path = arena_printf(c->arena, "%s/postmaster.pid", c->data);
	char *text = path ? files_read_text(path, 64, c->arena) : NULL;
	int64_t pid = 0;
	if (!text)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (!num_parse(text, 2, INT32_MAX, &pid) || kill((pid_t)pid, 0) < 0)
		return 0;
	return (pid_t)pid;
}

/* Our death signal has already asked it to stop; starting over it would fail. */
static enum rc
await_leftover(const struct cluster *c, struct fault *f)
{
	int64_t end = clock_mono_ms() + LEFTOVER_MS;
	pid_t pid;
	while ((pid = leftover(c)) != 0) {
		if (clock_mono_ms() > end)
			return fault_set(f, RC_PERMANENT,
			                 "a PostgreSQL server (process %d) still runs in %s",
			                 (int)pid, c->data);
		if (stop_wait_ms(100))
			return fault_set(f, RC_STOP, "stopped");
	}
	return RC_OK;
}

enum rc
cluster_start(struct cluster *c, struct fault *f)
{
	enum rc rc = await_leftover(c, f);
	if (rc != RC_OK)
		return rc;
	char *postgres = arena_printf(c->arena, "%s/postgres", c->bin);
	char *data = arena_strdup(c->arena, c->data);
	char *socket = arena_strdup(c->arena, c->socket);
	if (!postgres || !data || !socket)
		return out_of_memory(f);
	char *const argv[] = { postgres,
		               (char[]){ "-D" },
		               data,
		               (char[]){ "-k" },
		               socket,
		               (char[]){ "-p" },
		               (char[]){ "5432" },
		               (char[]){ "-c" },
		               (char[]){ "listen_addresses=" },
		               (char[]){ "-c" },
		               (char[]){ "unix_socket_permissions=0700" },
		               NULL };
	struct child_spec spec = server_spec(c, argv);
	return child_start(&spec, &c->pid, f);
}

bool
cluster_alive(struct cluster *c, int *ret_status)
{
	if (c->pid == 0 || child_ended(c->pid, ret_status)) {
		c->pid = 0;
		return false;
	}
	return true;
}

void
cluster_stop(struct cluster *c)
{
	int status;
	if (c->pid == 0)
		return;
	kill(c->pid, SIGINT);
	if (!child_wait(c->pid, FAST_STOP_MS, &status)) {
		kill(c->pid, SIGQUIT);
		if (!child_wait(c->pid, IMMEDIATE_STOP_MS, &status))
			kill(c->pid, SIGKILL);
	}
	c->pid = 0;
}

static const char *
quoted(const char *value, struct arena *a)
{
	struct str s = STR_INIT(8192);
	str_addc(&s, '\'');
	for (const char *p = value; *p; p++) {
		if (*p == '\'' || *p == '\\')
			str_addc(&s, '\\');
		str_addc(&s, *p);
	}
	str_addc(&s, '\'');
	const char *ret = s.failed ? NULL : arena_strdup(a, str_text(&s));
	str_free(&s);
	return ret;
}

const char *
cluster_conninfo(const struct cluster *c, const char *database, const char *user, struct arena *a)
{
	const char *host = quoted(c->socket, a);
	if (!host)
		return NULL;
	return arena_printf(a, "host=%s port=5432 dbname=%s user=%s", host, database, user);
}
