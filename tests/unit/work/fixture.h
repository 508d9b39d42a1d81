/* fixture.h -- a private folder, a handler script in it, and running it; for the tests of the
 * command runner. */
#ifndef UNIT_WORK_FIXTURE_H
#define UNIT_WORK_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "work/command.h"
#include "work/folder.h"

struct run {
	struct sandbox sandbox;
	char *dir, *path; /* the working folder and the script beside it */
	int dir_fd;
	struct command command;
	struct command_end end;
	struct tail tail;
	struct arena *arena;
	struct fault fault;
	enum rc rc;
};

static char *const fixture_env[] = { (char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL };

static inline void
run_setup(struct run *r, const char *script)
{
	const struct sandbox_conf c = { .max_memory = 512 << 20, .max_file = 64 << 20 };
	*r = (struct run){ .dir_fd = -1 };
	ck_assert_int_eq(sandbox_probe(&c, &r->sandbox, &r->fault), RC_OK);
	char top[] = "/tmp/millrace-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0755), 0);
	ck_assert_int_gt(asprintf(&r->path, "%s/handler", top), 0);
	ck_assert_int_gt(asprintf(&r->dir, "%s/cwd", top), 0);
	FILE *f = fopen(r->path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(script, f);
	fclose(f);
	ck_assert_int_eq(chmod(r->path, 0755), 0);
	ck_assert_int_eq(mkdir(r->dir, 0700), 0);
	if (r->sandbox.drop)
		ck_assert_int_eq(chown(r->dir, r->sandbox.uid, r->sandbox.gid), 0);
	r->dir_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(r->dir_fd, 0);
	r->arena = arena_new(1 << 20);
	r->command = (struct command){ .path = r->path,
		                       .env = fixture_env,
		                       .dir_fd = r->dir_fd,
		                       .timeout_ms = 20000,
		                       .cancel_fd = -1 };
}

static inline void
run_go(struct run *r)
{
	r->rc = command_run(&r->sandbox, &r->command, &r->tail, &r->end, &r->fault);
}

static inline const char *
run_said(const struct run *r)
{
	const char *text = tail_text(&r->tail, r->arena);
	return text ? text : "";
}

static inline void
run_teardown(struct run *r)
{
	char *slash = strrchr(r->path, '/');
	*slash = '\0';
	close(r->dir_fd);
	ck_assert(folder_remove(AT_FDCWD, r->path));
	tail_free(&r->tail);
	arena_free(r->arena);
	free(r->dir);
	free(r->path);
}

/* What the kernel holds against a user's limit of processes: all threads of theirs on the machine.
 */
static inline int
threads_of(uid_t uid)
{
	int n = 0;
	struct dirent *e;
	DIR *d = opendir("/proc");
	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		char path[300];
		struct stat st;
		snprintf(path, sizeof path, "/proc/%s/task", e->d_name);
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && stat(path, &st) == 0 &&
		    st.st_uid == uid)
			n += (int)st.st_nlink - 2;
	}
	closedir(d);
	return n;
}

/* How many processes have this text in their command line. */
static inline int
processes_with(const char *text)
{
	int n = 0;
	struct dirent *e;
	DIR *d = opendir("/proc");
	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		char path[300], line[4096];
		snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
		FILE *f = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? fopen(path, "r") : NULL;
		size_t got = f ? fread(line, 1, sizeof line - 1, f) : 0;
		if (f)
			fclose(f);
		n += got > 0 && memmem(line, got, text, strlen(text)) != NULL;
	}
	closedir(d);
	return n;
}

#endif
