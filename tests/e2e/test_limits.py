"""test_limits.py -- limits of kinds and groups hold over all workers, and people see why something waits."""
from procs import wait_until
from test_worker import Mill, folder, mill  # noqa: F401: fixtures


def most_at_once(spans):
    """How many of these (start, end) overlap at the worst moment; who ends as another starts does not overlap."""
    steps = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    worst = now = 0
    for _, change in steps:
        now += change
        worst = max(worst, now)
    return worst


def spans(db, bucket="%"):
    return db.query("select a.claimed_at, a.finished_at from millrace.attempt a join millrace.upload u on u.id = a.upload_id "
                    "where a.step_no > 0 and u.bucket like %s", bucket)


def test_most_at_once():
    assert most_at_once([(1, 5), (2, 3), (3, 4), (5, 6)]) == 2
    assert most_at_once([(1, 5), (2, 5), (3, 4)]) == 3


def test_limit_over_all_workers(mill, folder):  # noqa: F811
    gate = folder / "gate"
    mill.handler("narrow", f"#!/bin/sh\nuntil [ -e {gate} ]; do sleep 0.02; done\n")
    mill.keeper()
    traces = [mill.upload("narrow", limit=3) for _ in range(12)]
    for _ in range(2):
        mill.worker("narrow", slots=4)
    running = "select running from millrace.queue where kind = 'narrow'"
    wait_until(lambda: mill.db.one(running) == 3, 20, "three run")
    whys = [mill.db.one("select millrace.why(%s)", t) for t in traces]
    assert sum("narrow waits for its turn: 3 of narrow run or are about to, 3 may" in w for w in whys) == 9, whys
    assert mill.db.one("select millrace.scale_metric('narrow')") == 12, "what waits for its turn is work to be done"
    gate.touch()
    for trace in traces:
        assert mill.ends(trace, "narrow", 60)["state"] == "done"
    assert len(spans(mill.db)) == 12
    assert most_at_once(spans(mill.db)) == 3
    assert mill.db.one("select count(*) from millrace.parked") == 0


def test_one_loud_group_does_not_hold_up_the_others(mill, folder):  # noqa: F811
    gate = folder / "gate"
    mill.handler("shared", f"#!/bin/sh\ncase $MILLRACE_KEY in loud*) until [ -e {gate} ]; do sleep 0.02; done;; esac\n")
    mill.keeper()
    settings = {"group": "{key.1}", "group_limit": 2}
    (mill.root / "in" / "loud").mkdir()
    (mill.root / "in" / "calm").mkdir()
    loud = [mill.upload("shared", key=f"loud/{n}", **settings) for n in range(10)]
    mill.worker("shared", slots=4)
    running = "select running from millrace.queue where kind = 'shared'"
    wait_until(lambda: mill.db.one(running) == 2, 20, "two of the loud group run")
    calm = [mill.upload("shared", key=f"calm/{n}", **settings) for n in range(3)]
    for trace in calm:
        assert mill.ends(trace, "shared")["state"] == "done"
    assert "2 of loud run or are about to, and that is the limit" in mill.db.one("select millrace.why(%s)", loud[-1])
    gate.touch()
    for trace in loud:
        assert mill.ends(trace, "shared", 60)["state"] == "done"
    rows = mill.db.query("select a.claimed_at, a.finished_at from millrace.attempt a join millrace.upload u "
                         "on u.id = a.upload_id where a.step_no > 0 and u.key like 'loud%%'")
    assert len(rows) == 10
    assert most_at_once(rows) == 2
