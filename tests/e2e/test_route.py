"""test_route.py -- `millrace route` on a folder of files: what becomes of each upload, and what
becomes of the router when files, pipeline and database misbehave."""
import json
import os
import signal
import time
import uuid

import pytest

from procs import REPO, wait_until

PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


class Router:
    def __init__(self, processes, db, folder, pipeline=None, args=(), start=True):
        self.db, self.folder, self.processes = db, folder, processes
        self.root = folder / "store"
        self.root.mkdir(exist_ok=True)
        os.chmod(folder, 0o755)
        self.pipeline = folder / "pipeline.json"
        self.pipeline.write_text(pipeline or (REPO / "deploy" / "pipeline.json").read_text())
        self.config = f"""
database-url = {db.url('router')}
pipeline = {self.pipeline}

[store files]
url = file://{self.root}
"""
        self.args = args
        self.process = processes("route", *args, config=self.config) if start else None

    def another(self, name):
        return self.processes("route", *self.args, config=self.config, name=name)

    def put(self, *files, bucket="in", size=True):
        """Files into the bucket, then one call as the receiver makes it."""
        (self.root / bucket).mkdir(exist_ok=True)
        events = []
        for key, content in files:
            if content is not None:
                (self.root / bucket / key).parent.mkdir(parents=True, exist_ok=True)
                (self.root / bucket / key).write_bytes(content)
            events.append({"body": 0, "what": "created", "id": str(uuid.uuid4()), "store": "files", "bucket": bucket,
                           "key": key, "request_id": uuid.uuid4().hex, "origin": "file",
                           **({"size": 10 if content is None else len(content)} if size else {})})
        self.db.query("select millrace.accept_uploads(array['test'], array['x'::bytea], %s)", json.dumps(events))
        self.db.query("select millrace.wake('{1}')")

    def state(self, key):
        rows = self.db.query("select state::text, reason, detail from millrace.upload where key = %s", key)
        return rows[0] if rows else None

    def settled(self, key, deadline=15):
        wait_until(lambda: self.state(key)[0] != "accepted", deadline, f"{key} is routed")
        return self.state(key)

    def steps(self, key):
        return sorted(r[0] for r in self.db.query(
            """select s.step from millrace.job j join millrace.upload u on u.id = j.upload_id
               join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = j.step_no
               where u.key = %s""", key))


@pytest.fixture
def router(processes, db, tmp_path):
    return Router(processes, db, tmp_path)


def test_what_becomes_of_each(router):
    router.put(("invoices/7.pdf", PDF), ("other.pdf", PDF), ("photo.jpg", JPEG), ("t.csv", b"a,b\n1,2\n"),
               ("liar.pdf", b"I am but text.\n"), ("x.tmp", b"?"), ("odd.bin", b"\x01\x02"), ("gone.pdf", None))
    assert router.settled("invoices/7.pdf")[0] == "routed"
    assert router.steps("invoices/7.pdf") == ["preview", "text", "validate"]
    assert router.settled("other.pdf")[0] == "routed"
    assert router.steps("other.pdf") == ["preview", "text"]
    assert router.settled("photo.jpg")[0] == "routed"
    assert router.steps("photo.jpg") == ["exif", "thumbnail"]
    assert router.settled("t.csv")[0] == "routed"
    assert router.settled("liar.pdf") == (
        "rejected", "type", "It is named .pdf (application/pdf), but its content is text/plain.")
    assert router.settled("x.tmp")[:2] == ("ignored", "**/*.tmp")
    assert router.settled("odd.bin")[:2] == ("rejected", "no_rule")
    assert router.settled("gone.pdf")[:2] == ("skipped", "source_gone")
    assert router.db.one("select sniffed_type from millrace.upload where key = 'photo.jpg'") == "image/jpeg"
    assert router.db.one("select count(*) from millrace.ticket where kind_no = 1") == 0
    for key in ("liar.pdf", "x.tmp", "odd.bin"):
        assert router.steps(key) == []


def test_size_is_asked_for(router):
    router.put(("a.pdf", PDF), ("never.pdf", None), size=False)
    assert router.settled("a.pdf")[0] == "routed"
    assert router.db.one("select size from millrace.upload where key = 'a.pdf'") == len(PDF)
    assert router.settled("never.pdf")[:2] == ("skipped", "source_gone")


def test_limits(processes, db, tmp_path):
    router = Router(processes, db, tmp_path, args=("--max-size", "30", "--buckets", "in, more"))
    router.put(("big.pdf", PDF))
    router.put(("elsewhere.pdf", PDF), bucket="other")
    assert router.settled("big.pdf")[:2] == ("rejected", "size")
    assert router.settled("elsewhere.pdf")[:2] == ("rejected", "bucket")


def test_keys_that_are_no_paths(router):
    router.put(("../../../etc/passwd.pdf", None), ("a//b.pdf", None), ("x\ny \"q\" +%.pdf", PDF))
    assert router.settled("../../../etc/passwd.pdf")[:2] == ("rejected", "key")
    assert router.settled("a//b.pdf")[:2] == ("rejected", "key")
    assert router.settled("x\ny \"q\" +%.pdf")[0] == "routed"


def test_wakes_at_once(router):
    router.put(("first.csv", b"a,b\n1,2\n"))
    router.settled("first.csv")
    slowest = 0
    for i in range(10):
        from_ = time.monotonic()
        router.put((f"{i}.csv", b"a,b\n1,2\n"))
        router.settled(f"{i}.csv")
        slowest = max(slowest, time.monotonic() - from_)
    assert slowest < 1, "woken, not polled"


# One notification after the other, sometimes faster than they are routed and sometimes slower.
STREAM = """do $$ begin
    for i in 1..2000 loop
        perform millrace.accept_uploads('{test}', '{x}', jsonb_build_array(jsonb_build_object('body', 0, 'what', 'created', 'origin', 'file',
            'id', gen_random_uuid(), 'store', 'files', 'bucket', 'in', 'key', 'x.tmp', 'size', 1, 'request_id', gen_random_uuid())));
        commit;
        perform millrace.wake('{1}');
        commit;
        perform pg_sleep(case when i % 3 = 0 then random() * 0.002 else 0 end);
    end loop;
end $$"""


def test_wakes_at_once_in_a_stream(router):
    """However it falls in and out of being called."""
    router.put(("first.pdf", PDF))
    router.settled("first.pdf")
    router.db.query(STREAM)
    wait_until(lambda: not router.db.one("select count(*) from millrace.upload where state = 'accepted'"), 15, "all are routed")
    late = router.db.one("""select percentile_cont(0.9) within group (order by extract(epoch from finished_at - received_at))
        from millrace.upload where key = 'x.tmp'""")
    assert late < 0.1, late


def test_pipeline_changes_while_it_runs(router):
    only_csv = {"version": 1, "rules": [{"name": "all", "jobs": [{"step": "only", "kind": "noop"}]}]}
    router.put(("1.pdf", PDF))
    router.settled("1.pdf")
    router.pipeline.write_text("{ this is no pipeline")
    wait_until(lambda: "pipeline refused" in router.process.tail(), 10)
    router.put(("2.pdf", PDF))
    assert router.settled("2.pdf")[0] == "routed" and router.steps("2.pdf") == ["preview", "text"]
    router.pipeline.write_text(json.dumps(only_csv))
    wait_until(lambda: "is version 2" in router.process.tail(), 10)
    router.put(("3.pdf", PDF))
    assert router.settled("3.pdf")[0] == "routed" and router.steps("3.pdf") == ["only"]
    assert router.db.query("select key, pipeline_no from millrace.upload order by key") == [
        ("1.pdf", 1), ("2.pdf", 1), ("3.pdf", 2)]


def test_bad_pipeline_at_the_start(processes, db, tmp_path):
    router = Router(processes, db, tmp_path, pipeline='{"version": 1, "rules": [{"name": "X", "jobs": []}]}', start=False)
    p = processes("route", config=router.config, ready=False)
    assert p.wait(20) == 1
    assert "rules[0].name: 'X' is no name" in p.tail()


def test_many_and_two_routers(router):
    second = router.another("second")
    router.put(*[(f"d/{i}.csv", b"a,b\n1,2\n") for i in range(1000)])
    wait_until(lambda: router.db.one("select count(*) from millrace.upload where state = 'routed'") == 1000, 30)
    assert router.db.one("select count(*) from millrace.job") == 1000
    assert second.term() == 0


def test_database_restarts(processes, own_cluster, tmp_path):
    db = own_cluster.new_database()
    router = Router(processes, db, tmp_path)
    router.put(("1.csv", b"a,b\n1,2\n"))
    router.settled("1.csv")
    own_cluster.stop(signal.SIGQUIT)
    wait_until(lambda: "database away" in router.process.tail(), 20)
    own_cluster.start()
    router.put(("2.csv", b"a,b\n1,2\n"))
    assert router.settled("2.csv", 30)[0] == "routed"
    assert router.process.term() == 0


def test_killed_router_loses_nothing(processes, db, tmp_path):
    router = Router(processes, db, tmp_path)
    processes("keep", "--silent-after", "2s", config=f"database-url = {db.url('keeper')}\n")
    router.put(*[(f"d/{i}.pdf", PDF) for i in range(600)])
    wait_until(lambda: router.db.one("select count(*) from millrace.upload where state = 'routed'") > 0, 20)
    router.process.kill()
    router.another("second")
    wait_until(lambda: router.db.one("select count(*) from millrace.upload where state <> 'routed'") == 0, 40)
    assert router.db.one("select count(*) from millrace.job") == 1200


def test_stop_hands_back(router):
    router.put(*[(f"d/{i}.pdf", PDF) for i in range(600)])
    assert router.process.term() == 0
    assert router.db.one("select count(*) from millrace.ticket where session is not null and session <> 0") == 0
    assert router.db.one("select count(*) from millrace.worker") == 0, "it took leave: nobody has to rescue it"
    left = router.db.one("select count(*) from millrace.upload where state = 'accepted'")
    assert left == router.db.one("select count(*) from millrace.ticket where kind_no = 1")
    router.another("second")
    wait_until(lambda: router.db.one("select count(*) from millrace.upload where state <> 'routed'") == 0, 30)


def test_store_that_is_not_configured(router):
    router.db.query("select millrace.accept_uploads(array['test'], array['x'::bytea], %s)", json.dumps([
        {"body": 0, "what": "created", "id": str(uuid.uuid4()), "store": "nowhere", "bucket": "in", "key": "k.pdf",
         "request_id": "r", "size": 5}]))
    wait_until(lambda: router.state("k.pdf")[1] == "store", 15, "it is tried again, and says why")
    assert router.state("k.pdf")[0] == "accepted"
