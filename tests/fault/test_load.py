"""Many jobs through workers that die at random; triggers of the test's own keep the books, not the functions under test."""
import json
import os
import random
import time
import uuid

import pytest

from procs import SLOW, wait_until

JOBS = int(os.environ.get("LOAD_JOBS", "500000" if os.environ.get("NIGHTLY") == "1" else "10000"))
SEED = int(os.environ.get("LOAD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
STEPS = 5
WORKERS = 8
BATCH = 500

BOOKS = """
create table public.ended (upload_id uuid, step_no smallint, attempt smallint, outcome text, claimed_at timestamptz, at timestamptz);
create table public.final (upload_id uuid, state text);
create function public.note_end() returns trigger language plpgsql security definer as $$
begin
    insert into public.ended values (new.upload_id, new.step_no, new.attempt, new.outcome, new.claimed_at, clock_timestamp());
    return null;
end $$;
create function public.note_final() returns trigger language plpgsql security definer as $$
begin
    insert into public.final values (new.id, new.state);
    return null;
end $$;
create trigger note_end after insert on millrace.attempt for each row when (new.step_no > 0) execute function public.note_end();
create trigger note_final after update on millrace.upload for each row
    when (old.state is distinct from new.state and new.state not in ('accepted', 'routed')) execute function public.note_final();
"""


def pipeline(kind):
    return {"kinds": {"noop": kind}, "rules": [{"name": "all", "jobs": [
        {"step": f"s{i}", "kind": "noop", **({"after": ["s0"]} if i == STEPS - 1 else {})} for i in range(STEPS)]}]}


def accept(db, first, n, groups):
    """n uploads as a receiver makes them; how many are new."""
    events = [{"body": 0, "what": "created", "name": "ObjectCreated:Put", "id": str(uuid.uuid4()), "store": "local",
               "bucket": "uploads", "key": f"g{i % groups}/{i}", "etag": "e", "size": 1, "event_time": "2026-01-01T00:00:00Z",
               "origin": "aws", "request_id": str(i)} for i in range(first, first + n)]
    rows = db.query("select outcome from millrace.accept_uploads(array['load'], array['x'::bytea], %s)", json.dumps(events))
    db.query("select millrace.wake('{1}')")
    assert rows == [("accepted",)] * n


class Herd:
    """Workers of which now and then one is killed and another takes its place."""

    def __init__(self, stack, rng):
        self.stack, self.random, self.kills = stack, rng, 0
        self.workers = [self.start() for _ in range(WORKERS)]

    def start(self):
        return self.stack.start("work", "worker", "--kinds", "noop", "--slots", "32", ready=False)

    def kill_one(self):
        i = self.random.randrange(WORKERS)
        assert self.workers[i].alive(), self.workers[i].tail()
        self.workers[i].kill()
        self.kills += 1
        self.workers[i] = self.start()


def most_at_once(db, by="''"):
    """The most tries of a group that overlapped, from claim to the end that the trigger saw."""
    return db.one(f"""with change as (
            select {by} as g, e.claimed_at as at, 1 as n from public.ended e join millrace.upload u on u.id = e.upload_id
            union all
            select {by}, e.at, -1 from public.ended e join millrace.upload u on u.id = e.upload_id)
        select max(running) from (select sum(n) over (partition by g order by at, n) as running from change) s""")


def check_books(db, uploads):
    assert db.query("select state, count(*) from public.final group by 1") == [("ready", uploads)]
    assert db.one("select count(distinct upload_id) from public.final") == uploads, "ready once each"
    assert db.query("select state::text, count(*) from millrace.job group by 1") == [("done", uploads * STEPS)]
    done = "select upload_id, step_no, count(*) as n from public.ended where outcome = 'done' group by 1, 2"
    assert db.query(f"select n, count(*) from ({done}) d group by 1") == [(1, uploads * STEPS)], "done once each"
    assert db.query("""select upload_id, step_no from public.ended group by 1, 2
        having max(attempt) <> count(*) or min(attempt) <> 1 or count(distinct attempt) <> count(*)""") == []
    early = """select count(*) from public.ended l join public.ended f using (upload_id)
        where l.step_no = %s and f.step_no = 1 and f.outcome = 'done' and l.claimed_at < f.at - interval '1 s'"""
    assert db.one(early, STEPS) == 0, "the last step waits for the first"
    for table in ("ticket", "delayed", "parked", "dead_job"):
        assert db.one(f"select count(*) from millrace.{table}") == 0, table
    counts = "select waiting, queued, running, retrying, done from millrace.queue_rows() where kind = 'noop'"
    assert db.query(counts) == [(0, 0, 0, 0, uploads * STEPS)]


@pytest.mark.parametrize("kind, jobs, groups", [({}, JOBS, 1), ({"limit": 60, "group": "{key.1}", "group_limit": 5}, JOBS // 2, 20)],
                         ids=["free", "limited"])
def test_each_job_is_done_once_whoever_dies(make_stack, kind, jobs, groups):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    uploads = jobs // STEPS
    stack = make_stack({}, **pipeline(kind))
    db = stack.db
    db.query(BOOKS)
    stack.keep()
    stack.route()
    herd = Herd(stack, rng)
    began = time.monotonic()
    made = ended = 0
    while made < uploads or ended < uploads:
        assert time.monotonic() < began + max(120, jobs / 500) * SLOW, stack.what_holds()[:4000]
        if made < uploads:
            n = min(BATCH, uploads // 40, uploads - made)
            accept(db, made, n, groups)
            made += n
        ended = db.one("select count(*) from public.final")
        # Twenty deaths and more, spread over the work.
        if herd.kills <= min(20 * ended / uploads, 19) or rng.random() < 0.02:
            herd.kill_one()
        time.sleep(0.02)  # the pace of the chaos
    print(f"{jobs} jobs in {time.monotonic() - began:.0f} s, {herd.kills} workers killed,",
          db.query("select outcome, count(*) from public.ended group by 1"))
    assert herd.kills >= 20
    wait_until(lambda: db.one("select count(*) from millrace.ticket") == 0, 30, "no ticket is left")
    check_books(db, uploads)
    if kind:
        assert most_at_once(db) <= kind["limit"]
        assert most_at_once(db, "split_part(u.key, '/', 1)") <= kind["group_limit"]
