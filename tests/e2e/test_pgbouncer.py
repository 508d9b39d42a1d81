"""test_pgbouncer.py -- every role behind PgBouncer in transaction mode; only what listens connects directly."""
import json
import os
import signal
import subprocess

import pytest

from pooler import Pooled, Pooler
from procs import BIN, http, wait_until
from stack import Ledger, Load, Stack, check_oracle, record

POOL = 2
COPY = {"copy": "cat input >out/copy\n"}
SLOW_COPY = {"copy": "sleep 0.3\ncat input >out/copy\n"}
LISTENERS = """select usename::text from pg_stat_activity where datname = %s and query ~ 'listen|sleep_on|on_call|watch|awake'
    and usename in ('test_router', 'test_worker') order by 1"""


@pytest.fixture
def pooler(cluster):
    p = Pooler(cluster, POOL)
    try:
        p.start()
        yield p
    finally:
        p.destroy()


class Roles:
    """The stack's roles; router and workers also know the way around the pooler."""

    def __init__(self, stack):
        self.stack = stack
        self.listen = {c: ("--listen-database-url", stack.db.direct_url(c)) for c in ("router", "worker")}
        self.receive = stack.receive()
        self.route = stack.start("route", "router", *self.listen["router"])
        self.keep = stack.keep()

    def work(self, *args):
        return self.stack.work(*self.listen["worker"], *args)

    def serve(self):
        return self.stack.start("serve", "reader", "--listen", f"127.0.0.1:{self.stack.serve_port}")


@pytest.fixture
def make_roles(processes, db, pooler):
    made = []

    def make(handlers):
        made.append(Stack(processes, Pooled(db, pooler), handlers))
        return Roles(made[-1])

    yield make
    for stack in made:
        stack.cleanup()


def sent(stack, ledger, n, name="f", threads=4, pause=0.0):
    load = [Load(stack, ledger, [f"{name}{i}-{j}" for j in range(n // threads)], pause=pause) for i in range(threads)]
    for thread in load:
        thread.start()
    return load


def joined(load):
    for thread in load:
        thread.join(120)
        assert not thread.is_alive()


def environment(url):
    # The harness's own MILLRACE_* would be unknown settings to the binary.
    return {**{k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}, "MILLRACE_DATABASE_URL": url}


def test_a_fleet_shares_few_connections(make_roles, pooler, tmp_path):
    roles = make_roles(COPY)
    stack, db = roles.stack, roles.stack.db
    workers = [roles.work("--name", f"w{i}") for i in range(5)]
    roles.serve()
    ledger = Ledger(tmp_path / "ledger")
    joined(sent(stack, ledger, 80))
    stack.wait_final(80, 60)
    check_oracle(stack, ledger, 1)
    trace = db.one("select trace_id from millrace.uploads limit 1")
    base = f"http://127.0.0.1:{stack.serve_port}"
    status, body, _ = http("GET", f"{base}/api/v1/traces/{trace}")
    assert (status, json.loads(body)["upload"]["state"]) == (200, "ready")
    assert http("GET", f"{base}/readyz")[0] == 200

    # Everybody sleeps: one direct connection each, and those are all that are not the pooler's.
    wait_until(lambda: len(db.query(LISTENERS, db.db.name)) == 6, 20, "each sleeper listens",
               also=lambda: str(db.query("select usename, application_name, query from pg_stat_activity")))
    servers = [s for s in pooler.show("servers") if s["database"] == db.db.name]
    clients = [c for c in pooler.show("clients") if c["database"] == db.db.name]
    per_login = {u: len([s for s in servers if s["user"] == u]) for u in {s["user"] for s in servers}}
    assert max(per_login.values()) <= POOL, per_login
    assert len([c for c in clients if c["user"] == "test_worker"]) == len(workers)
    pooled = {int(s["remote_pid"]) for s in servers}
    direct = db.query("select pid, usename::text from pg_stat_activity where datname = %s and pid <> pg_backend_pid()", db.db.name)
    assert sorted(u for pid, u in direct if pid not in pooled) == ["test_router"] + ["test_worker"] * len(workers)
    for process in [roles.receive, roles.route, roles.keep, *workers]:
        assert process.term() == 0, process.tail()
    assert db.one("select count(*) from millrace.worker") == 0


def test_a_killed_worker_is_rescued(make_roles, tmp_path):
    roles = make_roles({"copy": "[ $MILLRACE_ATTEMPT -gt 1 ] || sleep 985021\ncat input >out/copy\n"})
    stack, db = roles.stack, roles.stack.db
    victim = roles.work("--name", "victim")
    ledger = Ledger(tmp_path / "ledger")
    joined(sent(stack, ledger, 4))
    wait_until(lambda: db.one("select count(*) from millrace.ticket where kind_no <> 1 and session <> 0") == 4, 20, "it holds them")
    victim.kill()
    roles.work("--name", "heir")
    stack.wait_final(4, 40)
    check_oracle(stack, ledger, 1)
    assert sorted(db.query("select worker, outcome from millrace.attempt where step_no > 0")) == (
        [("heir", "done")] * 4 + [("victim", "lost")] * 4)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_pooler_under_load(make_roles, pooler, tmp_path, how):
    roles = make_roles(SLOW_COPY)
    stack, db = roles.stack, roles.stack.db
    workers = [roles.work("--name", f"w{i}") for i in range(3)]
    ledger = Ledger(tmp_path / "ledger")
    load = sent(stack, ledger, 80, pause=0.05)
    for done in (10, 30):
        wait_until(lambda n=done: db.one("select count(*) from millrace.attempt where step_no > 0") >= n, 60, "jobs are done")
        pooler.stop(how)
        wait_until(lambda: all(w.probe_status("/readyz") == 503 for w in workers), 20, "they see that it is away")
        pooler.start()
        for process in (roles.receive, roles.route, roles.keep, *workers):
            process.wait_ready(20)
    joined(load)
    stack.wait_final(80, 60)
    check_oracle(stack, ledger, 1)
    # Nobody was taken for dead, and nothing was run again.
    assert db.query("select distinct outcome from millrace.attempt") == [("done",)]
    for process in (roles.receive, roles.route, roles.keep, *workers):
        assert process.term() == 0, process.tail()


def test_who_is_back_takes_none_for_dead(make_roles, tmp_path):
    """Keeper and worker were cut off together, and the keeper is back first: new to the pooler, but on a connection of the
    server's that is as old as the outage."""
    roles = make_roles(SLOW_COPY)
    stack, db = roles.stack, roles.stack.db
    worker = roles.work()
    ledger = Ledger(tmp_path / "ledger")
    silent = """select coalesce(max(clock_timestamp() - seen_at) > interval '10.5 s', false) from millrace.worker
        where session in (select session from millrace.ticket)"""
    kept = """select clock_timestamp() - max(backend_start) > interval '10.5 s' from pg_stat_activity
        where usename = 'test_keeper' and datname = %s"""
    worker.signal(signal.SIGSTOP)
    wait_until(lambda: db.one(kept, db.db.name), 30, "the keeper has been connected for a while")
    worker.signal(signal.SIGCONT)
    joined(sent(stack, ledger, 4))
    wait_until(lambda: db.one("select count(*) from millrace.ticket where kind_no <> 1 and session <> 0") > 0, 20, "it holds some")
    worker.signal(signal.SIGSTOP)
    assert roles.keep.term() == 0
    wait_until(lambda: db.one(silent), 30, "it has been silent for too long")
    assert db.one(kept, db.db.name), "the pooler has kept the keeper's connection"
    keeper = stack.keep()
    wait_until(lambda: b'handled_total{duty="admit"}' in http("GET", f"{keeper.probe}/metrics")[1], 20, "it did its duties")
    worker.signal(signal.SIGCONT)
    stack.wait_final(4, 60)
    assert db.query("select distinct outcome from millrace.attempt where step_no > 0") == [("done",)]
    check_oracle(stack, ledger, 1)


def test_commands(make_roles, tmp_path):
    roles = make_roles({"copy": "exit 65\n"})
    stack, db = roles.stack, roles.stack.db
    roles.work()
    ledger = Ledger(tmp_path / "ledger")
    joined(sent(stack, ledger, 4))
    stack.wait_final(4, 40)

    def run(*args):
        done = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env=environment(db.url("operator")))
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done.stdout

    dead = json.loads(run("dead", "--json"))["dead"]
    assert len(dead) == 4
    (stack.folder / "handlers" / "copy").write_text("#!/bin/sh\n" + COPY["copy"])
    for job in dead:
        run("replay", job["job_id"])
    wait_until(lambda: stack.states() == {"ready": 4}, 40, "they are done now", also=stack.what_holds)
    assert "ready" in run("trace", dead[0]["trace_id"])
    assert "copy" in run("queues")


def test_migrations_at_once(cluster, pooler):
    name = f"pooled_{os.getpid()}"
    cluster.execute(f"create database {name}")
    try:
        env = environment(pooler.url(name, "postgres"))
        for _ in range(3):
            running = [subprocess.Popen([BIN, "migrate"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                       for _ in range(2 * POOL)]
            assert [(p.wait(120), p.stderr.read()) for p in running] == [(0, "")] * len(running)
            assert cluster.execute("select * from pg_locks where locktype = 'advisory'", database=name) == []
        wait_until(lambda: [s for s in pooler.show("servers") if s["database"] == name], 5, "the pooler has kept its connections")
    finally:
        pooler.stop()
        cluster.execute(f"drop database {name} with (force)")
