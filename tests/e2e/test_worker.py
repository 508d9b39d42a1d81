"""test_worker.py -- the worker and the keeper as real processes on a real database and a directory store."""
import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import samples
from procs import BIN, SLOW, wait_until

HANDLERS = Path(__file__).resolve().parents[2] / "deploy" / "handlers"
FINAL = ("done", "failed", "skipped", "cancelled")


class Mill:
    """One database, one store, a folder of handlers; uploads are routed here, by the same SQL as the router's."""

    def __init__(self, db, processes, folder):
        self.db, self.processes = db, processes
        self.root, self.handlers, self.scratch = (folder / n for n in ("store", "handlers", "scratch"))
        for folder in (self.root / "in", self.root / "results", self.handlers, self.scratch):
            folder.mkdir(parents=True)
        self.names = iter(range(10000))
        self.workers = iter(range(100))

    def handler(self, kind, script):
        path = self.handlers / kind
        path.write_text(script)
        path.chmod(0o755)

    def upload(self, *kinds, content=b"x\n", key=None, etag=None, params=None, **settings):
        """An object and its jobs, one per kind; answers the upload's id."""
        key = key or f"file-{next(self.names)}"
        if content is not None:
            (self.root / "in" / key).write_bytes(content)
        jobs = [{"step": kind, "kind": kind, "params": params or {}} for kind in kinds]
        body = {"version": 1, "kinds": {kind: settings for kind in kinds},
                "rules": [{"name": "all", "match": {}, "jobs": jobs}]}
        text = json.dumps(body)
        event = {"body": 0, "what": "created", "name": "ObjectCreated:Put", "store": "files", "bucket": "in", "key": key,
                 "size": len(content or b""), "event_time": "2026-01-01T00:00:00Z", "origin": "file", "request_id": key}
        if etag:
            event["etag"] = etag
        q = self.db.query
        pipeline = q("select millrace.register_pipeline(%s, %s)", hashlib.sha256(text.encode()).hexdigest(), text)[0][0]
        q("select * from millrace.accept_uploads(array['test'], array['x'::bytea], jsonb_build_array("
          "%s::jsonb || jsonb_build_object('id', gen_random_uuid())))", json.dumps(event))
        session = q("select session from millrace.open_session('router', 'here', '1', array['route'], 8)")[0][0]
        (wake,) = q(
            "select max(x.wake) from (select array_agg(c.class) k, array_agg(c.pos) p, array_agg(c.upload_id) u,"
            " array_agg('expand'::text) o, array_agg(0::smallint) r, array_agg(null::jsonb) d"
            " from millrace.claim_routes(%s, 100, '{}', '{}') c) a,"
            " millrace.expand_uploads(%s, %s, a.k, a.p, a.u, a.o, a.r, a.d, '{}') x", session, session, pipeline)[0]
        q("select millrace.close_session(%s)", session)
        q("select millrace.wake(%s::smallint[])", wake)
        return q("select trace_id from millrace.uploads where key = %s", key)[0][0]

    def config(self):
        return f"[store files]\nurl = file://{self.root}\n"

    def worker(self, *kinds, slots=4, handlers=None, args=(), **kw):
        number = next(self.workers)
        return self.processes(
            "work", "--database-url", self.db.url("worker"), "--kinds", ",".join(kinds), "--slots", slots,
            "--handlers", handlers or self.handlers, "--results", "files/results/r", "--scratch", self.scratch,
            "--name", f"w{number}", *args, config=self.config(), name=f"work-{number}", **kw)

    def keeper(self, **kw):
        return self.processes("keep", "--database-url", self.db.url("keeper"), **kw)

    def job(self, trace, step):
        """The job as the trace page has it."""
        (text,) = self.db.query("select millrace.trace_json(%s)::text", trace)[0]
        (job,) = [j for j in json.loads(text)["jobs"] if j["step"] == step]
        return job

    def ends(self, trace, step, deadline=30):
        return wait_until(lambda: (j := self.job(trace, step))["state"] in FINAL and j, deadline,
                          f"{step} of {trace} ends", also=lambda: str(self.job(trace, step)))

    def running(self, marker):
        """PIDs of processes with this text in their command line."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if marker.encode() in (folder / "cmdline").read_bytes():
                        found.append(int(folder.name))
                except OSError:
                    pass
        return found


@pytest.fixture
def folder():
    """Handlers run as nobody and have to reach their folders; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(prefix="millrace-e2e-", dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def mill(db, processes, folder):
    return Mill(db, processes, folder)


def outcomes(job):
    return [a["outcome"] for a in job["attempts"]]


def test_real_pdf_end_to_end(mill):
    mill.worker("extract-text", "preview", handlers=HANDLERS)
    content = samples.manual_pdf().read_bytes()
    trace = mill.upload("extract-text", "preview", content=content, key="a folder's ü+%20 name.pdf")
    text, preview = mill.ends(trace, "extract-text"), mill.ends(trace, "preview")
    assert (text["state"], preview["state"]) == ("done", "done")
    (out,) = text["outputs"]
    stored = mill.root / "results" / "r" / trace / "extract-text" / "1" / "text.txt"
    assert out["uri"] == f"file://{stored}"
    assert out["sha256"] == hashlib.sha256(stored.read_bytes()).hexdigest()
    assert out["size"] == stored.stat().st_size and out["content_type"] == "text/plain"
    assert b"ASN.1" in stored.read_bytes()
    assert text["result"]["pages"] > 20
    (attempt,) = text["attempts"]
    assert attempt["worker"] == "w0" and attempt["outcome"] == "done"
    assert mill.db.one("select state from millrace.uploads where trace_id = %s", trace) == "ready"
    assert list(mill.scratch.glob("*/job-*")) == []


def test_every_way_to_end(mill):
    ways = {
        "good": ("exit 0", "done", ["done"], None, None),
        "refuse": ("echo no such thing >&2; exit 65", "failed", ["permanent"], "refused", "no such thing"),
        "fail": ("echo boom; exit 1", "failed", ["error", "error"], "exit", "exit code 1: boom"),
        "crash": ("kill -SEGV $$; sleep 5", "failed", ["crash"] * 3, "signal", "SIGSEGV"),
        "hang": ("trap '' TERM; while :; do sleep 1; done", "failed", ["timeout", "timeout"], "timeout", "1000 ms"),
        "linker": ("ln -s /etc/passwd out/x", "failed", ["permanent"], "output", "symbolic link"),
        "liar": ("echo '[1]' >result.json", "failed", ["permanent"], "result", "not a JSON object"),
        "flood": ("head -c 50000000 /dev/zero >&2; exit 65", "failed", ["permanent"], "refused", "refused"),
    }
    for kind, way in ways.items():
        mill.handler(kind, f"#!/bin/sh\n{way[0]}\n")
    mill.keeper()
    mill.worker(*ways, slots=4)
    traces = {kind: mill.upload(kind, attempts=2, timeout_s=1 if kind == "hang" else 30) for kind in ways}
    for kind, (_, state, wanted, error_class, words) in ways.items():
        job = mill.ends(traces[kind], kind, 60)
        assert (job["state"], outcomes(job)) == (state, wanted), (kind, job)
        last = job["attempts"][-1]
        assert last["error_class"] == error_class
        assert words is None or words in last["error"], (kind, last)


def test_later_costs_no_attempt(mill):
    mill.handler("later", "#!/bin/sh\n[ $MILLRACE_ATTEMPT -gt 3 ] && exit 0\n"
                          "echo '{\"retry-after\": 0}' >result.json\nexit 75\n")
    mill.keeper()
    mill.worker("later")
    job = mill.ends(mill.upload("later", attempts=1), "later")
    assert (job["state"], outcomes(job)) == ("done", ["snoozed"] * 3 + ["done"])


def test_what_a_handler_is_given(mill):
    mill.handler("look", "#!/bin/sh\nenv -0 >out/env.txt\nls -A >out/ls.txt\ncp input out/copy\ncat params.json >out/params.json\n")
    mill.worker("look")
    key = "we ird'\"$(x)\n#?.txt"
    trace = mill.upload("look", key=key, content=b"bytes\0\xff", params={"a": [1, "ü"]})
    assert mill.ends(trace, "look")["state"] == "done"
    out = mill.root / "results" / "r" / trace / "look" / "1"
    assert (out / "copy").read_bytes() == b"bytes\0\xff"
    assert json.loads((out / "params.json").read_text()) == {"a": [1, "ü"]}
    assert (out / "ls.txt").read_text().split() == ["input", "out", "params.json"]
    env = (out / "env.txt").read_text()
    names = {entry.split("=")[0] for entry in env.split("\0") if entry}
    assert names == {"PATH", "LANG", "HOME", "TMPDIR", "PWD", "TRACEPARENT", "MILLRACE_TRACE_ID", "MILLRACE_JOB",
                     "MILLRACE_KIND", "MILLRACE_ATTEMPT", "MILLRACE_KEY", "MILLRACE_CONTENT_TYPE"}
    assert f"MILLRACE_KEY={key}" in env and f"MILLRACE_JOB={trace}/look" in env


def test_source_gone_replaced_and_too_large(mill):
    mill.handler("noop2", "#!/bin/sh\nexit 0\n")
    mill.keeper()
    mill.worker("noop2", args=["--max-size", "1000"])
    gone = mill.ends(mill.upload("noop2", content=None), "noop2")
    replaced = mill.ends(mill.upload("noop2", etag="0123456789abcdef"), "noop2")
    large = mill.ends(mill.upload("noop2", content=bytes(1001)), "noop2")
    assert (gone["state"], outcomes(gone)) == ("skipped", ["source_gone"])
    assert (replaced["state"], outcomes(replaced)) == ("skipped", ["superseded"])
    assert (large["state"], outcomes(large), large["attempts"][0]["error_class"]) == ("failed", ["permanent"], "TooLarge")


def test_kill_9_of_a_worker(mill):
    mill.handler("slow", "#!/bin/sh\n[ $MILLRACE_ATTEMPT -gt 1 ] && exit 0\nsetsid sleep 985001 &\nsleep 985001\n")
    mill.keeper()
    first = mill.worker("slow")
    trace = mill.upload("slow")
    wait_until(lambda: mill.running("985001"), 10, "the handler runs")
    first.kill()
    wait_until(lambda: not mill.running("985001"), 5, "the handler died with its worker")
    killed = time.monotonic()
    mill.worker("slow")
    job = mill.ends(trace, "slow", 30)
    assert time.monotonic() - killed < 16
    assert job["state"] == "done" and outcomes(job)[-1] == "done" and job["attempts"][-1]["worker"] == "w1"
    assert len(list(mill.scratch.iterdir())) == 1, "the dead worker's scratch folder was removed"


def test_drain_lets_handlers_finish(mill):
    mill.handler("short", "#!/bin/sh\nsleep 2\n")
    worker = mill.worker("short", slots=1)
    running = mill.upload("short")
    wait_until(lambda: mill.job(running, "short")["state"] == "running", 10, "it runs")
    waiting = mill.upload("short")
    worker.signal(signal.SIGTERM)
    wait_until(lambda: worker.probe_status("/readyz") == 503, 1.5, "it is not ready any more")
    assert worker.wait() == 0
    assert (mill.job(running, "short")["state"], mill.job(waiting, "short")["state"]) == ("done", "queued")
    assert outcomes(mill.job(waiting, "short")) == []
    assert list(mill.scratch.iterdir()) == []
    assert mill.db.one("select count(*) from millrace.worker") == 0, "it took leave: nobody has to rescue it"


def test_a_stop_is_heard_while_every_slot_is_busy(mill):
    mill.handler("busy", "#!/bin/sh\nsleep 985005\n")
    worker = mill.worker("busy", slots=1, args=["--grace", "0s"])
    mill.upload("busy")
    wait_until(lambda: mill.running("985005"), 10, "it runs")

    def seen():
        return mill.db.one("select max(seen_at) from millrace.worker")

    # Just after a heartbeat, when it would sleep the longest.
    before = seen()
    wait_until(lambda: seen() != before, 10, "a heartbeat")
    worker.signal(signal.SIGTERM)
    wait_until(lambda: '"draining"' in worker.tail(), 1.5, "it drains", also=worker.tail)
    assert worker.wait(20) == 0
    assert not mill.running("985005")


def test_drain_hands_back_what_takes_too_long(mill):
    mill.handler("long", "#!/bin/sh\n[ $MILLRACE_ATTEMPT -gt 1 ] && exit 0\nsleep 985002\n")
    worker = mill.worker("long", args=["--grace", "1s"])
    trace = mill.upload("long", attempts=1)
    wait_until(lambda: mill.running("985002"), 10, "it runs")
    started = time.monotonic()
    assert worker.term() == 0
    assert time.monotonic() - started < 6
    assert not mill.running("985002")
    job = mill.job(trace, "long")
    assert (job["state"], outcomes(job)) == ("queued", ["interrupted"])
    mill.worker("long")
    assert mill.ends(trace, "long")["state"] == "done"


def test_frozen_worker_is_fenced(mill):
    mill.handler("twice", "#!/bin/sh\necho $MILLRACE_ATTEMPT >out/which\n[ $MILLRACE_ATTEMPT -gt 1 ] || sleep 985003\n")
    mill.keeper()
    frozen = mill.worker("twice")
    trace = mill.upload("twice")
    wait_until(lambda: mill.running("985003"), 10, "it runs")
    frozen.signal(signal.SIGSTOP)
    other = mill.worker("twice")
    try:
        job = mill.ends(trace, "twice", 30)
    finally:
        frozen.signal(signal.SIGCONT)
    wait_until(lambda: not mill.running("985003"), 10, "the frozen worker stops what it lost")
    assert job["state"] == "done", job
    assert mill.job(trace, "twice") == job, "the late worker changed nothing"
    # It works on, under a new session.
    mill.handler("twice", "#!/bin/sh\nexit 0\n")
    assert other.term() == 0
    assert outcomes(mill.ends(mill.upload("twice"), "twice")) == ["done"], "on the very slot that was cancelled"
    assert frozen.term() == 0


def test_database_restart_burns_nothing(own_cluster, processes, folder):
    mill = Mill(own_cluster.new_database(), processes, folder)
    mill.handler("across", "#!/bin/sh\nsleep 3\n")
    worker = mill.worker("across")
    trace = mill.upload("across", attempts=1)
    wait_until(lambda: mill.job(trace, "across")["state"] == "running", 10, "it runs")
    own_cluster.stop()
    wait_until(lambda: worker.probe_status("/readyz") == 503, 10, "not ready while the database is away")
    own_cluster.start()
    job = mill.ends(trace, "across", 30)
    assert (job["state"], outcomes(job)) == ("done", ["done"])
    assert mill.ends(mill.upload("across"), "across")["state"] == "done"
    wait_until(lambda: mill.db.one("select count(*) from millrace.lease_grant") == 0, 10, "nothing is leased any more",
               also=lambda: str(mill.db.query("select * from millrace.lease_grant")))
    assert worker.term() == 0


def test_what_ends_while_the_database_is_away_counts(own_cluster, processes, folder):
    mill = Mill(own_cluster.new_database(), processes, folder)
    mill.handler("across", "#!/bin/sh\nsleep 2\necho $MILLRACE_ATTEMPT >out/which\n")
    worker = mill.worker("across")
    trace = mill.upload("across", attempts=1)
    wait_until(lambda: list(mill.scratch.glob("*/job-*")), 10, "it runs")
    own_cluster.stop()
    wait_until(lambda: not list(mill.scratch.glob("*/job-*")), 20, "it has ended", also=worker.tail)
    own_cluster.start()
    job = mill.ends(trace, "across", 30)
    assert (job["state"], outcomes(job)) == ("done", ["done"])
    assert len(list((mill.root / "results" / "r").glob("*/across/*"))) == 1, "it ran once"
    assert worker.term() == 0


def test_a_result_whose_connection_is_cut_is_not_made_again(mill):
    # A sequence forgets nothing: the first try to write the result down is cut, whatever becomes of it.
    mill.db.query("create sequence millrace.cuts")
    mill.db.query("""create function millrace.cut() returns trigger language plpgsql security definer as $$ begin
        if nextval('millrace.cuts') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$""")
    mill.db.query("create trigger cut before insert on millrace.attempt for each row execute function millrace.cut()")
    mill.handler("once", "#!/bin/sh\necho $MILLRACE_ATTEMPT >out/which\n")
    worker = mill.worker("once")
    job = mill.ends(mill.upload("once", attempts=1), "once")
    assert (job["state"], outcomes(job)) == ("done", ["done"])
    assert mill.db.one("select last_value from millrace.cuts") == 2, "it was written down twice, and run once"
    assert worker.tail().count('"job ended"') == 1
    assert worker.term() == 0


def test_a_drain_waits_for_the_database(own_cluster, processes, folder):
    mill = Mill(own_cluster.new_database(), processes, folder)
    mill.handler("across", "#!/bin/sh\nsleep 2\n")
    worker = mill.worker("across")
    trace = mill.upload("across", attempts=1)
    wait_until(lambda: list(mill.scratch.glob("*/job-*")), 10, "it runs")
    own_cluster.stop()
    worker.signal(signal.SIGTERM)
    wait_until(lambda: not list(mill.scratch.glob("*/job-*")), 20, "it has ended", also=worker.tail)
    assert worker.alive()
    own_cluster.start()
    assert worker.wait() == 0, worker.tail()
    assert (mill.job(trace, "across")["state"], outcomes(mill.job(trace, "across"))) == ("done", ["done"])


def test_no_kind_takes_every_slot_from_another(mill):
    mill.handler("forever", "#!/bin/sh\nsleep 985004\n")
    for _ in range(2):
        mill.upload("forever")
    other = mill.upload("noop")
    worker = mill.worker("forever", "noop", slots=2, args=["--grace", "0s"])
    assert mill.ends(other, "noop")["state"] == "done"
    assert worker.term() == 0


@pytest.mark.parametrize("slots", [1, 2])
def test_builtin_and_fair_shares(mill, slots):
    mill.handler("sleepy", "#!/bin/sh\nsleep 0.3\n")
    traces = [mill.upload("sleepy") for _ in range(8)]
    other = mill.upload("noop")
    mill.worker("sleepy", "noop", slots=slots)
    done = mill.ends(other, "noop")
    assert done["state"] == "done" and outcomes(done) == ["done"]
    assert any(mill.job(t, "sleepy")["state"] != "done" for t in traces), "the other kind did not wait for all of this one"
    for trace in traces:
        assert mill.ends(trace, "sleepy")["state"] == "done"


@pytest.mark.parametrize("args,words", [
    (["--kinds", "missing"], "kind missing: its handler"),
    (["--kinds", "../x"], "not a kind's name"),
    (["--kinds", ""], "names no kind"),
    (["--kinds", "noop", "--results", "nowhere/bucket"], "no [store nowhere]"),
    (["--kinds", "noop", "--results", "nothing"], "STORE/BUCKET"),
])
def test_refuses_to_start(mill, args, words):
    done = subprocess.run([BIN, "work", "--database-url", mill.db.url("worker"), "--handlers", mill.handlers, *args],
                          capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")})
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr


def test_wakes_at_once(mill):
    worker = mill.worker("noop")
    wait_until(lambda: "connected" in worker.tail(), 10, "connected")
    delays = []
    for _ in range(5):
        trace = mill.upload("noop")
        start = time.monotonic()
        mill.ends(trace, "noop", 5)
        delays.append(time.monotonic() - start)
    assert sorted(delays)[2] < 0.5, delays


def test_what_comes_while_it_falls_asleep_wakes_it(mill):
    """Between its last claim and the word that it sleeps nobody notifies it: it has to look once more."""
    mill.db.query("alter function millrace.sleep_on(smallint[], boolean) rename to sleep_on_at_once")
    mill.db.query("""create function millrace.sleep_on(kind_nos smallint[], call boolean) returns smallint[] language plpgsql security definer as $$
        begin perform pg_sleep(0.4); return millrace.sleep_on_at_once(kind_nos, call); end $$""")
    delays = []
    for _ in range(4):
        worker = mill.worker("noop")
        wait_until(lambda w=worker: "connected" in w.tail(), 10, "connected")
        trace = mill.upload("noop")
        start = time.monotonic()
        mill.ends(trace, "noop", 10)
        delays.append(time.monotonic() - start)
        assert worker.term() == 0
    assert max(delays) < 2 * SLOW, delays


def test_without_an_ear_it_polls(mill):
    worker = mill.worker("noop", args=["--listen-database-url", "host=/nowhere"])
    for _ in range(3):
        assert mill.ends(mill.upload("noop"), "noop", 10)["state"] == "done"
    assert worker.tail().count("cannot listen") == 1
    assert worker.term() == 0
