"""rows_saturated.py -- row 10: what a job costs when the machine is full: WAL, round trips, CPU; and under an old snapshot."""
import ours
from server import QUEUE, forget_statements, level, new_database, output, pin, server_cpu_s, statements, wait_reaped, wal_bytes

ROWS = (10,)
SECONDS = (40, 150)
DISK_MB = (300, 1200)
ROUNDS = 3
# What is kept for ever grows with every job, snapshot or not; the others should not.
RECORDS = {"upload", "upload_key", "event_log", "job", "attempt", "output"}


def trips(database):
    """Round trips of clients: a wake travels with the call before it."""
    calls = statements(database, "select%millrace.%")[0]
    return calls - statements(database, "%millrace.wake(%")[0]


def unpinned(folder, jobs):
    """All that happens to a job, from the accepted event to the ready upload, in two halves."""
    new_database(ours.DATABASE)
    level(ours.DATABASE)
    wait_reaped(ours.DATABASE)
    forget_statements()
    wal, cpu = wal_bytes(), server_cpu_s()
    output(QUEUE, "fill", jobs // ours.JOBS_PER_UPLOAD, PGDATABASE=ours.DATABASE)
    wait_reaped(ours.DATABASE)
    half = wal_bytes() - wal, trips(ours.DATABASE), server_cpu_s() - cpu
    forget_statements()
    wal, cpu = wal_bytes(), server_cpu_s()
    with ours.keeper(folder):
        rate = ours.drain(jobs)
    wait_reaped(ours.DATABASE)
    got = {"fill_wal": half[0] / jobs, "fill_trips": half[1] / jobs, "fill_cpu": half[2] * 1e6 / jobs,
           "wal": (wal_bytes() - wal) / jobs, "trips": trips(ours.DATABASE) / jobs,
           "cpu": (server_cpu_s() - cpu) * 1e6 / jobs, "rate": rate,
           "dead": sum(dead for _, _, dead in ours.updates().values()) / jobs}
    ours.exact(jobs // ours.JOBS_PER_UPLOAD, jobs)
    return got


def pinned(folder, jobs):
    """HOT share and growth while a snapshot is held that is older than every job."""
    new_database(ours.DATABASE)
    level(ours.DATABASE)
    before = ours.storage()
    with pin(ours.DATABASE), ours.keeper(folder):
        for _ in range(4):
            output(QUEUE, "fill", jobs // ours.JOBS_PER_UPLOAD // 4, PGDATABASE=ours.DATABASE)
            ours.drain(jobs // 4)
        after, counted = ours.storage(), ours.updates()
    grown = {t: (after[t] - before.get(t, 0)) / jobs for t in after}
    total, hot = (sum(u[i] for u in counted.values()) for i in (0, 1))
    return {"hot": hot * 100 / total, "grown": sum(g for t, g in grown.items() if t not in RECORDS),
            "records": sum(g for t, g in grown.items() if t in RECORDS), "dead": sum(u[2] for u in counted.values()) / jobs, "sizes": grown,
            "tables": {t: (hot * 100 / total, total) for t, (total, hot, _) in counted.items() if total}}


def measure(ctx):
    jobs = 40000 if ctx.quick else 200000
    free, held = [], []
    for _ in range(ROUNDS):
        free.append(unpinned(ctx.folder, jobs))
        held.append(pinned(ctx.folder, jobs))
    table = ctx.table
    table.put(10, "wal", [f["wal"] + f["fill_wal"] for f in free])
    table.figure(10, "WAL per job: accept and route", [f["fill_wal"] for f in free], "B")
    table.figure(10, "WAL per job: claim and finish", [f["wal"] for f in free], "B")
    table.put(10, "trips", [f["trips"] + f["fill_trips"] for f in free])
    table.figure(10, "server CPU per job: accept and route", [f["fill_cpu"] for f in free], "us")
    table.figure(10, "server CPU per job: claim and finish", [f["cpu"] for f in free], "us")
    table.figure(10, "dead rows per job, no snapshot held", [f["dead"] for f in free], "rows")
    table.put(10, "hot", [h["hot"] for h in held])
    for name in sorted(held[0]["tables"]):
        if held[0]["tables"][name][1] > jobs / 100:
            table.figure(10, f"HOT share of {name} under a snapshot", [h["tables"][name][0] for h in held], "%")
    table.put(10, "growth", [h["grown"] for h in held])
    for name in sorted(held[0]["sizes"]):
        if held[0]["sizes"][name] > 1:
            table.figure(10, f"  of {name}{' (kept)' if name in RECORDS else ''}", [h["sizes"][name] for h in held], "MB")
    table.figure(10, "growth of the records kept, per million jobs", [h["records"] for h in held], "MB")
    table.figure(10, "dead rows per job under a snapshot", [h["dead"] for h in held], "rows")
