"""Under an old snapshot nothing dead can be cleared away. What is called again and again must not walk it: pages touched are
counted, not time."""
import contextlib
import time

import psycopg2
import pytest
from plans import FINISH, Filler
from procs import wait_until

SILENT_MS = 1000

pytestmark = pytest.mark.unsanitized("no program of ours runs here")


@contextlib.contextmanager
def pinned(db):
    """An old snapshot while it lasts."""
    with contextlib.closing(psycopg2.connect(db.url())) as c:
        c.set_session(isolation_level="REPEATABLE READ")
        c.cursor().execute("select count(*) from millrace.kind")
        yield


def touched(db, fill, call):
    """Pages that a call touches, everything in it included. By a connection that has its plans already; the least of some calls,
    because a page may be split or extended."""
    pages = []
    with contextlib.closing(psycopg2.connect(db.url())) as c:
        c.autocommit = True
        cursor, opened = c.cursor(), time.monotonic()
        # Nobody is rescued by a connection that is new.
        wait_until(lambda: time.monotonic() > opened + SILENT_MS / 1000, 10, "the connection is old enough")
        for _ in range(8):
            often(db, 1, fill)
            cursor.execute(f"explain (analyze, buffers, format json) {call}")
            plan = cursor.fetchone()[0][0]["Plan"]
            pages.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return min(pages)


def often(db, times, statements):
    """Each round is a transaction of its own, as each call is."""
    db.query(f"do $do$ declare kind smallint := (select kind_no from millrace.kind where name = 'ka');"
             f" begin for i in 1..{times} loop {statements} commit; end loop; end $do$")


def delayed(n):
    return f"""insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
        select now(), gen_random_uuid(), 0, 1, 0, 2 from generate_series(1, {n});"""


BEAT = "perform millrace.heartbeat(7, array[kind], '{0}', array[(select position + 1 from millrace.mark where kind_no = kind)], '{}');"
DELTA = "insert into millrace.tally_delta (kind_no, queued) values (kind, 1);"
# Of an upload whose end is far away.
MANY = """insert into millrace.upload_delta (upload_id, decided, failed, review)
    values ('00000000-0000-0000-0000-000000000007', 1, 0, 0);"""
# One job of a group comes and another ends; the groups are 20, each in its turn, and the replay lane is used now and then.
PARK = """insert into millrace.parked (kind_no, class, attempt, step_no, group_no, position, upload_id)
    select kind, case when n % 5 = 0 then 4 else 0 end, 1, 1, 1 + n % 20, n, gen_random_uuid() from nextval('millrace.ticket_position') n;
    insert into millrace.group_delta (kind_no, group_no, parked, admitted)
    select kind, 1 + n % 20, 1, -1 from currval('millrace.ticket_position') n;"""
# Each: what makes things to do, the call that does them or only looks, and how often both happen.
CALLS = {
    "promote": (delayed(500), "select * from millrace.promote_due(500)", 40),
    "promote nothing": ("", "select * from millrace.promote_due(500)", 40, delayed(500)),
    "fold": (DELTA, "select * from millrace.fold_tallies()", 4000),
    "fold uploads": (MANY, "select * from millrace.fold_uploads(0)", 4000),
    "sweep": (BEAT, "select * from millrace.sweep_tickets()", 4000),
    "rescue": (BEAT, f"select * from millrace.rescue_workers({SILENT_MS})", 2500),
    "workers": (BEAT, "select * from millrace.worker_rows()", 2500),
    "admit": (PARK, "select * from millrace.admit_all()", 4000),
    "admit nothing": ("", "select * from millrace.admit_all()", 40, PARK * 100),
    "queues": (BEAT + DELTA + "perform millrace.fold_tallies();", "select * from millrace.queue_rows()", 2500),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_costs_the_same_under_an_old_snapshot(db, name):
    fill, call, times, *more = CALLS[name]
    churn = fill + "".join(more) + call.replace("select * from", "perform") + ";"
    db.query("select millrace.kind_numbers('{ka}')")
    db.query("delete from millrace.kind_class where class > 0")
    db.query("delete from millrace.mark where class > 0")
    db.query("insert into millrace.worker (session, gen, slots, seen_at, kind_nos, worker, host, version)"
             " values (7, 1, 8, now() + interval '1 h', '{1}', 'w', 'h', '1')")
    db.query("insert into millrace.upload (id, object_hash, state, many, open_jobs)"
             " values ('00000000-0000-0000-0000-000000000007', gen_random_uuid(), 'routed', true, 1000000)")
    if "admit" in name:
        db.query("select millrace.use_class(kind_no, 4::smallint) from millrace.kind where name = 'ka'")
        db.query("insert into millrace.job_group (kind_no, hash, name) select kind_no, gen_random_uuid(), 'g' || n"
                 " from millrace.kind, generate_series(1, 20) n where name = 'ka'")
        db.query("update millrace.kind set run_limit = 1000 where name = 'ka'")
    with pinned(db):
        often(db, 5, churn)
        before = touched(db, fill, call)
        often(db, times, churn)
        after = touched(db, fill, call)
    # An index that has grown is a level higher.
    assert after <= 1.5 * before + 10, (before, after)
    assert db.one("select count(*) from millrace.delayed") == 0
    assert db.one("select count(*) from millrace.parked") == 0


def test_claims_and_finishes_cost_the_same_under_an_old_snapshot(db):
    """A worker goes from its own mark, and one that is new from the stored one, past all that is finished."""
    filler = Filler(db)
    filler.fill(3000)
    kind = filler.kinds["plain"]

    def run(cursor, sql, *args):
        cursor.execute("explain (analyze, buffers, format json) " + sql, args)
        plan = cursor.fetchone()[0][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    def round_of(cursor, n):
        """Pages of the claim of one that knows its mark, of one that does not, and of the finishes."""
        places = ([0], [round_of.mark]) if round_of.mark else ([], [])
        pages = [run(cursor, "select * from millrace.claim_jobs(%s, %s::smallint, %s, %s::smallint[], %s::bigint[])", round_of.session, kind, n, *places),
                 run(cursor, "select * from millrace.claim_jobs(%s, %s::smallint, %s, '{}', '{}')", round_of.session, kind, n)]
        cursor.execute("select array_agg(kind_no), array_agg(class), array_agg(position), array_agg(upload_id::text), array_agg(step_no)"
                       " from millrace.ticket where session = %s", [round_of.session])
        held = cursor.fetchone()
        round_of.mark = max(held[2])
        cursor.execute("select millrace.heartbeat(%s, %s::smallint[], '{0}', %s::bigint[], '{}')", [round_of.session, [kind], [round_of.mark]])
        n = len(held[0])
        return [*pages, run(cursor, FINISH, round_of.session, *held, ["done"] * n, [5] * n, [None] * n, [None] * n)]

    with pinned(db), contextlib.closing(psycopg2.connect(db.url())) as c:
        c.autocommit = True
        cursor = c.cursor()
        cursor.execute("select session from millrace.open_session('w', 'h', '1', '{plain}', 100)")
        round_of.session, round_of.mark = cursor.fetchone()[0], 0
        before = [min(p) for p in zip(*[round_of(cursor, 1) for _ in range(6)])]
        for _ in range(40):
            round_of(cursor, 100)
        after = [min(p) for p in zip(*[round_of(cursor, 1) for _ in range(6)])]
    assert [(b, a) for b, a in zip(before, after) if a > 1.5 * b + 10] == []


def promoted(db, most=500):
    return db.one("select done from millrace.promote_due(%s)", most)


def delay(cursor, key, after):
    """As the functions do that delay something: a write first, then the row, due after some time."""
    cursor.execute("select pg_current_xact_id()")
    cursor.execute("""insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
        select greatest(millrace.due_floor(), clock_timestamp() + %s::interval), gen_random_uuid(), 0, 1, 0, %s""", (after, key))


@pytest.mark.parametrize("most", [1, 500])
def test_what_commits_late_is_promoted(db, most):
    """Others that were due later are promoted first, and the mark moves on; it does not go past what is still open."""
    with contextlib.closing(psycopg2.connect(db.url())) as late, contextlib.closing(psycopg2.connect(db.url())) as other:
        other.autocommit = True
        delay(late.cursor(), 1, "0")
        for _ in range(8):
            delay(other.cursor(), 2, "0")
            assert promoted(db, most) == 1
        late.commit()
        assert promoted(db, most) == 1
        assert db.one("select count(*) from millrace.delayed") == 0


def test_many_that_commit_late_are_all_promoted(db):
    """More than one call takes: the mark stays with them."""
    with contextlib.closing(psycopg2.connect(db.url())) as late, contextlib.closing(psycopg2.connect(db.url())) as other:
        other.autocommit = True
        late.cursor().execute("select pg_current_xact_id()")
        late.cursor().execute("""insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
            select clock_timestamp(), gen_random_uuid(), 0, 1, 0, 1 from generate_series(1, 1200)""")
        for _ in range(4):
            delay(other.cursor(), 2, "0")
            assert promoted(db) == 1
        late.commit()
        assert [promoted(db) for _ in range(4)] == [500, 500, 200, 0]


def park(cursor, n):
    """As the functions do that park something: a write first, then the row, and what it changes in its group."""
    cursor.execute("select pg_current_xact_id()")
    cursor.execute("""insert into millrace.parked (kind_no, class, attempt, step_no, group_no, position, upload_id)
        select kind_no, 0, 1, 1, 1, nextval('millrace.ticket_position'), gen_random_uuid() from millrace.kind, generate_series(1, %s) where name = 'ka'""", [n])
    cursor.execute("insert into millrace.group_delta (kind_no, group_no, parked) select kind_no, 1, %s from millrace.kind where name = 'ka'", [n])


def ended(cursor, n):
    cursor.execute("insert into millrace.group_delta (kind_no, group_no, admitted) select kind_no, 1, %s from millrace.kind where name = 'ka'", [-n])


def admitted(db):
    return db.one("select done from millrace.admit_all()")


def limited(db, limit):
    db.query("select millrace.kind_numbers('{ka}')")
    db.query("insert into millrace.job_group (kind_no, hash, name) select kind_no, gen_random_uuid(), 'g' from millrace.kind where name = 'ka'")
    db.query("update millrace.kind set run_limit = %s where name = 'ka'", limit)


@pytest.mark.parametrize("left", [False, True], ids=["none are left", "others are left"])
def test_what_is_parked_late_is_admitted(db, left):
    """Others that were parked after it are admitted first, and end; what comes late is found, whether or not there is a backlog above it."""
    limited(db, 10)
    with contextlib.closing(psycopg2.connect(db.url())) as late, contextlib.closing(psycopg2.connect(db.url())) as other:
        other.autocommit = True
        cursor = late.cursor()
        park(cursor, 1)
        cursor.execute("select position from millrace.parked")
        place = cursor.fetchone()[0]
        if left:
            park(other.cursor(), 1000)
            assert admitted(db) == 10
            ended(other.cursor(), 10)
        for _ in range(8):
            park(other.cursor(), 10)
            assert admitted(db) == 10
            ended(other.cursor(), 10)
        late.commit()
        assert admitted(db) == (10 if left else 1)
        assert db.one("select count(*) from millrace.parked where position = %s", place) == 0


def test_a_clock_that_was_set_back_hides_nothing(db):
    """The mark is an hour ahead: as if all before had been promoted an hour later than it is now."""
    db.query("insert into millrace.due_mark select 2, t, 0, t, 0, '0', t, 0 from (select now() + interval '1 h' as t) x")
    with contextlib.closing(psycopg2.connect(db.url())) as c:
        c.autocommit = True
        delay(c.cursor(), 1, "0")
        delay(c.cursor(), 1, "-5 s")
        assert promoted(db) == 2
        # From here on the new time holds.
        delay(c.cursor(), 1, "30 min")
        delay(c.cursor(), 1, "0")
        assert [promoted(db) for _ in range(2)] == [1, 0]
        assert db.one("select next_ms from millrace.promote_due(500)") == 1000
        assert db.one("select count(*) from millrace.delayed where due_at < now() + interval '31 min'") == 1


def many_delayed(cursor, n, due):
    cursor.execute(f"""insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
        select {due}, gen_random_uuid(), 0, 1, 0, 1 from generate_series(1, {n})""")


def test_a_clock_that_was_set_back_hides_nothing_of_much(db):
    """More than one call takes, some of it from before the mark was there: the new time holds when all of it is promoted."""
    with contextlib.closing(psycopg2.connect(db.url())) as c:
        c.autocommit = True
        many_delayed(c.cursor(), 500, "clock_timestamp() - interval '1 s'")
        db.query("update millrace.due_mark set next_at = now() + interval '1 h'")
        many_delayed(c.cursor(), 100, "millrace.due_floor()")
        assert [promoted(db) for _ in range(4)] == [500, 100, 0, 0]
        delay(c.cursor(), 1, "0")
        assert promoted(db) == 1


LOWS = {"due_mark": "extract(epoch from low_at)", "tally_fold": "low", "upload_fold": "low"}


def test_marks_move_while_transactions_overlap(db):
    """Each waits for those that it has found, and not for all that have come since."""
    db.query("select millrace.kind_numbers('{ka}')")
    db.query("insert into millrace.upload (id, object_hash, state, many, open_jobs)"
             " values ('00000000-0000-0000-0000-000000000007', gen_random_uuid(), 'routed', true, 1000000)")

    def lows():
        return {t: db.one(f"select {low} from millrace.{t}") for t, low in LOWS.items()}

    with contextlib.closing(psycopg2.connect(db.url())) as one, contextlib.closing(psycopg2.connect(db.url())) as two:
        seen = []
        for i in range(12):
            (one, two)[i % 2].cursor().execute("select pg_current_xact_id()")
            often(db, 1, DELTA + MANY + delayed(1))
            for call in ("promote_due(500)", "fold_tallies()", "fold_uploads(0)"):
                db.query(f"select done from millrace.{call}")
            (two, one)[i % 2].rollback()
            seen.append(lows())
        assert {t: seen[-1][t] > seen[4][t] for t in LOWS} == dict.fromkeys(LOWS, True), seen
