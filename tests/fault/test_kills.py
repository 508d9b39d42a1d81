"""Processes die at once, the database goes away: nothing acknowledged is lost, each result is there once."""
import os
import time

from procs import wait_until
from stack import Ledger, Load, check_oracle

SLOW_COPY = {"copy": "sleep 0.2\ncat input >out/copy\n"}
FILES = int(os.environ.get("FAULT_FILES", "120"))
DOWN_S = float(os.environ.get("FAULT_DOWN_S", "5"))


def half_done(stack, n):
    wait_until(lambda: stack.db.one("select count(*) from millrace.attempt where step_no > 0") >= n, 60,
               f"{n} jobs are done")


def test_kill_9_of_every_role_in_flight(make_stack, tmp_path):
    stack = make_stack(SLOW_COPY)
    stack.keep()
    receive, route, one, _ = stack.receive(), stack.route(), stack.work(), stack.work()
    ledger = Ledger(tmp_path / "ledger")
    load = [Load(stack, ledger, [f"f{i}-{j}" for j in range(FILES // 4)], pause=0.01) for i in range(4)]
    for thread in load:
        thread.start()
    half_done(stack, 10)
    receive.kill()
    receive = stack.receive()
    half_done(stack, 25)
    route.kill()
    route = stack.route()
    wait_until(lambda: stack.db.one("""select count(*) from millrace.ticket t join millrace.worker w using (session)
        where w.worker like '%%-' || %s and t.kind_no > 1""", one.pid) > 0, 30, "that worker holds a job")
    one.kill()
    for thread in load:
        thread.join(90)
        assert not thread.is_alive()
    stack.wait_final(len(set(ledger.keys())), 90)
    check_oracle(stack, ledger, 1)
    lost = stack.db.one("select count(*) from millrace.attempt where outcome = 'lost'")
    assert lost >= 1


def test_the_database_goes_away_under_load(make_stack, own_cluster, tmp_path):
    database = own_cluster.new_database()
    stack = make_stack(SLOW_COPY, database=database)
    roles = stack.start_all()
    ledger = Ledger(tmp_path / "ledger")
    load = [Load(stack, ledger, [f"f{i}-{j}" for j in range(FILES // 4)], pause=0.1) for i in range(4)]
    for thread in load:
        thread.start()
    half_done(stack, 15)
    own_cluster.stop()
    went = time.monotonic()
    wait_until(lambda: any(t.refused.get(503) for t in load), 30, "senders are told 503")
    # The receiver stays: its 503 with Retry-After is the answer that senders need.
    wait_until(lambda: all(roles[r].probe_status("/readyz") == 503 for r in ("route", "work", "keep")), 20, "none is ready",
               also=lambda: str({r: p.probe_status("/readyz") for r, p in roles.items()}))
    assert all(p.probe_status("/livez") == 200 for p in roles.values())
    wait_until(lambda: time.monotonic() > went + DOWN_S, DOWN_S + 5, "the fault has lasted")
    assert any(t.is_alive() for t in load)
    own_cluster.start()
    for thread in load:
        thread.join(120)
        assert not thread.is_alive()
    stack.wait_final(len(set(ledger.keys())), 90)
    check_oracle(stack, ledger, 1)
    # The same processes: they reconnected by themselves.
    assert all(p.alive() for p in roles.values())
    for p in roles.values():
        p.wait_ready(20)
        assert p.term() == 0
