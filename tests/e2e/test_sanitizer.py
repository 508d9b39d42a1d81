"""What a sanitizer sees in any process of the binary fails the test that started it, even if nobody looks."""
import os
import subprocess
import sys

import pytest

from procs import REPO, SLOW

# As wrong as its first argument says; its exit code tells nothing to who ignores it.
PROGRAM = r"""
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int shared;

static void *
count(void *unused)
{
	for (int i = 0; i < 100000; i++)
		shared++;
	return unused;
}

static void
overflow(volatile size_t n)
{
	volatile char *p = malloc(n);
	if (p)
		p[n] = 1;
	free((void *)p);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	volatile int bits = 40;
	if (strcmp(what, "overflow") == 0)
		overflow(8);
	if (strcmp(what, "undefined") == 0)
		shared = 1 << bits;
	if (strcmp(what, "leak") == 0)
		memset(malloc(77), 0, 77);
	if (strcmp(what, "child") == 0) {
		if (fork() == 0) {
			if (setuid(65534) == 0 || geteuid() != 0)
				overflow(8);
			_exit(0);
		}
		wait(NULL);
	}
	if (strcmp(what, "race") == 0) {
		pthread_t t;
		if (pthread_create(&t, NULL, count, NULL) != 0)
			return 1;
		count(NULL);
		pthread_join(t, NULL);
	}
	return 0;
}
"""
TEST = """
import pytest


@pytest.mark.parametrize("what", {what})
def test_it(processes, what):
    processes(what, probe=False).wait(30)
"""


def flags(name, mode):
    return subprocess.run(["make", "-s", "--no-print-directory", f"print-{name}", f"MODE={mode}", "CC=gcc"], cwd=REPO, check=True,
                          capture_output=True, text=True).stdout.split()


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """{mode: a program built as the binary is}"""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "p.c").write_text(PROGRAM)
    built = {mode: folder / mode for mode in ("release", "asan", "tsan")}
    for mode, program in built.items():
        loose = [f for f in flags("CFLAGS", mode) if not f.startswith("-W")]
        subprocess.run(["gcc", *loose, folder / "p.c", "-o", program, *flags("LDFLAGS", mode)], cwd=REPO, check=True)
    return built


def run(program, mode, what, folder):
    (folder / "test_it.py").write_text(TEST.format(what=what))
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    env |= {"MILLRACE_BIN": str(program), "MODE": mode, "PYTHONPATH": str(REPO / "tests")}
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "test_it.py"], cwd=folder,
                          env=env, capture_output=True, text=True, timeout=60 * SLOW, check=False)


@pytest.mark.parametrize("mode, what, says", [
    ("asan", "overflow", "heap-buffer-overflow"), ("asan", "undefined", "runtime error: shift exponent 40"),
    ("asan", "leak", "77 byte(s) leaked"), ("asan", "child", "heap-buffer-overflow"), ("tsan", "race", "data race")])
def test_a_report_fails_the_test(programs, tmp_path, mode, what, says):
    done = run(programs[mode], mode, [what], tmp_path)
    assert done.returncode == 1 and "1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert f"reported by {mode}" in done.stdout and says in done.stdout


@pytest.mark.parametrize("mode", ["asan", "tsan"])
def test_nothing_to_report_fails_nothing(programs, tmp_path, mode):
    done = run(programs[mode], mode, ["nothing"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_binary_than_asked_for_is_refused(programs, tmp_path):
    done = run(programs["release"], "asan", ["nothing"], tmp_path)
    assert done.returncode == 4 and "built without it" in done.stderr, done.stdout + done.stderr
