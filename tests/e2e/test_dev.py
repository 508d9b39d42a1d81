"""The demo and the embedded default: real processes, real files, real tools."""
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from devrun import Dev, clean_env, path_of
from procs import BIN, REPO, SLOW, http, wait_until

HOSTILE_KEYS = ["a b.csv", "a+b%20c.csv", "it's \"quoted\".csv", "smile \U0001f600.csv",
                "line\nbreak.csv", "<b>&amp;.csv", "-rf.csv", "sub dir/deep/é.csv", "ü" * 100 + ".csv",
                "c1\x9b31m.csv"]


@pytest.fixture
def dev():
    d = Dev()
    yield d
    d.cleanup()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    subprocess.run([REPO / "deploy/demo/make-files", folder], check=True)
    return folder


def check_outputs(trace):
    """Every output is there, with the size and hash that the manifest says."""
    outputs = {}
    for job in trace["jobs"]:
        for output in job["outputs"]:
            path = path_of(output["uri"])
            data = path.read_bytes()
            assert len(data) == output["size"]
            assert hashlib.sha256(data).hexdigest() == output["sha256"]
            outputs.setdefault(job["step"], {})[path.name] = data
    return outputs


def copy(source, target):
    target.write_bytes(source.read_bytes())


def test_make_demo_ends_by_itself_and_again(tmp_path):
    d = Dev()
    env = clean_env() | {"DEMO_EXIT": "1", "DEMO_STATE": str(d.state), "DEMO_ARGS": "--listen 127.0.0.1:0",
                         "DEMO_BUILT": "1", "MILLRACE_BIN": str(BIN), "DEMO_DEADLINE": str(120 * SLOW)}
    try:
        said = []
        for _ in range(2):
            got = subprocess.run(["deploy/demo/run"], cwd=REPO, env=env, stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=200 * SLOW)
            assert got.returncode == 0, got.stdout + got.stderr
            said.append({key: (state, trace) for state, key, trace in re.findall(
                r"^(\w+) +(\S+)  open http://127\.0\.0\.1:\d+/t/(trace_\w+)", got.stdout, re.M)})
        states = {key: state for key, (state, _) in said[0].items()}
        assert states == {"invoice.pdf": "ready", "photo.jpg": "ready", "customers.csv": "ready",
                          "report.pdf": "rejected", "notes.tmp": "ignored"}
        # The second run found the same files: no second upload of any.
        assert said[1] == said[0]
    finally:
        d.cleanup()


def test_each_file_comes_to_its_end_with_its_results(dev, files):
    dev.start()
    for file in files.iterdir():
        copy(file, dev.uploads / file.name)

    state, trace = dev.final("invoice.pdf")
    assert state == "ready", dev.tail()
    assert {j["step"]: j["state"] for j in trace["jobs"]} == {
        "validate": "done", "text": "done", "preview": "done"}
    outputs = check_outputs(trace)
    assert any(b"2026-0417" in data for data in outputs["text"].values())
    assert any(data.startswith(b"\x89PNG") or data[:4] == b"RIFF" or data.startswith(b"\xff\xd8")
               for data in outputs["preview"].values())

    state, trace = dev.final("photo.jpg")
    assert state == "ready", dev.tail()
    outputs = check_outputs(trace)
    assert len(outputs["thumbnail"]) == 3
    assert "Demo Camera 1" in "".join(d.decode() for d in outputs["exif"].values())

    assert dev.final("customers.csv")[0] == "ready"
    state, trace = dev.final("report.pdf")
    assert (state, trace["upload"]["reason"], trace["jobs"]) == ("rejected", "type", [])
    state, trace = dev.final("notes.tmp")
    assert (state, trace["upload"]["reason"], trace["jobs"]) == ("ignored", "**/*.tmp", [])
    for job in dev.api(f"/api/v1/traces/{dev.lines()['invoice.pdf'][0][1]}")["jobs"]:
        assert [a["outcome"] for a in job["attempts"]] == ["done"]
    assert dev.stop() == 0


def test_keys_are_names_as_they_are(dev, files):
    dev.start()
    for key in HOSTILE_KEYS:
        target = dev.uploads / key
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(files / "customers.csv", target)
    (dev.uploads / ".hidden.csv").write_text("a,b\n1,2\n")
    # Links are no files: neither what they name nor what is below it.
    outside = dev.state / "outside"
    outside.mkdir()
    copy(files / "customers.csv", outside / "secret.csv")
    (dev.uploads / "link.csv").symlink_to(outside / "secret.csv")
    (dev.uploads / "linked").symlink_to(outside)
    with open(os.path.join(os.fsencode(dev.uploads), b"not-utf8-\xff.csv"), "wb") as f:
        f.write(b"a\n1\n")

    def keys():
        found = [t for ts in dev.lines().values() for t in ts]
        return {dev.api(f"/api/v1/traces/{t}")["upload"]["key"]: s for s, t in found}

    wait_until(lambda: len(sum(dev.lines().values(), [])) >= len(HOSTILE_KEYS), 60, "all are final",
               also=dev.tail)
    wait_until(lambda: "is not UTF-8" in dev.output.read_text(errors="replace"), 20, "it says so")
    # What comes last is known last: by then every other one would be, too.
    copy(files / "customers.csv", dev.uploads / "last.csv")
    assert dev.final("last.csv")[0] == "ready"
    assert keys() == {key: "ready" for key in [*HOSTILE_KEYS, "last.csv"]}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", dev.output.read_text(errors="replace")), "nothing steers the terminal"


def test_a_folder_as_the_bucket(tmp_path, files):
    folder = tmp_path / "a b+ü%41" / "inbox"
    folder.mkdir(parents=True)
    copy(files / "customers.csv", folder / "before.csv")
    d = Dev(folder)
    try:
        d.start()
        d.final("before.csv")
        new = folder / "late" / "later"
        new.mkdir(parents=True)
        copy(files / "customers.csv", new / "a.csv")
        state, trace = d.final("late/later/a.csv")
        assert (state, trace["upload"]["bucket"]) == ("ready", "inbox")
        # Written elsewhere and moved in, as careful writers do.
        copy(files / "customers.csv", folder / ".b.part")
        (folder / ".b.part").rename(folder / "b.csv")
        assert d.final("b.csv")[0] == "ready"
        # A whole folder moved in, twice: the look at everything, each 30 s, can find but one of them so soon.
        for name in ("moved", "moved-too"):
            side = tmp_path / "side"
            side.mkdir()
            copy(files / "customers.csv", side / "c.csv")
            side.rename(folder / name)
            assert d.final(f"{name}/c.csv", 12)[0] == "ready"
    finally:
        d.cleanup()


def test_a_second_start_goes_on_where_the_first_stopped(dev, files):
    dev.start()
    copy(files / "invoice.pdf", dev.uploads / "invoice-1.pdf")
    first = dev.final("invoice-1.pdf")[1]["trace_id"]
    copy(files / "photo.jpg", dev.uploads / "photo-2.jpg")
    assert dev.stop(signal.SIGTERM) == 0
    assert not (dev.state / "ready").exists()
    copy(files / "customers.csv", dev.uploads / "while-away.csv")
    dev.start()
    assert dev.final("photo-2.jpg")[0] == "ready"
    # Too young at the first look; the next one but for that is 30 s away.
    assert dev.final("while-away.csv", 20)[0] == "ready"
    assert dev.lines()["invoice-1.pdf"] == [("ready", first)]
    assert dev.stop() == 0


def test_a_second_dev_on_the_same_state_is_refused(dev):
    dev.start()
    got = subprocess.run([BIN, "dev", "--state-dir", dev.state], env=clean_env(), capture_output=True,
                         text=True, stdin=subprocess.DEVNULL, timeout=30 * SLOW)
    assert got.returncode == 1
    assert f"another millrace dev already runs on {dev.state}, see {dev.url()}" in got.stderr
    assert dev._ready()


def test_a_killed_role_comes_back(dev, files):
    dev.start()
    before = dev.children()
    assert set(before) == {"postgres", "receive", "route", "work", "keep", "serve"}
    for role in ("receive", "route", "work"):
        os.kill(before[role], signal.SIGKILL)

    def back():
        now = dev.children()
        return set(now) == set(before) and all(now[r] != before[r] for r in ("receive", "route", "work"))

    wait_until(back, 30, "all are back", also=dev.tail)
    copy(files / "customers.csv", dev.uploads / "after.csv")
    assert dev.final("after.csv")[0] == "ready"


def test_nothing_outlives_a_killed_dev(dev, files):
    dev.start()
    children = dev.children()
    dev.process.kill()
    dev.process.wait(10)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children.values()), 40,
               f"all of {children} are gone")
    dev.start()
    copy(files / "customers.csv", dev.uploads / "after.csv")
    assert dev.final("after.csv")[0] == "ready"


def test_a_killed_database_comes_back(dev, files):
    dev.start()
    os.kill(dev.children()["postgres"], signal.SIGKILL)
    wait_until(lambda: "PostgreSQL ended with signal 9" in dev.output.read_text(errors="replace"), 20, "it says so", also=dev.tail)
    copy(files / "customers.csv", dev.uploads / "after.csv")
    # The status server learns of each connection that was lost by using it: until then the answer is 503.
    wait_until(lambda: all(http("GET", dev.url() + "/api/v1/queues")[0] == 200 for _ in range(8)), 20, "pages are there again")
    assert dev.final("after.csv")[0] == "ready"
    assert dev.stop() == 0


def test_a_start_waits_for_the_database_of_a_killed_dev(dev, files):
    dev.start()
    postgres = dev.children()["postgres"]
    os.kill(postgres, signal.SIGSTOP)
    try:
        dev.process.kill()
        dev.process.wait(10)
        assert (dev.state / "ready").exists()
        dev.start(ready=False)
        wait_until(lambda: not (dev.state / "ready").exists(), 10, "who is killed leaves a file that says ready")
        # It has nothing to say while it waits: a start over the other one fails at once.
        with pytest.raises(subprocess.TimeoutExpired):
            dev.process.wait(2)
    finally:
        os.kill(postgres, signal.SIGCONT)
    wait_until(dev._ready, 60, "dev is ready", also=dev.tail)
    copy(files / "customers.csv", dev.uploads / "after.csv")
    assert dev.final("after.csv")[0] == "ready"


def test_a_start_clears_away_what_an_interrupted_one_left(dev):
    half = dev.state / "postgres" / "data.new"
    half.mkdir(parents=True, mode=0o700)
    (half / "PG_VERSION").write_text("15\n")
    dev.start()
    assert not half.exists()
    assert dev.stop() == 0


def test_ctrl_c_during_the_start(dev):
    dev.start(ready=False)
    wait_until(lambda: "postgres ready" in dev.output.read_text(errors="replace"), 60, "it is on its way", also=dev.tail)
    children = dev.children()
    assert dev.stop() == 0, dev.tail()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in children.values())


def test_a_role_that_does_not_end_in_order_is_told(dev):
    dev.start()
    keep = dev.children()["keep"]
    os.kill(keep, signal.SIGSTOP)
    dev.process.send_signal(signal.SIGINT)
    wait_until(lambda: "stopping" in dev.output.read_text(errors="replace"), 10, "it stops", also=dev.tail)
    os.kill(keep, signal.SIGKILL)
    assert dev.process.wait(60 * SLOW) == 1
    assert "not every role stopped in order" in dev.output.read_text(errors="replace")


def test_a_port_that_is_taken_is_told(dev):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        dev.args[dev.args.index("127.0.0.1:0")] = f"127.0.0.1:{s.getsockname()[1]}"
        dev.start(ready=False)
        assert dev.process.wait(90 * SLOW) == 1
    said = dev.output.read_text(errors="replace")
    assert "millrace serve ended with exit code 1" in said and "all ready" not in said
    assert not (dev.state / "ready").exists()


def test_server_programs_that_do_not_run_are_told(dev):
    programs = dev.state / "bin"
    programs.mkdir()
    for name in ("initdb", "postgres"):
        (programs / name).write_text("#!/no/such/interpreter\n")
        (programs / name).chmod(0o755)
    dev.start(ready=False, env={"PG_BINDIR": str(programs)})
    assert dev.process.wait(30 * SLOW) == 1
    assert f"cannot start of {programs}/initdb: No such file or directory" in dev.output.read_text(errors="replace")


def test_exit_when_done_waits_for_who_still_writes(dev, files):
    dev.uploads.mkdir(parents=True)
    copy(files / "customers.csv", dev.uploads / "old.csv")
    os.utime(dev.uploads / "old.csv", (1000, 1000))
    with open(dev.uploads / "slow.csv", "wb", buffering=0) as slow:
        dev.start("--exit-when-done", ready=False)
        ends = None

        def goes_on():
            nonlocal ends
            slow.write(b"a,b\n1,2\n")
            assert dev.process.poll() is None, dev.tail()
            if ends is None and dev.lines().get("old.csv"):
                ends = time.monotonic() + 4
            return ends is not None and time.monotonic() > ends

        wait_until(goes_on, 60, "the other one has long been done", also=dev.tail, every=0.1)
        assert "slow.csv" not in dev.lines()
    assert dev.process.wait(60 * SLOW) == 0, dev.tail()
    assert [state for state, _ in dev.lines()["slow.csv"]] == ["ready"]


def test_exit_when_done(dev, files):
    dev.uploads.mkdir(parents=True)
    copy(files / "customers.csv", dev.uploads / "one.csv")
    dev.start("--exit-when-done", ready=False)
    assert dev.process.wait(90 * SLOW) == 0, dev.tail()
    assert dev.lines()["one.csv"][0][0] == "ready"


def test_exit_when_done_waits_for_the_oldest(tmp_path):
    """More uploads than one look lists are newer than the one that is still at work."""
    tools = tmp_path / "handlers"
    tools.mkdir()
    (tools / "slow").write_text("#!/bin/sh\nsleep 12\n")
    (tools / "slow").chmod(0o755)
    (tmp_path / "pipeline.json").write_text(json.dumps({"version": 1, "rules": [
        {"name": "slow", "match": {"suffix": ".slow"}, "jobs": [{"step": "s", "kind": "slow"}]},
        {"name": "other", "jobs": []}]}))
    d = Dev("--exit-when-done", handlers=tools, pipeline=tmp_path / "pipeline.json")
    try:
        d.uploads.mkdir(parents=True)
        (d.uploads / "the.slow").write_text("text")
        d.start()
        wait_until(lambda: any(q["running"] for q in d.api("/api/v1/queues")["queues"] if q["kind"] == "slow"),
                   30, "the slow one runs", also=d.tail)
        for i in range(250):
            (d.uploads / f"{i}.txt").write_text("text")
        assert d.process.wait(90 * SLOW) == 0, d.tail()
        assert d.lines()["the.slow"][0][0] == "ready", d.tail()
        assert len(d.lines()) == 251
    finally:
        d.cleanup()


def test_the_cli_works_on_its_settings(dev, files):
    dev.start()
    copy(files / "customers.csv", dev.uploads / "c.csv")
    trace = dev.final("c.csv")[1]["trace_id"]
    env = clean_env() | {"MILLRACE_CONFIG": str(dev.state / "millrace.conf")}
    got = subprocess.run([BIN, "trace", trace, "--json"], env=env, capture_output=True, text=True,
                         timeout=30 * SLOW)
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["trace_id"] == trace
    got = subprocess.run([BIN, "upload", files / "customers.csv", "uploads/own.csv", "--store", "local"], env=env,
                         capture_output=True, text=True, timeout=30 * SLOW)
    assert got.returncode == 0, got.stderr
    trace, link = got.stdout.splitlines()
    assert link == f"{dev.url()}/t/{trace}"
    assert dev.final("own.csv")[1]["trace_id"] == trace
