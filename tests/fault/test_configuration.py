"""Settings that are wrong are told at the start, and are never held against an upload."""
import subprocess

import pytest
from procs import BIN, REPORTS, wait_until
from stack import record

COPY = {"copy": "cat input >out/copy\n"}


def refusal(stack, role, *args, config):
    path = stack.folder / "wrong.conf"
    path.write_text(config)
    done = subprocess.run([BIN, role, "--config", path, "--database-url", stack.db.url(), *args], capture_output=True,
                          text=True, timeout=60, check=False, stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", **REPORTS.env})
    assert done.returncode in (1, 2), done.stderr
    return done.stderr


@pytest.mark.parametrize("role", ["work", "route"])
@pytest.mark.parametrize("url", ["ftp://x", "file:///no/such/folder", "file://relative"])
def test_a_store_that_cannot_be_opened_stops_the_start(make_stack, role, url):
    stack = make_stack(COPY)
    says = refusal(stack, role, config=stack.config.replace(f"file://{stack.results}", url))
    assert "results" in says and (url.removeprefix("file://") in says), says


@pytest.mark.parametrize("role", ["work", "route", "serve"])
def test_a_store_without_a_url_is_named(make_stack, role):
    stack = make_stack(COPY)
    args = {"work": ["--kinds", "copy"], "route": ["--pipeline", BIN]}.get(role, [])
    says = refusal(stack, role, *args, config="[store lost]\nregion = x\n")
    assert "[store lost] has no url" in says, says


@pytest.mark.parametrize("line, says", [("slots = many", "wrong.conf:1: slots: 'many'"), ("wat = 1", "wrong.conf:1: wat: "),
                                        ("max-output = -5", "wrong.conf:1: max-output: '-5'")])
def test_a_wrong_line_is_named(make_stack, line, says):
    stack = make_stack(COPY)
    assert says in refusal(stack, "work", config=f"{line}\n{stack.config}")


def test_a_bucket_that_is_away_ends_no_upload(make_stack):
    kinds = {"copy": {"attempts": 20}}
    stack = make_stack(COPY, kinds=kinds)
    roles = stack.start_all()
    stack.put("k", b"still here")
    away = stack.bucket.with_name("not-mounted")
    stack.bucket.rename(away)
    assert stack.post(record("k", size=10)) == 200
    wait_until(lambda: stack.db.one("select count(*) from millrace.attempt where error_class = 'NoSuchBucket'") >= 1, 30,
               "it was tried", also=stack.what_holds)
    assert stack.states() == {"routed": 1}
    away.rename(stack.bucket)
    stack.wait_final(1, 60)
    assert stack.states() == {"ready": 1}
    assert roles["work"].alive()
