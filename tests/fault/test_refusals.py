"""Calls that the database refuses for reasons of its own: what was to be written is kept until it takes it."""
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
    stack.db.query(f"grant execute on function {name} to millrace_{role}")
    stack.wait_final(1, 60)
    assert stack.states() == {"ready": 1}, stack.what_holds()
    assert stack.db.query("select error_class from millrace.attempt where error_class is not null") == []
    assert stack.db.one("select count(*) from millrace.attempt") == 1
    assert " refused" not in process.tail(1 << 20), "nothing was held against the data"
    assert process.alive()


@pytest.mark.parametrize("role", ["receive", "route", "work", "keep"])
def test_a_stop_while_the_database_is_away_is_a_good_end(make_stack, processes, role):
    stack = make_stack({"copy": "true\n"})
    process = processes(role, config=stack.config, name=f"{role}-away", ready=False,
                        env={"MILLRACE_DATABASE_URL": "host=/nowhere"})
    wait_until(lambda: "trying again" in process.tail() or "/nowhere" in process.tail(), 10, "it waits", also=process.tail)
    process.signal(15)
    assert process.wait(10) == 0, process.tail()
