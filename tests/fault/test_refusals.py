"""Calls that the database refuses for reasons of its own: what was to be written is kept until it takes it."""
import time

import pytest
from procs import wait_until
from stack import record


@pytest.mark.parametrize("function, role", [("finish_jobs", "worker"), ("expand_uploads", "router")])
def test_a_right_that_is_missing_for_a_while_ends_nothing(make_stack, function, role):
    stack = make_stack({"copy": "cat input >out/copy\n"})
    name = stack.db.one("select oid::regprocedure::text from pg_proc where proname = %s", function)
    stack.db.query(f"revoke execute on function {name} from millrace_{role}")
    roles = stack.start_all()
    process = roles["work" if role == "worker" else "route"]
    stack.put("k", b"kept")
    assert stack.post(record("k", size=4)) == 200
    wait_until(lambda: process.tail(1 << 20).count("permission denied") >= 2, 30, "it was refused twice", also=process.tail)
    began = time.monotonic()
    wait_until(lambda: process.tail(1 << 20).count("permission denied") >= 4, 30, "and again", also=process.tail)
    assert time.monotonic() - began > 0.2, "with a pause between"
    stack.db.query(f"grant execute on function {name} to millrace_{role}")
    stack.wait_final(1, 60)
    assert stack.states() == {"ready": 1}, stack.what_holds()
    assert stack.db.query("select error_class from millrace.attempt where error_class is not null") == []
    assert stack.db.one("select count(*) from millrace.attempt") == 1
    assert " refused" not in process.tail(1 << 20), "nothing was held against the data"
    assert process.alive()


REFUSE = """create or replace function millrace.refuse() returns trigger language plpgsql as $$ begin
    if exists (select from millrace.upload u where u.id = new.upload_id and u.key = 'poison') and {when} then
        raise exception 'no, thanks' using errcode = '22023';
    end if; return new; end $$"""


def refuse(db, when):
    """The database refuses attempts of the upload `poison` as data."""
    db.query(REFUSE.format(when=when))
    db.query("create trigger refuse before insert on millrace.attempt for each row execute function millrace.refuse()")


def test_a_result_that_is_refused_ends_its_job_only(make_stack):
    stack = make_stack({"copy": "cat input >out/copy\n"})
    refuse(stack.db, "new.outcome = 'done' and new.step_no > 0")
    keys = ["poison", *[f"k{i}" for i in range(9)]]
    for key in keys:
        stack.put(key)
    stack.receive()
    stack.route()
    assert stack.post(*[record(key, size=1) for key in keys]) == 200
    wait_until(lambda: stack.states() == {"routed": len(keys)}, 30, "all are routed", also=stack.what_holds)
    stack.work()
    stack.wait_final(len(keys), 60)
    assert stack.states() == {"ready": 9, "failed": 1}
    ((error_class, stage, error),) = stack.db.query(
        "select error_class, stage, error from millrace.attempt where outcome = 'permanent'")
    assert (error_class, stage) == ("record", "output") and "no, thanks" in error
    assert stack.db.one("select count(*) from millrace.attempt where step_no > 0") == len(keys)


def test_what_is_refused_even_bare_goes_back_to_the_queue(make_stack):
    stack = make_stack({"copy": "cat input >out/copy\n"})
    refuse(stack.db, "new.step_no > 0")
    roles = stack.start_all()
    stack.put("poison")
    assert stack.post(record("poison", size=1)) == 200
    # Each round is one session: what it cannot write down it gives back by opening another.
    def rounds():
        return roles["work"].tail(1 << 20).count("results refused")

    wait_until(rounds, 30, "it was refused", also=roles["work"].tail)
    began = time.monotonic()
    wait_until(lambda: rounds() >= 4, 30, "it was refused again and again", also=roles["work"].tail)
    assert time.monotonic() - began > 1.5, "with a pause between"
    assert roles["work"].tail(1 << 20).count('"connected"') >= 4
    stack.put("good")
    assert stack.post(record("good", size=1)) == 200
    wait_until(lambda: stack.states().get("ready") == 1, 30, "the other one is ready", also=stack.what_holds)
    # Results are taken again; a bare one that is on its way just now is not: it would end the job.
    stack.db.query(REFUSE.format(when="new.outcome = 'permanent'"))
    stack.wait_final(2, 30)
    assert stack.states() == {"ready": 2}
    # The queue counted none of the rounds.
    assert stack.db.query("select attempt, outcome from millrace.attempt where step_no > 0") == [(1, "done")] * 2
    assert roles["work"].alive()
    assert stack.db.one("select count(*) from millrace.ticket") == 0


def refuse_routing(db, when):
    db.query("""create function millrace.refuse_routing() returns trigger language plpgsql as $$ begin
        if new.key = 'poison' and %s then raise exception 'no, thanks' using errcode = '22023'; end if;
        return new; end $$""" % when)
    db.query("create trigger refuse before update on millrace.upload for each row execute function millrace.refuse_routing()")


def test_routing_that_is_refused_is_tried_again_alone(make_stack):
    stack = make_stack({"copy": "cat input >out/copy\n"})
    refuse_routing(stack.db, "new.state::text = 'routed'")
    keys = ["poison", *[f"k{i}" for i in range(9)]]
    for key in keys:
        stack.put(key)
    receive = stack.receive()
    assert stack.post(*[record(key, size=1) for key in keys]) == 200 and receive.alive()
    stack.route()
    wait_until(lambda: stack.states() == {"routed": 9, "accepted": 1}, 30, "the others are routed", also=stack.what_holds)
    wait_until(lambda: stack.db.query("select reason, detail from millrace.upload where key = 'poison'") == [
        ("database", "The database refused its routing.")], 30, "it says why", also=stack.what_holds)


def test_routing_that_is_refused_even_as_a_retry_goes_back(make_stack):
    stack = make_stack({"copy": "cat input >out/copy\n"})
    refuse_routing(stack.db, "true")
    refuse(stack.db, "true")
    roles = stack.start_all()
    stack.put("poison")
    assert stack.post(record("poison", size=1)) == 200
    wait_until(lambda: roles["route"].tail(1 << 20).count("routing interrupted") >= 3, 30, "it was refused again and again",
               also=roles["route"].tail)
    stack.put("good")
    assert stack.post(record("good", size=1)) == 200
    wait_until(lambda: stack.states().get("ready") == 1, 30, "the other one is ready", also=stack.what_holds)
    stack.db.query("drop trigger refuse on millrace.upload")
    stack.db.query("drop trigger refuse on millrace.attempt")
    stack.wait_final(2, 30)
    assert stack.states() == {"ready": 2}
    assert roles["route"].alive()


@pytest.mark.parametrize("role", ["receive", "route", "work", "keep"])
def test_a_stop_while_the_database_is_away_is_a_good_end(make_stack, processes, role):
    stack = make_stack({"copy": "true\n"})
    process = processes(role, config=stack.config, name=f"{role}-away", ready=False,
                        env={"MILLRACE_DATABASE_URL": "host=/nowhere"})
    wait_until(lambda: "trying again" in process.tail() or "/nowhere" in process.tail(), 10, "it waits", also=process.tail)
    assert process.probe_status("/readyz") != 200
    process.signal(15)
    assert process.wait(10) == 0, process.tail()
