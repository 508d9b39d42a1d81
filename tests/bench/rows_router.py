"""rows_router.py -- row 4: how fast the router makes jobs of accepted uploads, beside graphile-worker's bulk add."""
import time

import ours
import peers
from plot import Bars
from procs import wait_until
from roles import Roles
from server import QUEUE, connect, fail, level, new_database, output

ROWS = (4,)
SECONDS = (40, 150)
DISK_MB = (200, 600)
ROUNDS = 3


def router(folder, uploads):
    """Jobs per second of a real router, from its start until the last upload is routed."""
    new_database(ours.DATABASE)
    output(QUEUE, "accept", uploads, PGDATABASE=ours.DATABASE)
    level(ours.DATABASE)
    c = connect(ours.DATABASE)
    cursor = c.cursor()
    cursor.execute("select last_value from millrace.ticket_position")
    due = cursor.fetchone()[0] + uploads * ours.JOBS_PER_UPLOAD

    def made():
        cursor.execute("select last_value from millrace.ticket_position")
        return cursor.fetchone()[0] >= due

    with Roles(ours.DATABASE, folder, jobs=ours.JOBS_PER_UPLOAD) as roles:
        start = time.monotonic()
        roles.start("route", every=0.005)
        wait_until(made, 300, "all jobs are made", every=0.005)
        # Its last transaction has committed once the uploads are routed.
        seconds = time.monotonic() - start
        roles.stop()
    cursor.execute("select (select count(*) from millrace.upload where state = 'routed'), (select count(*) from millrace.job), "
                   "(select count(*) from millrace.ticket)")
    got = cursor.fetchone()
    c.close()
    jobs = uploads * ours.JOBS_PER_UPLOAD
    if got != (uploads, jobs, jobs):
        fail(f"{uploads} uploads were to be routed to {jobs} jobs; routed, jobs, tickets: {got}")
    return jobs / seconds


def measure(ctx):
    uploads = 10000 if ctx.quick else 40000
    jobs = uploads * ours.JOBS_PER_UPLOAD
    mine, theirs = [], []
    for n in range(ROUNDS):
        mine.append(router(f"{ctx.folder}/router{n}", uploads))
        peers.graphile_new()
        theirs.append(peers.graphile_add(jobs))
    ctx.table.figure(4, "millrace route, one process", mine, "jobs/s")
    ctx.table.figure(4, "graphile-worker add_jobs, all in one call", theirs, "jobs/s")
    ctx.table.put(4, "ratio", [a / b for a, b in zip(mine, theirs)])
    ctx.table.plots.append(Bars("router", f"Making {jobs:,} jobs", "jobs/s",
                                [("millrace route", mine), ("graphile-worker add_jobs", theirs)]))
