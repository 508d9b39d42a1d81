"""Of a fleet that sleeps one worker is called: when that one is frozen, killed or full, the others come."""
import os
import signal

from procs import wait_until
from stack import record

QUICK = {"copy": "cat input >out/copy\n"}
SLOW = {"copy": "sleep 1\ncat input >out/copy\n"}
WHO = """select substring(a.worker from '[0-9]+$')::integer from millrace.attempt a join millrace.upload u on u.id = a.upload_id
    where u.key = %s and a.step_no > 0"""
ASLEEP = "select count(distinct pid) from pg_locks where locktype = 'advisory' and classid = 1297 and granted and objid > 1"


def send(stack, key):
    stack.put(key, key.encode())
    assert stack.post(record(key, size=len(key))) == 200


def fleet(stack, n, *args):
    stack.keep()
    stack.receive()
    stack.route()
    workers = {w.pid: w for w in (stack.work(*args) for _ in range(n))}
    wait_until(lambda: stack.db.one(ASLEEP) == n, 30, "all are asleep")
    return workers


def test_one_who_is_frozen_is_replaced(make_stack):
    stack = make_stack(QUICK)
    workers = fleet(stack, 3)
    send(stack, "f0")
    stack.wait_final(1, 30)
    frozen = stack.db.one(WHO, "f0")
    assert frozen in workers
    os.kill(frozen, signal.SIGSTOP)
    try:
        # Whoever looks round first finds what the frozen one was called for, and comes for all that follows.
        send(stack, "f1")
        stack.wait_final(2, 30)
        for n in range(2, 8):
            send(stack, f"f{n}")
            stack.wait_final(n + 1, 5)
        assert frozen not in [stack.db.one(WHO, f"f{n}") for n in range(1, 8)]
    finally:
        os.kill(frozen, signal.SIGCONT)


def test_one_who_is_killed_is_replaced_at_once(make_stack):
    stack = make_stack(QUICK)
    workers = fleet(stack, 3)
    for n in range(2):
        send(stack, f"f{n}")
        stack.wait_final(n + 1, 5)
        workers.pop(stack.db.one(WHO, f"f{n}")).kill()
        wait_until(lambda left=len(workers): stack.db.one(ASLEEP) == left, 10, "its connection is gone")
    send(stack, "last")
    stack.wait_final(3, 5)


def test_who_is_full_calls_the_next(make_stack):
    """As many jobs at once as three workers have slots: nobody waits for another."""
    stack = make_stack(SLOW)
    fleet(stack, 3)
    slots = stack.db.one("select sum(slots)::integer from millrace.workers where 'copy' = any (kinds)")
    keys = [f"f{n}" for n in range(slots)]
    for key in keys:
        stack.put(key, b"x")
    assert stack.post(*[record(key, size=1) for key in keys]) == 200
    stack.wait_final(slots, 30)
    assert sorted(stack.db.one("""select array_agg(n) from (select count(*) as n from millrace.attempt where step_no > 0
        group by worker) x""")) == [slots // 3] * 3


def test_who_runs_a_suspect_alone_calls_others(make_stack):
    """What killed its worker, perhaps, is run alone: who does takes nothing else, on call or not."""
    stack = make_stack({"copy": 'case "$(cat input)" in long) sleep 120 ;; esac\ncat input >out/copy\n'})
    stack.start("keep", "keeper", "--silent-after", "5s")
    stack.receive()
    stack.route()
    first = stack.work()
    send(stack, "long")
    held = "select count(*) from millrace.ticket where kind_no > 1 and session <> 0 and class >= %s"
    wait_until(lambda: stack.db.one(held, 0) == 1, 30, "it runs")
    first.kill()
    stack.work()
    wait_until(lambda: stack.db.one(held, 16) == 1, 60, "it runs alone", also=stack.what_holds)
    stack.work()
    wait_until(lambda: stack.db.one(ASLEEP) == 2, 30, "both are there")
    for n in range(4):
        send(stack, f"f{n}")
        wait_until(lambda n=n: stack.states().get("ready") == n + 1, 5, f"f{n} is done", also=stack.what_holds)
