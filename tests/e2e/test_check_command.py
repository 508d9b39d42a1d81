"""millrace check: what it says of a pipeline file, to people and as JSON, and its exit codes."""
import json
import os
import re
import subprocess

import pytest

from procs import BIN

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
# A kind that no rule uses is a warning: most likely its name is misspelt.
GOOD = {"version": 1, "ignore": ["*.tmp"], "kinds": {"noop": {"limit": 3}, "nope": {}}, "rules": [
    {"name": "all", "jobs": [{"step": "a", "kind": "noop"}, {"step": "b", "kind": "noop"}]},
    {"name": "never", "jobs": []}]}
BAD = {"version": 1, "rules": [{"name": "X", "jobs": []}, {"name": "y", "jobs": [{"step": "a"}]}]}


def check(*args):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    return subprocess.run([BIN, "check", *map(str, args)], env=clean, text=True, capture_output=True, timeout=30,
                          stdin=subprocess.DEVNULL)


@pytest.fixture
def pipeline(tmp_path):
    def write(body):
        path = tmp_path / "pipeline.json"
        path.write_text(json.dumps(body))
        return path
    return write


def test_a_good_one(pipeline):
    path = pipeline(GOOD)
    done = check(path)
    said = re.fullmatch(r"OK: 2 rules, 2 jobs, 1 ignore patterns, sha256 ([0-9a-f]{64})\n", done.stdout)
    assert done.returncode == EXIT_DONE and said, done.stdout
    sha256 = said[1]
    assert done.stderr.startswith(f"{path}: warning: kinds.nope: "), done.stderr
    done = check("--json", path)
    said = json.loads(done.stdout)
    (warning,) = said.pop("warnings")
    assert warning["path"] == "kinds.nope" and warning["message"]
    assert (done.returncode, done.stderr) == (EXIT_DONE, "")
    assert said == {"ok": True, "problems": [], "more": False, "sha256": sha256, "rules": 2, "jobs": 2}


def test_every_problem_of_a_bad_one(pipeline):
    path = pipeline(BAD)
    done = check(path)
    assert (done.returncode, done.stdout) == (EXIT_FAILED, "")
    lines = done.stderr.splitlines()
    assert [line.removeprefix(f"{path}: ").split(":")[0] for line in lines] == ["rules[0].name", "rules[1].jobs[0].kind"]
    done = check("--json", path)
    said = json.loads(done.stdout)
    assert done.returncode == EXIT_FAILED and not said["ok"] and said["warnings"] == [] and "sha256" not in said
    assert [f"{path}: {p['path']}: {p['message']}" for p in said["problems"]] == lines


def test_a_file_that_is_not_there(tmp_path):
    done = check(tmp_path / "none")
    assert done.returncode == EXIT_FAILED and str(tmp_path / "none") in done.stderr
    assert not json.loads(check("--json", tmp_path / "none").stdout)["ok"]


@pytest.mark.parametrize("n", [0, 2])
def test_one_file_at_a_time(pipeline, n):
    done = check(*[pipeline(GOOD)] * n)
    assert done.returncode == EXIT_USAGE and "usage: millrace check" in done.stderr
