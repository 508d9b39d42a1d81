"""A database server that hangs: connections stay open and nothing answers. No role waits for it for ever."""
import signal

from procs import wait_until
from stack import Ledger, Load, check_oracle, record

SLOW_COPY = {"copy": "sleep 0.2\ncat input >out/copy\n"}


def test_a_frozen_server_is_given_up_in_time(make_stack, own_cluster, tmp_path):
    database = own_cluster.new_database()
    stack = make_stack(SLOW_COPY, database=database)
    roles = stack.start_all()
    ledger = Ledger(tmp_path / "ledger")
    load = [Load(stack, ledger, [f"f{i}-{j}" for j in range(10)], pause=0.05) for i in range(4)]
    for thread in load:
        thread.start()
    wait_until(lambda: database.one("select count(*) from millrace.attempt where step_no > 0") >= 5, 60, "jobs are done")
    own_cluster.freeze()
    try:
        # A call may take 5, 6, 8 or 10 s by role, where the default is 30.
        wait_until(lambda: stack.post(record("late", size=4), timeout=20) == 503, 15, "the sender is told 503")
        for role in ("route", "work", "keep"):
            wait_until(lambda r=role: roles[r].probe_status("/readyz") == 503, 14, f"{role} gives it up", also=roles[role].tail)
        assert all(p.probe_status("/livez") == 200 for p in roles.values())
    finally:
        own_cluster.thaw()
    for thread in load:
        thread.join(120)
        assert not thread.is_alive()
    stack.put("late", b"late")
    wait_until(lambda: stack.post(record("late", size=4)) == 200, 20, "it is taken")
    ledger.note("late")
    stack.wait_final(len(set(ledger.keys())), 90)
    check_oracle(stack, ledger, 1)
    for p in roles.values():
        p.wait_ready(20)
        p.signal(signal.SIGTERM)
        assert p.wait(40) == 0, p.tail()
