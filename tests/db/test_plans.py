"""test_plans.py -- what each call touches does not depend on statistics, nor on how much there is besides."""
import contextlib
import os

import psycopg2
import pytest

from plans import FINISH, Filler, Session

NIGHTLY = os.environ.get("NIGHTLY") == "1"
# Finished uploads of five jobs each; as many more wait in each way in which one can.
SIZES = (20_000, 200_000) if NIGHTLY else (2_000, 20_000)
BATCH = 100
TIMES = 2
JOBS = 20_000
# Whole pages: where rows happen to lie differs from run to run.
NOISE = 50
# What a row of a batch may cost, and a call besides: an upload that is routed writes five jobs with their tickets, about 100 pages.
MOST_PAGES, ANY_CALL = 120, 150
VARIANTS = ("old plans", "stale statistics", "fresh statistics")

pytestmark = pytest.mark.unsanitized("no program of ours runs here")


def look(cluster, size):
    """{variant: {call: Seen}}, and how deep the indices are."""
    db = cluster.new_database()
    sessions = []
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
        found = {}
        for variant in VARIANTS:
            if variant == "fresh statistics":
                db.query("vacuum analyze")
            session = old
            if variant != "old plans":
                session = Session(db, filler, BATCH)
                sessions.append(session)
            session.batch, session.seen = BATCH, {}
            found[variant] = session.all(TIMES)
        return found, old.levels()
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


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_large_is_read_from_end_to_end(small, large, variant):
    for found, _ in (small, large):
        assert {call: seen.scans for call, seen in found[variant].items() if seen.scans} == {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_ten_times_as_much_costs_no_more(small, large, variant):
    few, many = small[0][variant], large[0][variant]
    assert few.keys() == many.keys()
    grown = {}
    for call, seen in many.items():
        # An index of ten times as many rows may be a page deeper: each descent may cost that, and no more.
        deeper = sum(n * (large[1][index] - small[1][index]) for index, n in seen.descents.items())
        if seen.pages > 1.2 * few[call].pages + deeper + NOISE:
            grown[call] = (few[call].pages, seen.pages, deeper)
    assert grown == {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_row_costs_few_pages(small, large, variant):
    for found, _ in (small, large):
        pages = {call: (seen.pages, seen.rows) for call, seen in found[variant].items()}
        assert len(pages) > 30
        assert {call: p for call, p in pages.items() if p[0] > MOST_PAGES * p[1] + ANY_CALL} == {}


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
