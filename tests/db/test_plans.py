"""test_plans.py -- what each call touches does not depend on statistics, nor on how much there is besides."""
import contextlib
import os
import re

import psycopg2
import pytest

from pg import Cluster
from plans import FINISH, LARGE, Filler, Session
from procs import REPO, wait_until

NIGHTLY = os.environ.get("NIGHTLY") == "1"
# Finished uploads of five jobs each; as many more wait in each way in which one can: by night there are a million tickets and millions of jobs.
SIZES = (2_000, 250_000 if NIGHTLY else 20_000)
BATCH = 100
TIMES = 2
JOBS = 20_000
# Whole pages: where rows happen to lie differs from run to run.
NOISE = 50
# How many pages each call may touch for each row of its batch, a quarter above what was seen, and besides. An upload that is routed
# writes five jobs with their tickets; what reads one thing reads all of it.
MOST_PAGES = {
    "accept_uploads": 40, "accept_uploads: duplicates": 12, "expect_upload": 10, "claim_jobs": 17, "claim_routes": 12,
    "finish_jobs: done plain": 46, "finish_jobs: error plain": 42, "finish_jobs: permanent plain": 58, "finish_jobs: interrupted plain": 44,
    "finish_jobs: done narrow": 46, "finish_jobs: done wide": 38, "fold_uploads": 10, "expand_uploads": 155, "heartbeat": 30,
    "sweep_tickets": 2, "fold_tallies": 10, "promote_due": 35, "wake": 10, "wake_rules": 26, "wake: a limited kind": 23, "admit_all": 23, "open_session": 12,
    "reopen_session: all kept": 29, "reopen_session: none known": 50, "close_session": 43, "rescue_workers": 85, "trace_json": 140,
    "trace": 140, "why": 250, "search_json: trace": 10, "search_json: sender's": 12, "search_json: key": 16, "queues_json": 2,
    "workers_json": 10, "scale_metric": 25, "pause_kind: True": 20, "pause_kind: False": 20, "dead_json": 11, "dead_json: a kind": 11,
    "recent_json": 6, "replay_job": 110, "cancel_upload: queued": 28, "cancel_upload: retrying": 28}
ANY_CALL = 50
# How many rows any part of a plan may see for each row of a batch, and besides.
MOST_ROWS, ANY_ROWS = 20, 500
VARIANTS = ("old plans", "stale statistics", "fresh statistics")
# What people look at may gather a few rows by a bitmap; the rest fixes the planner's choices.
READS = {"trace", "trace_json", "search_json", "why", "queues_json", "workers_json", "recent_json", "dead_json", "replay_job"}
# What C calls besides: it touches no table, or is called once for a file.
UNMEASURED = {"awake", "create_login", "on_call", "register_pipeline", "schema_version", "sleep_on", "watch"}

pytestmark = pytest.mark.unsanitized("no program of ours runs here")


class Look:
    """By variant: what each call touched, its plans; how many rows were around it, and how deep the indices are."""

    def __init__(self):
        self.seen, self.plans, self.rows, self.levels = {}, {}, {}, {}


@pytest.fixture(scope="module")
def cluster():
    """One that keeps little beside the tables: they are large, and nobody pulls its plug."""
    c = Cluster()
    try:
        c.start(options=["-c", "full_page_writes=off", "-c", "max_wal_size=128MB", "-c", "min_wal_size=32MB", "-c", "log_checkpoints=off"])
        c.make_template()
        yield c
    finally:
        c.destroy()


def look(cluster, size):
    db = cluster.new_database()
    found, sessions = Look(), []
    try:
        db.query("create extension pageinspect")
        filler = Filler(db)
        filler.fill(40)
        filler.forget()
        filler.fill(200)
        # As long-lived roles have them: plans that were made when there was next to nothing.
        old = Session(db, filler, 2)
        sessions.append(old)
        old.all(6)
        filler.fill(size)
        found.rows = {table: db.one(f"select count(*) from millrace.{table}") for table in ("job", "ticket")}
        for variant in VARIANTS:
            if variant == "fresh statistics":
                db.query("vacuum analyze")
            session = old
            if variant != "old plans":
                session = Session(db, filler, BATCH)
                sessions.append(session)
            session.batch, session.seen = BATCH, {}
            found.seen[variant] = session.all(TIMES)
            found.plans[variant] = session.explain()
        found.levels = old.levels()
        return found
    finally:
        for session in sessions:
            session.close()
        db.drop()


@pytest.fixture(scope="module")
def small(cluster):
    return look(cluster, SIZES[0])


@pytest.fixture(scope="module")
def large(cluster):
    return look(cluster, SIZES[1])


def test_it_is_as_large_as_it_says(large):
    assert large.rows["ticket"] >= (1_000_000 if NIGHTLY else 80_000)
    assert large.rows["job"] >= (2_000_000 if NIGHTLY else 200_000)


def test_all_that_c_calls_is_looked_at(small):
    functions = {file.stem for file in REPO.glob("sql/functions/*.sql")}
    called = functions & {name for file in [*REPO.glob("src/*/*.c"), *REPO.glob("cmd/*.c")]
                          for name in re.findall(r'"[^"\n]*\bmillrace\.([a-z_]+)', file.read_text())}
    assert {"claim_jobs", "finish_jobs", "fold_uploads", "trace_json"} <= called
    for seen in (*small.seen.values(), *small.plans.values()):
        assert called - {call.split(":")[0] for call in seen} == UNMEASURED


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_large_is_read_from_end_to_end(small, large, variant):
    for found in (small, large):
        assert {call: seen.scans for call, seen in found.seen[variant].items() if seen.scans} == {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_statement_goes_by_an_index(small, large, variant):
    """No scan of a large table but by its index, and nothing is sorted, hashed or thrown away but rows of the batch."""
    wrong = {}
    for size, found in zip(SIZES, (small, large)):
        for call, (rows, parts) in found.plans[variant].items():
            assert parts, call
            scans = ("Seq Scan",) if call.split(":")[0] in READS else ("Seq Scan", "Bitmap Heap Scan")
            bad = [p for p in parts if p.table in LARGE and p.what in scans or p.rows > MOST_ROWS * rows + ANY_ROWS]
            if bad:
                wrong[call, size] = bad
    assert wrong == {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_more_around_it_costs_no_more(small, large, variant):
    few, many = small.seen[variant], large.seen[variant]
    assert few.keys() == many.keys()
    grown = {}
    for call, seen in many.items():
        # An index of more rows may be a page or two deeper: each descent may cost that, and no more.
        deeper = sum(n * (large.levels[index] - small.levels[index]) for index, n in seen.descents.items())
        if seen.pages > 1.2 * few[call].pages + deeper + NOISE:
            grown[call] = (few[call].pages, seen.pages, deeper)
    assert grown == {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_row_costs_few_pages(small, large, variant):
    for found in (small, large):
        pages = {call: (seen.pages, seen.rows) for call, seen in found.seen[variant].items()}
        assert pages.keys() == MOST_PAGES.keys()
        assert {call: p for call, p in pages.items() if p[0] > MOST_PAGES[call] * p[1] + ANY_CALL} == {}


def test_uploads_change_in_place_under_an_old_snapshot(db):
    """From the event to the end: accepted, routed, and ended together with its jobs."""
    counts = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relid = 'millrace.upload'::regclass"
    filler = Filler(db)
    flat = filler.register({"version": 1, "rules": [{"name": "r", "jobs": [{"step": s, "kind": "plain"} for s in "abcde"]}]})
    with contextlib.closing(psycopg2.connect(db.url())) as pin, contextlib.closing(Session(db, filler, BATCH)) as session:
        pin.set_session(isolation_level="REPEATABLE READ")
        pin.cursor().execute("select count(*) from millrace.upload")
        for _ in range(20):
            session.batch = BATCH
            session.accept()
            session.expand(flat)
            session.batch = 5 * BATCH
            number, held = session.claimed()
            session.rows(FINISH, number, *held, ["done"] * len(held[0]), [5] * len(held[0]), [None] * len(held[0]), [None] * len(held[0]))
    assert db.query("select state::text, count(*) >= 20 * %s from millrace.upload where state <> 'expected' group by 1", BATCH) == [("ready", True)]
    changed, hot = wait_until(lambda: (c := db.query(counts)[0])[0] >= 40 * BATCH and c, 10, "the counts are there")
    assert hot >= 0.99 * changed, (hot, changed)


def test_claims_and_finishes_are_hot_under_an_old_snapshot(db):
    """What is changed in place stays on its page, although nothing of it can be cleared away meanwhile."""
    filler = Filler(db)
    filler.fill(JOBS // 3 + 1)
    counts = "select relname::text, n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname in ('ticket', 'job')"
    pin = psycopg2.connect(db.url())
    pin.set_session(isolation_level="REPEATABLE READ")
    with contextlib.closing(pin), pin.cursor() as cursor:
        cursor.execute("select count(*) from millrace.ticket")
        session = Session(db, filler, BATCH)
        before = {table: (n, hot) for table, n, hot in db.query(counts)}
        done = 0
        while done < JOBS:
            number, held = session.claimed()
            n = len(held[0])
            session.rows(FINISH, number, *held, ["done"] * n, [5] * n, [None] * n, [None] * n)
            done += n
        session.close()
        after = {table: (n, hot) for table, n, hot in db.query(counts)}
    share = {t: (after[t][1] - before[t][1]) / (after[t][0] - before[t][0]) for t in after}
    assert after["ticket"][0] - before["ticket"][0] >= JOBS and after["job"][0] - before["job"][0] >= JOBS
    assert {t: s for t, s in share.items() if s < 0.99} == {}
