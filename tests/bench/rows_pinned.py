"""rows_pinned.py -- row 7: an old snapshot is held while the queue runs at full speed, beside graphile-worker and the plain loop.

Fill and drain alternate for all of them, and only the drains count, so that a producer does not hide what the claims lose."""
import os
import statistics
import time

import ours
import peers
from plot import Lines
from server import execute, level, new_database, pin

ROWS = (7,)
SECONDS = (115, 2500)
DISK_MB = (1500, 9000)


def windows(fill, drain, seconds):
    """(when, jobs per second) of each drain."""
    start, got = time.monotonic(), []
    while time.monotonic() - start < seconds:
        fill()
        got.append((time.monotonic() - start, drain()))
    return got


def mine(folder, seconds, jobs, locks):
    new_database(ours.DATABASE)
    level(ours.DATABASE)
    with pin(ours.DATABASE, locks), ours.keeper(folder):
        got, done = ours.flow(ours.SESSIONS, 100, jobs, seconds)
    ours.exact(done // ours.JOBS_PER_UPLOAD, done)
    return got


def graphile(seconds, jobs):
    peers.graphile_new()
    level(peers.GRAPHILE)
    with pin(peers.GRAPHILE):
        return windows(lambda: peers.graphile_add(jobs), lambda: peers.graphile_drain(jobs), seconds)


def plain(seconds, jobs):
    peers.empty_database(peers.PLAIN)
    # Rows that stay in front of nobody: the last batches are full ones.
    peers.plain_fill(peers.PLAIN_CLIENTS * 400)
    level(peers.PLAIN)
    with pin(peers.PLAIN):
        return windows(lambda: peers.plain_fill(jobs), lambda: peers.plain_drain(jobs, 100, "delete"), seconds)


def ends(got, minute):
    """Jobs per second in the first minute and in the last, or the thirds of a short run: medians of the drains in each."""
    first = [rate for at, rate in got if at <= minute] or [got[0][1]]
    last = [rate for at, rate in got if at >= got[-1][0] - minute]
    return statistics.median(first), statistics.median(last)


def measure(ctx):
    seconds, jobs = (60, 20000) if ctx.quick else (600, 50000)
    seconds = int(os.environ.get("PIN_SECONDS", seconds))
    others = seconds // 4 if ctx.quick else seconds
    runs = [("millrace", mine(ctx.folder, seconds, jobs, False)),
            ("graphile-worker", graphile(others, jobs)),
            ("millrace, pg_dump's locks", mine(ctx.folder, others, jobs, True)),
            ("plain SKIP LOCKED, batch 100", plain(others, jobs))]
    ratio = {}
    for name, got in runs:
        minute = min(60, (seconds if name == "millrace" else others) / 3)
        first, last = ends(got, minute)
        ratio[name] = last / first
        ctx.table.figure(7, f"{name}: first {minute:.0f} s", first, "jobs/s")
        ctx.table.figure(7, f"{name}: last {minute:.0f} s", last, "jobs/s")
        ctx.table.figure(7, f"{name}: last to first", last / first, "x")
    ctx.table.put(7, "pinned", ratio["millrace"], f"{seconds:.0f} s, one run")
    ctx.table.put(7, "locks", ratio["millrace, pg_dump's locks"], f"{others:.0f} s, one run")
    ctx.table.plots.append(Lines("pinned", "Draining while an old snapshot is held", "seconds", "jobs/s", runs))
    execute(f"drop database if exists {peers.PLAIN} with (force)")
