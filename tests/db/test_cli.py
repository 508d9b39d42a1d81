"""The commands that read, replay, hold and cancel, against a database in which something happened."""
import contextlib
import json
import os
import re
import signal
import subprocess
import uuid
from pathlib import Path

import psycopg2
import pytest

from procs import wait_until

ROOT = Path(__file__).resolve().parents[2]
BIN = os.environ.get("MILLRACE_BIN", str(ROOT / "build" / "millrace"))
KEY = "a b/\x1b[31mred\n\u2028ü 'q'.pdf"
PIPELINE = {"version": 1, "rules": [{"name": "all", "jobs": [
    {"step": "good", "kind": "work"}, {"step": "bad", "kind": "work"}, {"step": "after", "kind": "work", "after": ["bad"], "required": False}]}]}


def run(db, *args, component="operator", code=0, **env):
    done = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
                          env={**os.environ, "MILLRACE_DATABASE_URL": db.url(component), **env})
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def work(db, worker, ends):
    """A worker of that name takes a job for each step of ends, and ends it so."""
    session, kind = db.query("select session, kind_nos[1] from millrace.open_session(%s, 'h', '1', '{work}', 2)", worker)[0]
    for _ in ends:
        job = db.query("select class, pos, upload_id, step_no, step from millrace.claim_jobs(%s, %s::smallint, 1, '{}', '{}')",
                       session, kind)[0]
        outcome, detail = ends[job[4]]
        db.query("select * from millrace.finish_jobs(%s, array[%s]::smallint[], array[%s]::smallint[], array[%s]::bigint[],"
                 " array[%s]::uuid[], array[%s]::smallint[], array[%s], '{250}', array[null]::bigint[], array[%s::jsonb], '{}')",
                 session, kind, *job[:4], outcome, json.dumps(detail))


def tell_story(db, write="r", key=KEY):
    """One upload: its job `good` is done, `bad` is dead, `after` was skipped. Answers its trace ID."""
    upload = str(uuid.uuid4())
    event = {"body": 0, "what": "created", "name": "s3:ObjectCreated:Put", "id": upload, "store": "s3",
             "bucket": "b", "key": key, "etag": "e", "size": 12345, "request_id": write, "content_type": "application/pdf"}
    db.query("select * from millrace.accept_uploads(array['test'], array['x'::bytea], %s::jsonb)", json.dumps([event]))
    pipeline = db.one("select millrace.register_pipeline('00', %s::jsonb)", json.dumps(PIPELINE))
    router = db.one("select session from millrace.open_session('r', 'h', '1', '{route}', 1)")
    route = db.query("select class, pos, upload_id from millrace.claim_routes(%s, 1, '{}', '{}')", router)[0]
    db.query("select * from millrace.expand_uploads(%s, %s, array[%s]::smallint[], array[%s]::bigint[], array[%s]::uuid[],"
             " '{expand}', '{0}', array[null]::jsonb[], '{}')", router, pipeline, *route)
    outputs = [{"name": "o.txt", "uri": "s3://results/o.txt", "size": 1040000, "sha256": "ab", "content_type": "t"}]
    work(db, "pod-7", {
        "good": ("done", {"outputs": outputs}),
        "bad": ("permanent", {"error_class": "exit", "error": "exit code 65\nnot a PDF", "stage": "handler",
                              "tail": "1\n2\n3\n4\n5\nlast \x1b[2J line\n"})})
    return db.one("select millrace.trace_text(%s)", upload)


@pytest.fixture
def story(db):
    return tell_story(db)


def assert_clean(text):
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text), repr(text)


def test_trace(db, story):
    text = run(db, "trace", story, component="reader")
    assert_clean(text)
    lines = text.split("\n")
    assert lines[0].startswith(f"{story}  failed  b/a b/ [31mred ")
    assert "12.1 KiB, application/pdf; received 20" in lines[1] and "final after" in lines[1]
    assert re.search(r"\n  good   done\n      1  done         pod-7  started \S+Z  took 0\.\d\d s\n"
                     r"      -> s3://results/o.txt  1015\.6 KiB\n", text), text
    assert re.search(r"\n  bad    failed\n      1  permanent    pod-7 .*\n         exit: exit code 65 not a PDF\n"
                     r"         \| 2\n         \| 3\n         \| 4\n         \| 5\n         \| last  \[2J line\n", text), text
    assert "\n  after  skipped  (optional)\n" in text


def test_trace_json_is_the_databases(db, story):
    wanted = db.one("select millrace.trace_json(%s) - 'now'", story)
    hexadecimal = db.one("select replace(id::text, '-', '') from millrace.upload")
    for form in (story, story.lower(), hexadecimal, hexadecimal.upper(), f"{story}/bad"):
        shown = json.loads(run(db, "trace", "--json", form, component="reader"))
        assert shown.pop("now") > wanted["upload"]["received_at"]
        assert shown == wanted
    assert [j["state"] for j in wanted["jobs"]] == ["done", "failed", "skipped"]


def test_not_found(db):
    for what in ("trace_01J8Z3NDEKTSV4RRFFQ69G5FAV", "nonsense", "", "'; drop schema millrace cascade; --"):
        assert "no such trace" in run(db, "trace", what, component="reader", code=3)
    assert "no such trace" in run(db, "jobs", "nonsense", component="reader", code=3)
    assert "no such job" in run(db, "replay", "nonsense/step", code=3)
    assert "usage: millrace replay" in run(db, "replay", "nonsense", code=2)
    assert "usage: millrace trace" in run(db, "trace", code=2)
    assert db.one("select count(*) from millrace.upload") == 0


def test_jobs(db, story):
    text = run(db, "jobs", component="reader")
    assert_clean(text)
    assert re.search(rf"^{story}  failed  1     3     20", text, re.M), text
    text = run(db, "jobs", story, component="reader")
    assert_clean(text)
    assert re.search(r"^good +work +done +1 +0\.\d\d s +pod-7 +-$", text, re.M), text
    assert re.search(r"^bad +work +failed +1 +0\.\d\d s +pod-7 +exit code 65 not a PDF$", text, re.M), text
    other = tell_story(db, "another write")
    recent = json.loads(run(db, "jobs", "--json", component="reader"))["uploads"]
    assert {u["trace_id"] for u in recent} == {other, story}


def test_the_last_attempt_is_the_one_that_counts(db, story):
    run(db, "replay", f"{story}/bad")
    work(db, "pod-8", {"bad": ("error", {"error_class": "exit", "error": "exit code 1"})})
    text = run(db, "jobs", story, component="reader")
    assert re.search(r"^bad +work +retrying +2 +0\.\d\d s +pod-8 +exit code 1$", text, re.M), text
    text = run(db, "trace", story, component="reader")
    assert re.search(r"\n  bad    retrying\n      due: 20\S+Z\n      1  permanent    pod-7 ", text), text
    assert re.search(r"\n      2  error        pod-8 ", text), text


def test_trace_says_why(db):
    """Of an upload that was refused, and of jobs that are optional or were skipped."""
    event = {"body": 0, "what": "refused", "store": "s3", "reason": "Records[0].s3: is missing", "id": str(uuid.uuid4())}
    db.query("select * from millrace.accept_uploads(array['test'], array['x'::bytea], %s::jsonb)", json.dumps([event]))
    refused = db.one("select millrace.trace_text(id) from millrace.upload")
    text = run(db, "trace", refused, component="reader")
    assert re.search(r"\n  reason: \S.*\n  detail: Records\[0\]\.s3: is missing\n", text), text
    text = run(db, "trace", tell_story(db), component="reader")
    assert "\n  rule: all\n" in text and "; routed after 0." in text, text
    assert re.search(r"\n  after  skipped  \(optional\)\n      reason: \S", text), text


def test_dead_lists_every_one(db, story):
    other = tell_story(db, "another write", "plain.pdf")
    assert [d["job_id"] for d in json.loads(run(db, "dead", "--json", component="reader"))["dead"]] == [
        f"{other}/bad", f"{story}/bad"]
    heads, first, second, _ = run(db, "dead", component="reader").split("\n")
    assert heads.index("CLASS") == first.index("exit  ") == second.index("exit  "), "columns of characters, not bytes"


@pytest.mark.parametrize("args", [
    ["migrate", "x"], ["trace"], ["trace", "a", "b"], ["jobs", "a", "b"], ["dead", "a", "b"], ["replay"], ["replay", "a"],
    ["replay", "a/b", "c"], ["cancel"], ["cancel", "a", "b", "c"], ["queues", "x"], ["workers", "x"], ["scale"], ["scale", "a", "b"]], ids=" ".join)
def test_usage(db, args):
    assert f"usage: millrace {args[0]} " in run(db, *args, code=2)


@pytest.mark.parametrize("args", [["trace", "x"], ["jobs"], ["jobs", "x"], ["dead"], ["replay", "x/y"], ["cancel", "x"], ["queues"], ["workers"],
                                  ["scale", "work"], ["scale", "--json", "work"]], ids=" ".join)
def test_who_may_not_look(db, args):
    assert "permission denied" in run(db, *args, component="receiver", code=4)


def test_dead_and_replay(db, story):
    job = f"{story}/bad"
    text = run(db, "dead", component="reader")
    assert_clean(text)
    assert text.splitlines()[1].startswith(job)
    assert run(db, "dead", "other", component="reader") == "no dead jobs\n"
    assert [d["job_id"] for d in json.loads(run(db, "dead", "work", "--json", component="reader"))["dead"]] == [job]

    assert f"only a dead job can be replayed; {story}/good is done\n" in run(db, "replay", f"{story}/good", code=1)
    assert run(db, "dead", "\udcff") == "no dead jobs\n", "no text names no kind"
    assert run(db, "scale", "\udcff") == "0\n"
    assert "permission denied" in run(db, "replay", job, component="reader", code=4)
    assert run(db, "replay", job, USER="ann") == f"{job} runs again (generation 1)\n"
    assert "only a dead job" in run(db, "replay", job, code=1)
    assert run(db, "dead", component="reader") == "no dead jobs\n"
    assert db.query("select who, action, subject from millrace.audit") == [("ann", "replay", job)]
    states = {j["step"]: j["state"] for j in json.loads(run(db, "trace", "--json", story))["jobs"]}
    assert states == {"good": "done", "bad": "queued", "after": "waiting"}
    # Out of the way: of claims, some begin with what was replayed.
    work(db, "pod-8", {"bad": ("permanent", {})})
    other = tell_story(db, "another write")
    run(db, "replay", f"{other}/bad", USER="", LOGNAME="bob")
    assert db.query("select who from millrace.audit where subject = %s", f"{other}/bad") == [("bob",)]


def test_queues_workers_scale(db, story):
    text = run(db, "queues", component="reader")
    assert re.search(r"^work +0 +0 +0 +0 +1 +1 +0 +1 +no +-$", text, re.M), text
    assert {q["kind"] for q in json.loads(run(db, "queues", "--json", component="reader"))["queues"]} == {"route", "work"}
    text = run(db, "workers", component="reader")
    assert re.search(r"^pod-7 +h +1 +0 +2 +20\S+ \S+Z +20\S+ \S+Z +work$", text, re.M), text
    assert len(json.loads(run(db, "workers", "--json", component="reader"))["workers"]) == 2
    assert run(db, "scale", "work", component="reader") == "0\n"
    run(db, "replay", f"{story}/bad")
    assert run(db, "scale", "work", component="reader") == "1\n"
    text = run(db, "queues", component="reader")
    assert re.search(r"^work +1 +1 +0 +0 +0 +1 +0 +1 +no +20\S+ \S+Z$", text, re.M), text
    assert json.loads(run(db, "scale", "--json", "work", component="reader")) == {"kind": "work", "value": 1}
    assert run(db, "scale", "unheard-of", component="reader") == "0\n"


def test_pause(db, story):
    run(db, "replay", f"{story}/bad")
    assert run(db, "queues", "pause", "work", "the model is down", USER="ann") == "work is paused\n"
    assert run(db, "scale", "work") == "0\n"
    assert re.search(r"^work .* yes ", run(db, "queues"), re.M)
    assert "is held, because ann paused work" in db.one("select millrace.why(%s)", story)
    assert json.loads(run(db, "queues", "resume", "work", "--json")) == {"kind": "work", "paused": False}
    assert run(db, "scale", "work") == "1\n"
    audit = db.query("select who, action, subject, why from millrace.audit where action <> 'replay' order by audit_no")
    assert audit[0] == ("ann", "pause", "work", "the model is down")
    assert audit[1][1:] == ("resume", "work", None)
    assert "no such kind" in run(db, "queues", "pause", "unheard-of", code=3)
    assert "permission denied" in run(db, "queues", "pause", "work", component="reader", code=4)
    for wrong in [["pause"], ["stop", "work"], ["pause", "work", "why", "more"]]:
        assert "resume KIND" in run(db, "queues", *wrong, code=2)


def test_cancel(db, story):
    assert "only an upload that is not final can be cancelled; " + story + " is failed\n" in run(db, "cancel", story, code=1)
    for what in ("trace_01J8Z3NDEKTSV4RRFFQ69G5FAV", "nonsense", "", f"{story}/bad"):
        assert "no such trace" in run(db, "cancel", what, code=3), what
    assert "permission denied" in run(db, "cancel", story, component="reader", code=4)
    assert db.one("select count(*) from millrace.audit") == 0
    run(db, "replay", f"{story}/bad")
    assert run(db, "cancel", story.lower(), "sent\ntwice", USER="ann") == f"{story} is cancelled (2 jobs, 0 of them running)\n"
    assert db.query("select who, action, subject, why from millrace.audit order by audit_no desc limit 1") == [("ann", "cancel", story, "sent\ntwice")]
    text = run(db, "trace", story, component="reader")
    assert text.startswith(f"{story}  cancelled  ") and "\n  reason: cancelled\n  detail: by ann: sent twice\n" in text, text
    assert re.search(r"\n  bad    cancelled\n", text) and re.search(r"\n  good   done\n", text), text
    assert re.search(rf"^{story}  cancelled  1     3 ", run(db, "jobs", component="reader"), re.M)
    assert re.search(r"^bad +work +cancelled +1 ", run(db, "jobs", story, component="reader"), re.M)
    assert db.one("select millrace.why(%s)", story) == "It was cancelled by ann: sent\ntwice."
    assert "is cancelled" in run(db, "cancel", story, code=1)
    other = tell_story(db, "another write")
    run(db, "replay", f"{other}/bad")
    assert json.loads(run(db, "cancel", "--json", other, USER="", LOGNAME="bob")) == {
        "trace_id": other, "state": "cancelled", "jobs": 2, "running": 0}
    assert db.query("select who, why from millrace.audit order by audit_no desc limit 1") == [("bob", None)]


def test_no_database(db):
    assert "No such file" in run(db, "queues", code=5, MILLRACE_DATABASE_URL="host=/nowhere")
    assert "does not exist" in run(db, "queues", code=1, MILLRACE_DATABASE_URL=db.cluster.url("no_such_database"))
    fresh = db.cluster.url("template1")
    assert "run millrace migrate" in run(db, "trace", "x", code=5, MILLRACE_DATABASE_URL=fresh)


def test_migrate_again(db):
    text = run(db, "migrate", MILLRACE_DATABASE_URL=db.url())
    assert "applied claim_jobs.sql\n" in text and "0001_" not in text
    assert text.endswith(f"the database is up to date: {text.count('applied ')} files applied\n"), text
    assert "permission denied" in run(db, "migrate", component="worker", code=4)


def test_ctrl_c_while_another_migrates(db):
    with contextlib.closing(psycopg2.connect(db.url())) as other, other.cursor() as cursor:
        # The number that migrate.c uses; without it the second one would be done at once.
        cursor.execute("select pg_advisory_lock(7215310842019911)")
        waiting = subprocess.Popen([BIN, "migrate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   stdin=subprocess.DEVNULL, env={**os.environ, "MILLRACE_DATABASE_URL": db.url()})
        try:
            wait_until(lambda: db.one("select count(*) from pg_stat_activity where application_name = 'millrace migrate'"
                                      " and query = 'rollback'"), 10, "it asks for the lock, again and again")
            waiting.send_signal(signal.SIGINT)
            said, error = waiting.communicate(timeout=10)
        finally:
            waiting.kill()
            waiting.wait(10)
        assert (waiting.returncode, said) == (130, ""), error
        assert "stopped" in error
