"""A job that takes its worker with it: dead after three times alone, and nobody else pays for it."""
from procs import wait_until
from stack import record

# A job named poison is there to be killed with its worker.
HANDLER = {"copy": 'case "$(cat input)" in poison) sleep 300 ;; *) sleep 1; cat input >out/copy ;; esac\n'}
HELD = """select t.upload_id, u.key from millrace.ticket t join millrace.upload u on u.id = t.upload_id
    join millrace.worker w using (session) where w.worker like '%%-' || %s and t.kind_no > 1"""


def test_a_job_that_kills_its_workers_is_dead_and_the_others_are_done(make_stack):
    stack = make_stack(HANDLER)
    stack.start("keep", "keeper", "--silent-after", "5s")
    stack.receive()
    stack.route()
    keys = ["poison"] + [f"f{i}" for i in range(7)]
    for key in keys:
        stack.put(key, key.encode())
        assert stack.post(record(key, size=len(key))) == 200
    company = []

    def poison():
        return stack.db.one("""select j.state::text from millrace.job j join millrace.upload u on u.id = j.upload_id
            where u.key = 'poison'""")

    def holds_poison(pid, least):
        held = stack.db.query(HELD, pid)
        return len(held) if "poison" in [key for _, key in held] and len(held) >= least else 0

    wait_until(lambda: stack.db.one("select count(*) from millrace.job") == len(keys), 30, "all are routed")
    for least in (2, 1, 1, 1):
        worker = stack.work()
        company.append(wait_until(lambda: holds_poison(worker.pid, least), 60, "it runs", also=stack.what_holds))
        worker.kill()
    wait_until(lambda: poison() == "failed", 30, "it is dead", also=stack.what_holds)
    stack.work()
    stack.wait_final(len(keys), 60)
    assert company[0] >= 2 and company[1:] == [1, 1, 1]
    assert stack.states() == {"ready": len(keys) - 1, "failed": 1}
    assert stack.db.query("select u.key, j.crashes, j.losses from millrace.job j join millrace.upload u on u.id = j.upload_id"
                          " where j.crashes > 0") == [("poison", 3, 4)]
    assert stack.db.query("select key, error_class from millrace.dead") == [("poison", "lost")]
