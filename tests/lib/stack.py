"""All roles as processes on one database, over a directory store; and what every fault run must leave."""
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from procs import free_port, http, wait_until

TOKEN = "a-secret-of-the-tests"
FINAL = {"ready", "review", "failed", "rejected", "ignored", "skipped", "cancelled", "expired"}


def record(key, write="1", bucket="uploads", **more):
    """One S3 record; write names the write of the object, as S3's request ID does."""
    return {"eventVersion": "2.2", "eventSource": "ceph:s3", "awsRegion": "",
            "eventTime": "2026-03-09T17:42:10.123456Z", "eventName": "ObjectCreated:Put",
            "responseElements": {"x-amz-request-id": f"{write}-{key}"[:200]},
            "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": more.pop("size", 0), **more}}}


class Stack:
    def __init__(self, processes, db, handlers, kinds=None, rules=None, bucket="uploads"):
        """handlers: {kind: shell script}; without rules every upload gets one job of each kind."""
        self.processes, self.db = processes, db
        # Handlers run as nobody: they must be able to get there.
        self.folder = Path(tempfile.mkdtemp(prefix="mr-stack-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.store, self.results = self.folder / "store", self.folder / "results"
        self.bucket = self.store / bucket
        self.bucket.mkdir(parents=True)
        (self.results / "files").mkdir(parents=True)
        self.kinds = list(handlers)
        (self.folder / "handlers").mkdir()
        for kind, script in handlers.items():
            path = self.folder / "handlers" / kind
            path.write_text("#!/bin/sh\n" + script)
            path.chmod(0o755)
        self.pipeline = self.folder / "pipeline.json"
        self.pipeline.write_text(json.dumps({
            "version": 1, "kinds": kinds or {}, "ignore": ["**/*.tmp"],
            "rules": rules or [{"name": "all", "jobs": [{"step": k, "kind": k} for k in self.kinds]}]}))
        (self.folder / "secret").write_text(TOKEN)
        self.port, self.serve_port = free_port(), free_port()
        self.config = "\n".join([
            f"pipeline = {self.pipeline}", f"handlers = {self.folder}/handlers",
            f"kinds = {','.join(self.kinds)}", "results = results/files", f"scratch = {self.folder}", "",
            "[source s3]", "auth = bearer", f"secret_file = {self.folder}/secret", "store = local", "",
            "[store local]", f"url = file://{self.store}", "",
            "[store results]", f"url = file://{self.results}", ""])
        self.count = 0

    def start(self, role, component, *args, **kw):
        self.count += 1
        return self.processes(role, *args, config=self.config, name=f"{role}-{self.count}",
                              env={"MILLRACE_DATABASE_URL": self.db.url(component)}, **kw)

    def receive(self, **kw):
        return self.start("receive", "receiver", "--listen", f"127.0.0.1:{self.port}", **kw)

    def route(self, **kw):
        return self.start("route", "router", **kw)

    def work(self, *args, **kw):
        return self.start("work", "worker", "--slots", "4", *args, **kw)

    def keep(self, **kw):
        return self.start("keep", "keeper", **kw)

    def start_all(self):
        return {"receive": self.receive(), "route": self.route(), "work": self.work(), "keep": self.keep()}

    def put(self, key, data=b"x"):
        path = self.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def post_bytes(self, body, token=TOKEN, timeout=30):
        return http("POST", f"http://127.0.0.1:{self.port}/v1/events/s3", body,
                    {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, timeout)

    def post(self, *records, **kw):
        return self.post_bytes(json.dumps({"Records": records}).encode(), **kw)[0]

    def states(self):
        return dict(self.db.query("select state::text, count(*) from millrace.upload group by 1"))

    def all_final(self, n):
        states = self.states()
        return sum(states.values()) == n and set(states) <= FINAL

    def wait_final(self, n, deadline):
        wait_until(lambda: self.all_final(n), deadline, f"{n} uploads are final",
                   also=self.what_holds, every=0.2)

    def what_holds(self):
        return "\n".join([str(self.states())] + [f"{table}: {self.db.query(f'select * from millrace.{table}')}" for table in
                          ("ticket", "delayed", "worker", "lease_grant", "mark", "due_mark")])

    def cleanup(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Ledger:
    """What the sender was told is safe: one line per acknowledged key, on disk before it counts."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.file = open(path, "a", encoding="utf-8")

    def note(self, key):
        with self.lock:
            self.file.write(json.dumps(key) + "\n")
            self.file.flush()
            os.fsync(self.file.fileno())

    def keys(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()]


class Load(threading.Thread):
    """Sends an event per key as S3 would: again and again until a 200."""

    def __init__(self, stack, ledger, keys, pause=0.0):
        super().__init__(daemon=True)
        self.stack, self.ledger, self.todo, self.pause = stack, ledger, list(keys), pause
        self.refused = {}

    def run(self):
        for key in self.todo:
            self.stack.put(key, key.encode())
            while True:
                try:
                    status = self.stack.post(record(key, size=len(key.encode())), timeout=10)
                except OSError:
                    status = 0
                if status == 200:
                    break
                self.refused[status] = self.refused.get(status, 0) + 1
                time.sleep(0.05)  # a sender's own pace between tries, not a wait of the test
            self.ledger.note(key)
            if self.pause:
                time.sleep(self.pause)


def check_oracle(stack, ledger, steps):
    """Every acknowledged upload has one parent that is ready, the jobs of its rule, one result each."""
    db = stack.db
    acked = ledger.keys()
    parents = db.query("select key, count(*), array_agg(state::text) from millrace.upload group by key")
    assert sorted(key for key, _, _ in parents) == sorted(set(acked))
    assert [p for p in parents if p[1] != 1 or p[2] != ["ready"]] == []
    jobs = db.query("select upload_id, count(*), bool_and(state = 'done') from millrace.job group by 1")
    assert len(jobs) == len(set(acked))
    assert [j for j in jobs if j[1] != steps or not j[2]] == []
    assert db.one("select count(*) from millrace.ticket") == 0
    assert db.one("select count(*) from millrace.delayed") == 0
    # One attempt of each job is done, attempts count from 1 without a gap, and end after they begin.
    assert db.query("""select upload_id, step_no from millrace.attempt group by 1, 2
        having count(*) filter (where outcome = 'done') <> 1 and min(step_no) > 0
        or max(attempt) <> count(*) or min(attempt) <> 1""") == []
    assert db.query("select * from millrace.attempt where started_at > finished_at") == []
    outputs = db.query("""select u.key, o.uri, o.sha256, a.outcome from millrace.output o
        join millrace.upload u on u.id = o.upload_id
        join millrace.attempt a on (a.upload_id, a.step_no, a.attempt) = (o.upload_id, o.step_no, o.attempt)""")
    assert len(outputs) == len(set(acked)) * steps
    for key, uri, sha256, outcome in outputs:
        data = Path(uri.removeprefix("file://")).read_bytes()
        assert data == key.encode() and outcome == "done"
        assert hashlib.sha256(data).hexdigest() == sha256
