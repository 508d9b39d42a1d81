"""test_cancel.py -- an upload is cancelled by the command while processes work on it."""
import json
import os
import subprocess

from procs import BIN, wait_until
from test_worker import Mill, folder, mill, outcomes  # noqa: F401: fixtures


def millrace(mill, *args, code=0):  # noqa: F811
    done = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, "MILLRACE_DATABASE_URL": mill.db.url("operator"), "USER": "ann"})
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def test_what_a_handler_finds_after_the_cancel_is_not_taken(mill, folder):  # noqa: F811
    """The handler runs on, ends well, its files are stored; but the upload stays cancelled, without a result."""
    gate = folder / "gate"
    mill.handler("slow", f"#!/bin/sh\nuntil [ -e {gate} ]; do sleep 0.02; done\necho found >out/which\n")
    mill.handler("quick", "#!/bin/sh\necho found >out/which\n")
    worker = mill.worker("slow", "quick")
    trace = mill.upload("slow", "quick", "nobody-serves")
    assert mill.ends(trace, "quick")["state"] == "done"
    wait_until(lambda: mill.job(trace, "slow")["state"] == "running", 10, "it runs")

    assert millrace(mill, "cancel", trace, "wrong file") == f"{trace} is cancelled (2 jobs, 1 of them running)\n"
    gate.touch()
    wait_until(lambda: "verdict=stale" in worker.tail(), 20, "it comes too late", also=worker.tail)
    assert (mill.root / "results" / "r" / trace / "slow" / "1" / "which").exists(), "the handler's files were there"
    shown = json.loads(millrace(mill, "trace", "--json", trace))
    assert [shown["upload"][k] for k in ("state", "reason", "detail")] == ["cancelled", "cancelled", "by ann: wrong file"]
    jobs = {j["step"]: j for j in shown["jobs"]}
    assert {step: j["state"] for step, j in jobs.items()} == {"slow": "cancelled", "quick": "done", "nobody-serves": "cancelled"}
    assert outcomes(jobs["slow"]) == ["cancelled"] and jobs["slow"]["outputs"] == [] and jobs["slow"]["result"] is None
    assert jobs["slow"]["attempts"][0]["worker"] == "w0"
    assert len(jobs["quick"]["outputs"]) == 1, "what was done before stays"
    assert mill.db.one("select count(*) from millrace.output where step_no = %s",
                       mill.db.one("select step_no from millrace.job where state = 'cancelled' and tries = 1")) == 0
    queue = "select waiting, queued, running, retrying from millrace.queue where kind in ('slow', 'nobody-serves')"
    assert mill.db.query(queue) == [(0, 0, 0, 0)] * 2
    # Its slot is free, and it holds nothing any more.
    assert mill.ends(mill.upload("slow"), "slow")["state"] == "done"
    wait_until(lambda: mill.db.one("select count(*) from millrace.lease_grant") == 0, 20, "nothing is leased any more")
    assert worker.term() == 0


def test_room_that_a_cancel_makes_is_used_at_once(mill, folder):  # noqa: F811
    """Without a keeper: the command itself lets the next one in, and wakes the worker that sleeps."""
    gate = folder / "gate"
    mill.handler("narrow", f"#!/bin/sh\nuntil [ -e {gate} ]; do sleep 0.02; done\n")
    mill.worker("narrow", slots=4)
    first, second = [mill.upload("narrow", limit=1) for _ in range(2)]
    wait_until(lambda: mill.job(first, "narrow")["state"] == "running", 10, "one runs")
    assert mill.job(second, "narrow")["state"] == "queued"
    millrace(mill, "cancel", first)
    wait_until(lambda: mill.job(second, "narrow")["state"] == "running", 10, "the other runs")
    gate.touch()
    assert mill.ends(second, "narrow")["state"] == "done"
    assert mill.job(first, "narrow")["state"] == "cancelled"
