"""rows_million.py -- row 3: a million uploads with five jobs each, from the accepted event to ready, every role on these cores."""
import threading
import time

import ours
from plot import Lines
from procs import wait_until
from roles import Roles, resident_kb
from server import connect, level, new_database

ROWS = (3,)
SECONDS = (30, 1500)
DISK_MB = (500, 14000)
UPLOADS = 1000000
QUICK_UPLOADS = 40000
SLOTS = 256


class Watch(threading.Thread):
    """Resident memory of each role, every quarter of a second."""

    def __init__(self, roles):
        super().__init__(daemon=True)
        self.roles, self.seen, self.over = roles, {r.role: [] for r in roles.running}, threading.Event()

    def run(self):
        start = time.monotonic()
        while not self.over.wait(0.25):
            for r in self.roles.running:
                self.seen[r.role].append((time.monotonic() - start, resident_kb(r.pid) / 1024))

    def growth(self, end):
        """Of the role that grew most: MB at the end to the most of the first quarter."""
        return max(seen[-1][1] / max(mb for at, mb in seen if at <= end / 4 or at == seen[0][0]) for seen in self.seen.values())


def measure(ctx):
    uploads = QUICK_UPLOADS if ctx.quick else UPLOADS
    database = new_database(ours.DATABASE)
    level(database)
    look = connect(database)
    cursor = look.cursor()

    def all_ready():
        cursor.execute("select millrace.scale_metric('noop') + millrace.scale_metric('route') = 0")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("select not exists (select from millrace.ticket)")
        return cursor.fetchone()[0]

    with Roles(database, f"{ctx.folder}/million", jobs=ours.JOBS_PER_UPLOAD) as roles:
        for role, flags in [("keep", []), ("work", ["--slots", str(SLOTS)]), ("route", []), ("receive", [])]:
            roles.start(role, *flags)
        watch = Watch(roles)
        watch.start()
        start = time.monotonic()
        got = roles.post(64, 3600, 0, uploads)
        wait_until(all_ready, 3600, "everything is ready", every=0.5)
        seconds = time.monotonic() - start
        watch.over.set()
        watch.join()
        look.close()
        roles.stop()
    ours.exact(uploads, uploads * ours.JOBS_PER_UPLOAD)
    table = ctx.table
    note = "" if uploads == UPLOADS else f"of {uploads:,} uploads, times {UPLOADS // uploads}"
    table.put(3, "minutes", seconds / 60 * UPLOADS / uploads, note or "one run")
    table.put(3, "memory", watch.growth(seconds), note or "one run")
    table.figure(3, "uploads accepted", got["events_per_s"], "/s")
    table.figure(3, "jobs from event to done", uploads * ours.JOBS_PER_UPLOAD / seconds, "/s")
    for role, seen in watch.seen.items():
        table.figure(3, f"{role}: resident at the end", seen[-1][1], "MB")
    table.plots.append(Lines("memory", f"Resident memory, {uploads:,} uploads", "seconds", "MB", list(watch.seen.items())))
