"""A duty of the keeper that fails is told once, is tried on, and holds up none of the others."""
import re
import time

import pytest
from procs import http, wait_until
from stack import record

FLAKY = {"copy": "[ \"$MILLRACE_ATTEMPT\" -gt 1 ] || exit 1\ncat input >out/copy\n"}
DUTIES = {"rescue": "rescue_workers", "sweep": "sweep_tickets", "promote": "promote_due", "fold": "fold_tallies",
          "admit": "admit_all", "fold uploads": "fold_uploads"}


def counted(process, metric, duty):
    text = http("GET", process.probe + "/metrics")[1].decode()
    found = re.search(rf'^{metric}{{duty="{duty}"}} (\d+)$', text, re.M)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("duty", DUTIES)
def test_a_duty_that_fails_holds_up_no_other(make_stack, duty):
    stack = make_stack(FLAKY)
    name = stack.db.one("select oid::regprocedure::text from pg_proc where proname = %s", DUTIES[duty])
    stack.db.query(f"revoke execute on function {name} from millrace_keeper")
    roles = stack.start_all()
    keep = roles["keep"]
    wait_until(lambda: counted(keep, "millrace_keeper_failures_total", duty), 20, "it fails", also=keep.tail)
    first, began = counted(keep, "millrace_keeper_failures_total", duty), time.monotonic()
    wait_until(lambda: counted(keep, "millrace_keeper_failures_total", duty) >= first + 5, 20, "it is tried again and again",
               also=keep.tail)
    assert time.monotonic() - began > (0.15 if duty == "fold uploads" else 1.5), "at its own pace, not at once"
    said = keep.tail(1 << 20)
    assert said.count("duty failed") == 1 and re.search(rf'"duty failed","message":"{duty}"', said), said
    stack.put("k")
    assert stack.post(record("k", size=1)) == 200
    if duty != "promote":
        stack.wait_final(1, 30)
    else:
        wait_until(lambda: stack.db.one("select count(*) from millrace.delayed") == 1, 20, "its retry waits")
    if duty != "fold":
        wait_until(lambda: stack.db.one("select count(*) from millrace.tally_delta") == 0, 10, "all is folded")
    else:
        assert stack.db.one("select count(*) from millrace.tally_delta") > 0
    stack.db.query(f"grant execute on function {name} to millrace_keeper")
    wait_until(lambda: "duty works again" in keep.tail(1 << 20), 10, "it works again", also=keep.tail)
    stack.wait_final(1, 30)
    assert stack.states() == {"ready": 1}
    wait_until(lambda: stack.db.one("select count(*) from millrace.tally_delta") == 0, 10, "all is folded")
    wait_until(lambda: counted(keep, "millrace_keeper_handled_total", "fold") > 0, 5, "and counted")
    # A fault that comes again is told again.
    stack.db.query(f"revoke execute on function {name} from millrace_keeper")
    wait_until(lambda: keep.tail(1 << 20).count("duty failed") == 2, 10, "it is told again", also=keep.tail)


def test_the_sweep_finds_what_claims_have_passed(make_stack):
    """A ticket below the mark, as a transaction that commits late leaves it."""
    stack = make_stack({"copy": "cat input >out/copy\n"})
    stack.keep()
    stack.receive()
    stack.put("late")
    assert stack.post(record("late", size=1)) == 200
    # All others have gone past it: nothing but the sweep looks there.
    stack.db.query("update millrace.mark m set position = t.position + 1000 from millrace.ticket t"
                   " where (m.kind_no, m.class) = (t.kind_no, t.class)")
    stack.db.query("select setval('millrace.ticket_position', (select max(position) + 1000 from millrace.ticket))")
    stack.route()
    wait_until(lambda: stack.states() == {"routed": 1}, 30, "it is found", also=stack.what_holds)
