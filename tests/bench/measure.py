"""measure.py -- one measurement each: the queue, the plain SKIP LOCKED loop, the receiver, the whole way, the roles."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import psycopg2

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/lib"))

import procs  # noqa: E402
from procs import Process, free_port, wait_until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("O", TOP / "build")).resolve()
MILLRACE = procs.BIN = BUILD / "millrace"
PG_BIN = "/usr/lib/postgresql/15/bin"
TOKEN = "bench-token"
REF_CLIENTS = 8


def url(database, user="postgres"):
    return f"postgresql:///{database}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}&user={user}"


def execute(sql, *args, database="postgres"):
    c = psycopg2.connect(url(database))
    try:
        c.autocommit = True
        with c.cursor() as cursor:
            cursor.execute(sql, args or None)
            return cursor.fetchall() if cursor.description else None
    finally:
        c.close()


def output(*command, **env):
    """What a program prints, "name value" lines as a dictionary; its failure is ours."""
    out = subprocess.run([str(c) for c in command], env={**os.environ, **env}, capture_output=True, text=True,
                         timeout=600)
    if out.returncode:
        raise SystemExit(f"{command[0]}: {out.stderr.strip()}")
    return {k: float(v) for k, v in re.findall(r"^(\w+) ([0-9.]+)$", out.stdout, re.M)}, out.stdout


def new_database(name):
    execute(f"drop database if exists {name} with (force)")
    execute(f"create database {name}")
    subprocess.run([MILLRACE, "migrate", "--database-url", url(name)], check=True, capture_output=True, timeout=120)
    for component in ["receiver", "router", "worker", "keeper", "reader", "operator"]:
        execute("select millrace.create_login(%s, %s)", f"bench_{component}", component, database=name)
    return name


class Roles:
    """Processes of the roles on one database and one folder of buckets; all are gone at the end of a with."""

    CONF = """log-format = json
log-level = warn
pipeline = {folder}/pipeline.json
handlers = {folder}/handlers
results = local/results
scratch = {folder}/scratch
kinds = stamp
[source bench]
auth = bearer
secret_file = {folder}/token
store = local
[store local]
url = file://{folder}/buckets
"""
    PIPELINE = {
        "version": 1,
        "kinds": {"stamp": {"timeout_s": 60, "attempts": 5}},
        "rules": [{"name": "all", "match": {}, "jobs": [{"step": "stamp", "kind": "stamp"}]}],
    }
    COMPONENT = {"receive": "receiver", "route": "router", "work": "worker", "keep": "keeper", "serve": "reader"}

    def __init__(self, database, folder):
        self.database, self.folder = database, pathlib.Path(folder)
        for part in ["handlers", "scratch", "buckets/uploads", "buckets/results"]:
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "pipeline.json").write_text(json.dumps(self.PIPELINE))
        handler = self.folder / "handlers/stamp"
        if not handler.exists():
            handler.write_bytes((BUILD / "bench/stamp").read_bytes())
            handler.chmod(0o755)
        self.running, self.port = [], {}

    def start(self, role):
        """The process, ready, and the milliseconds that took."""
        args = ["--database-url", url(self.database, "bench_" + self.COMPONENT[role])]
        if role in ("receive", "serve"):
            self.port[role] = free_port()
            args += ["--listen", f"127.0.0.1:{self.port[role]}"]
        process = Process(role, self.folder, args, config=self.CONF.format(folder=self.folder))
        self.running.append(process)
        begin = time.monotonic()
        process.start(ready=False)
        wait_until(process.is_ready, 30, f"{role} is ready", also=process.tail, every=0.002)
        return process, (time.monotonic() - begin) * 1000

    def stop(self):
        for process in reversed(self.running):
            process.term()
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for process in self.running:
            process.cleanup()


def queue_drain(jobs, sessions, batch):
    """Jobs per second through claim and finish."""
    database = new_database("bench_queue")
    output(BUILD / "bench/queue", "fill", jobs // 5, PGDATABASE=database)
    execute("vacuum analyze", database=database)
    execute("checkpoint")
    got, _ = output(BUILD / "bench/queue", "drain", sessions, batch, jobs, PGDATABASE=database)
    left = execute("select millrace.scale_metric('noop')", database=database)[0][0]
    if got["jobs"] != jobs or left != 0:
        raise SystemExit(f"{jobs} jobs were due, {got['jobs']:.0f} done, {left} left")
    return got["jobs_per_s"]


def skip_locked(jobs, batch):
    """Rows per second through the plain loop."""
    execute("drop table if exists ref")
    execute("create table ref (id bigint primary key generated always as identity, payload jsonb not null, "
            "state smallint not null default 0)")
    execute("create index on ref (id) where state = 0")
    # Some more than are taken, so that the last batches are full ones.
    execute("insert into ref (payload) select jsonb_build_object('id', n) from generate_series(1, %s) n",
            jobs + REF_CLIENTS * batch * 4)
    execute("vacuum analyze ref")
    execute("checkpoint")
    before = execute("select count(*) from ref")[0][0]
    _, text = output(f"{PG_BIN}/pgbench", "-n", "-M", "prepared", "-c", REF_CLIENTS, "-j", 2, "-t",
                     max(jobs // (batch * REF_CLIENTS), 1), "-D", f"batch={batch}", "-f",
                     TOP / "tests/bench/skip_locked.sql", PGDATABASE="postgres")
    taken = before - execute("select count(*) from ref")[0][0]
    transactions = int(re.search(r"actually processed: (\d+)", text)[1])
    per_second = float(re.search(r"^tps = ([0-9.]+) \(without", text, re.M)[1])
    return taken * per_second / transactions


def receive(folder, seconds, connections):
    """Events per second from POST to commit, and the POST's own quantiles."""
    database = new_database("bench_receive")
    with Roles(database, folder) as roles:
        roles.start("keep")
        roles.start("receive")
        got, _ = output(BUILD / "bench/post", roles.port["receive"], "/v1/events/bench", TOKEN, "uploads", connections,
                        seconds)
        rows = execute("select count(*) from millrace.upload", database=database)[0][0]
        if rows != got["sent"]:
            raise SystemExit(f"{got['sent']:.0f} were acknowledged, {rows} are in the database")
        roles.stop()
    return got


def wake(samples):
    """Enqueue call to claim's return on an idle queue, in one process: the queue's own latency."""
    database = new_database("bench_wake")
    got, _ = output(BUILD / "bench/queue", "wake", samples, PGDATABASE=database)
    return got


def event(n, key):
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "responseElements": {"x-amz-request-id": f"bench-{n}"},
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": key, "size": 6}},
    }
    return json.dumps({"Records": [record]})


def quantiles(values):
    values = sorted(values)
    return values[len(values) // 2], values[len(values) * 99 // 100]


# Notes which transaction made the ticket of each job: when that committed is asked of the server afterwards.
NOTE_TICKETS = """
create table public.made (upload_id uuid primary key, xid xid not null);
create function public.note_made() returns trigger language plpgsql as $$
begin
	insert into public.made values (new.upload_id, pg_current_xact_id()::xid);
	return null;
end $$;
alter function public.note_made() security definer;
create trigger note_made after insert on millrace.ticket for each row when (new.kind_no <> 1)
	execute function public.note_made();
"""


def whole_way(folder, samples):
    """POST to handler start and the ticket's commit to handler start, through real processes and a real command, in ms."""
    database = new_database("bench_way")
    execute(NOTE_TICKETS, database=database)
    posted = {}
    with Roles(database, folder) as roles:
        for role in ["keep", "work", "route", "receive"]:
            roles.start(role)
        connection = http.client.HTTPConnection("127.0.0.1", roles.port["receive"], timeout=30)
        reader = psycopg2.connect(url(database))
        reader.autocommit = True
        cursor = reader.cursor()
        for n in range(samples):
            key = f"in/{n}.txt"
            path = roles.folder / "buckets/uploads" / key
            path.parent.mkdir(exist_ok=True)
            path.write_text("bench\n")
            body = event(n, key)
            posted[key] = time.time()
            connection.request("POST", "/v1/events/bench", body,
                               {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = reply.read()
            if reply.status // 100 != 2:
                raise SystemExit(f"the receiver answered {reply.status}: {answer[:300]!r}")

            def final(key=key):
                cursor.execute("select state::text from millrace.upload where key = %s", (key,))
                row = cursor.fetchone()
                return row and row[0] not in ("accepted", "routed") and row[0]

            state = wait_until(final, 20, f"{key} is final", every=0.005)
            if state != "ready":
                raise SystemExit(f"{key} is {state}")
        cursor.execute("select u.key, extract(epoch from pg_xact_commit_timestamp(m.xid)), o.uri from millrace.upload u "
                       "join public.made m on m.upload_id = u.id "
                       "join millrace.output o on o.upload_id = u.id where o.name = 'started'")
        rows = cursor.fetchall()
        reader.close()
        roles.stop()
    if len(rows) != samples:
        raise SystemExit(f"{samples} files were sent, {len(rows)} results are there")
    from_post, from_ticket = [], []
    for key, committed, uri in rows:
        started = int(pathlib.Path(uri.removeprefix("file://")).read_text()) / 1e6
        from_post.append((started - posted[key]) * 1000)
        from_ticket.append((started - float(committed)) * 1000)
    return from_post, from_ticket


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def role_figures(folder, role, starts):
    """Start-up milliseconds and resident kB of an idle role, of each start."""
    database = new_database("bench_roles")
    figures = []
    for _ in range(starts):
        with Roles(database, folder) as roles:
            process, ms = roles.start(role)
            figures.append((ms, resident_kb(process.pid)))
            roles.stop()
    return figures
