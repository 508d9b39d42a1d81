"""An upload with many children: finishes do not wait for each other, and it is final exactly once."""
import contextlib
import json
import threading
import uuid

import psycopg2
import pytest
from procs import wait_until

CHILDREN = 2000
SESSIONS = 8


class Worker:
    """A session with a connection of its own, as a worker process has."""

    def __init__(self, db, kinds):
        self.db = psycopg2.connect(db.url())
        self.db.autocommit = True
        self.session, self.kinds = self.rows("select session, kind_nos from millrace.open_session('w', 'h', '1', %s, 8)", kinds)[0]

    def rows(self, sql, *args):
        with self.db.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall()

    def claim(self, n, kind=0):
        return self.rows("select %s, class, pos, upload_id, step_no from millrace.claim_jobs(%s, %s::smallint, %s, '{}', '{}')",
                         self.kinds[kind], self.session, self.kinds[kind], n)

    def finish(self, jobs, outcomes=("done",), explain=""):
        n = len(jobs)
        columns = [list(c) for c in zip(*jobs)]
        outcomes = [outcomes[i % len(outcomes)] for i in range(n)]
        return self.rows(f"""{explain} select verdict from millrace.finish_jobs(%s, %s::smallint[], %s::smallint[], %s::bigint[],
            %s::uuid[], %s::smallint[], %s, %s::bigint[], %s::bigint[], array_fill(null::jsonb, array[%s]), '{{}}')""",
                         self.session, *columns, outcomes, [1] * n, [None] * n, n)

    def close(self):
        self.db.close()


@pytest.fixture
def worker(db):
    made = []

    def make(*kinds):
        made.append(Worker(db, list(kinds)))
        return made[-1]

    yield make
    for w in made:
        w.close()


def fan_out(db, jobs):
    """An upload with these jobs; answers its ID."""
    pipeline = {"version": 1, "rules": [{"name": "all", "match": {}, "jobs": jobs}]}
    event = {"body": 0, "what": "created", "id": str(uuid.uuid4()), "store": "s3", "bucket": "b", "key": "k", "request_id": "r"}
    number = db.one("select millrace.register_pipeline('00', %s::jsonb)", json.dumps(pipeline))
    db.query("select * from millrace.accept_uploads(array['s'], array['x'::bytea], %s::jsonb)", json.dumps([event]))
    router = db.one("select session from millrace.open_session('r', 'h', '1', '{route}', 1)")
    route = db.query("select class, pos, upload_id from millrace.claim_routes(%s, 1, '{}', '{}')", router)[0]
    db.query("select * from millrace.expand_uploads(%s, %s, array[%s]::smallint[], array[%s]::bigint[], array[%s]::uuid[],"
             " '{expand}', '{0}', array[null]::jsonb[], '{}')", router, number, *route)
    return route[2]


def watch_states(db):
    """Notes each change of an upload's state."""
    db.query("create table public.moves (state millrace.upload_state)")
    db.query("""create function public.note() returns trigger language plpgsql as $$
        begin insert into public.moves values (new.state); return new; end $$""")
    db.query("create trigger note after update on millrace.upload for each row when (old.state <> new.state)"
             " execute function public.note()")


def work_all(workers, batch, kind=0):
    """All of them claim and finish side by side until nothing is left; answers what went wrong."""
    wrong = []

    def run(w):
        try:
            while jobs := w.claim(batch, kind):
                assert w.finish(jobs) == [("accepted",)] * len(jobs)
        except Exception as e:
            wrong.append(e)

    threads = [threading.Thread(target=run, args=(w,)) for w in workers]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not any(t.is_alive() for t in threads)
    return wrong


def updates(db):
    db.query("select pg_stat_force_next_flush()")
    return db.one("select n_tup_upd from pg_stat_user_tables where relid = 'millrace.upload'::regclass")


@pytest.mark.parametrize("batch", [1, 3])
def test_many_children_finish_side_by_side(db, processes, worker, batch):
    processes("keep", env={"MILLRACE_DATABASE_URL": db.url("keeper")})
    watch_states(db)
    fan_out(db, [{"step": f"s{i}", "kind": "ka"} for i in range(CHILDREN)])
    before = updates(db)
    assert work_all([worker("ka") for _ in range(SESSIONS)], batch) == []
    wait_until(lambda: db.one("select state::text from millrace.upload") == "ready", 10, "it is ready",
               also=lambda: str([db.query(f"select * from millrace.{t}") for t in ("upload_delta", "upload_sum", "upload_fold")]))
    assert db.query("select state::text from public.moves where state <> 'routed'") == [("ready",)]
    assert db.one("select count(*) from millrace.job where state = 'done'") == CHILDREN
    assert db.query("select open_jobs, failed_jobs, review_jobs from millrace.upload") == [(0, 0, 0)]
    assert db.one("select count(*) from millrace.upload_delta") == 0
    assert db.one("select count(*) from millrace.upload_sum") == 0
    assert db.one("select deadlocks from pg_stat_database where datname = current_database()") == 0
    assert updates(db) - before <= 1


def test_the_keeper_asks_often_only_while_jobs_run(db, processes, worker):
    """Told from how often it folds the counts, which is once a second."""
    def calls():
        return dict(db.query("select funcname, calls from pg_stat_user_functions where funcname ~ '^fold_(uploads|tallies)$'"))

    def asked(folds):
        before = wait_until(lambda: (c := calls()).get("fold_tallies", 0) >= 3 and c, 20, "it folds")
        after = wait_until(lambda: (c := calls())["fold_tallies"] >= before["fold_tallies"] + folds and c, 30, "it folds again")
        return (after["fold_uploads"] - before["fold_uploads"]) / (after["fold_tallies"] - before["fold_tallies"])

    db.query(f"alter database {db.name} set track_functions = 'pl'")
    processes("keep", "--silent-after", "1h", env={"MILLRACE_DATABASE_URL": db.url("keeper")})
    assert asked(3) < 3
    fan_out(db, [{"step": f"s{i}", "kind": "ka"} for i in range(101)])
    w = worker("ka")
    held = w.claim(1)
    wait_until(lambda: asked(1) > 5, 20, "it asks often")
    assert asked(2) > 5
    w.finish(held)
    wait_until(lambda: asked(1) < 3, 20, "it asks seldom again")


def test_dependents_of_many_are_freed_once(db, worker):
    """Each child frees both joins, in whatever order the finishes come; one dead child skips both, once."""
    first = [{"step": f"s{i}", "kind": "ka"} for i in range(400)]
    joins = [{"step": f"j{i}", "kind": "kb", "after": [f"s{n}" for n in range(400)]} for i in range(5)]
    fan_out(db, first + joins)
    workers = [worker("ka", "kb") for _ in range(SESSIONS)]
    assert work_all(workers, 2) == []
    assert db.query("select state::text, blocked_by, count(*) from millrace.job where step_no > 400 group by 1, 2") == [("queued", 0, 5)]
    assert db.one("select count(*) from millrace.ticket") == 5
    assert work_all(workers, 2, kind=1) == []
    db.query("select * from millrace.fold_uploads(0)")
    assert db.query("select state::text, open_jobs from millrace.upload") == [("ready", 0)]
    assert db.one("select deadlocks from pg_stat_database where datname = current_database()") == 0


def test_dead_children_side_by_side(db, worker):
    first = [{"step": f"s{i}", "kind": "ka"} for i in range(120)]
    joins = [{"step": f"j{i}", "kind": "kb", "after": [f"s{n}" for n in range(i, 120, 7)]} for i in range(20)]
    joins += [{"step": "last", "kind": "kb", "after": [j["step"] for j in joins]}]
    fan_out(db, first + joins)
    workers = [worker("ka", "kb") for _ in range(SESSIONS)]
    held = [w.claim(15) for w in workers]
    threads = [threading.Thread(target=w.finish, args=(jobs, ("permanent", "done"))) for w, jobs in zip(workers, held)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    for w in workers:
        assert work_all([w], 5, kind=1) == []
    db.query("select * from millrace.fold_uploads(0)")
    counts = dict(db.query("select state::text, count(*) from millrace.job group by 1"))
    assert counts.pop("failed") == 64
    assert set(counts) <= {"done", "skipped"}
    failed = 64 + counts.get("skipped", 0)
    assert db.query("select state::text, open_jobs, failed_jobs from millrace.upload") == [("failed", 0, failed)]
    assert db.one("select deadlocks from pg_stat_database where datname = current_database()") == 0


def test_a_finish_costs_the_same_under_an_old_snapshot(db, worker):
    fan_out(db, [{"step": f"s{i}", "kind": "ka"} for i in range(1200)])
    w = worker("ka")

    def pages():
        counts = []
        for _ in range(10):
            plan = w.finish(w.claim(1), explain="explain (analyze, buffers, format json)")[0][0][0]["Plan"]
            counts.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        return min(counts)

    with contextlib.closing(psycopg2.connect(db.url())) as pin:
        pin.set_session(isolation_level="REPEATABLE READ")
        pin.cursor().execute("select 1 from millrace.kind")
        before = None
        for i in range(100):
            if i == 5:
                before = pages()
            for job in w.claim(10):
                w.finish([job])
            db.query("select * from millrace.fold_uploads(0)")
        after = pages()
    assert after <= 1.5 * before, (before, after)


def test_a_finish_costs_the_same_whatever_else_there_is(db, worker):
    """Plans that were made while there was little, and jobs that wait for others: none of other uploads are looked at."""
    db.query("alter table millrace.job set (autovacuum_enabled = off)")
    first = [{"step": f"s{i}", "kind": "ka"} for i in range(200)]
    last = [{"step": "j", "kind": "kb", "after": [s["step"] for s in first]}, {"step": "k", "kind": "kb", "after": ["j"]}]
    fan_out(db, first + last)
    w = worker("ka", "kb")
    for outcome in ("done", "permanent") * 6:
        w.finish(w.claim(1), (outcome,))

    def pages(outcome):
        counts = []
        for _ in range(4):
            plan = w.finish(w.claim(1), (outcome,), explain="explain (analyze, buffers, format json)")[0][0][0]["Plan"]
            counts.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        return min(counts)

    before = {o: pages(o) for o in ("done", "permanent")}
    db.query("""insert into millrace.job (upload_id, step_no, kind_no, class, pipeline_no, position, state)
        select gen_random_uuid(), 1, 2, 0, 1, n, 'waiting' from generate_series(1, 30000) n""")
    after = {o: pages(o) for o in ("done", "permanent")}
    assert {o: (before[o], after[o]) for o in after if after[o] > 1.2 * before[o] + 50} == {}
