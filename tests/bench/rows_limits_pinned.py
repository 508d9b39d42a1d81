"""rows_limits_pinned.py -- row 18: as row 7, with a thousand groups that have a limit each."""
import os

import ours
from plot import Lines
from rows_limits import LIMIT
from rows_pinned import ends
from server import level, new_database, pin

ROWS = (18,)
SECONDS = (65, 610)
DISK_MB = (700, 5000)


def measure(ctx):
    seconds, jobs = (60, 20000) if ctx.quick else (600, 50000)
    seconds = int(os.environ.get("PIN_SECONDS", seconds))
    new_database(ours.DATABASE)
    level(ours.DATABASE)
    with pin(ours.DATABASE), ours.keeper(ctx.folder):
        got, done = ours.flow(ours.SESSIONS, ours.BATCH, jobs, seconds, LIMIT)
    ours.exact(done // ours.JOBS_PER_UPLOAD, done)
    first, last = ends(got, min(60, seconds / 3))
    ctx.table.figure(18, "first", first, "jobs/s")
    ctx.table.figure(18, "last", last, "jobs/s")
    ctx.table.put(18, "pinned", last / first, f"{seconds:.0f} s, one run")
    ctx.table.plots.append(Lines("limits_pinned", "Draining with limits while an old snapshot is held", "seconds", "jobs/s",
                                 [("1,000 groups, limit 20", got)]))
