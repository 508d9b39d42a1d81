"""rows_backlog.py -- row 8: what a claim of 100 touches behind small and huge backlogs."""
import ours
from plot import Bars
from server import QUEUE, execute, forget_statements, level, new_database, output, statements

ROWS = (8,)
SECONDS = (25, 150)
DISK_MB = (300, 3500)
TIMES, BATCH = 10, 100

# Tickets of jobs that are there: those of one upload, again and again. Nobody finishes them.
TICKETS = """
insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id)
select t.kind_no, t.class, 1, t.step_no, t.upload_id
from (select * from millrace.ticket limit 1) t, generate_series(1, %s)
"""


def claims(backlog):
    """Buffers touched and milliseconds (p50) of a claim."""
    new_database(ours.DATABASE)
    output(QUEUE, "fill", 200, PGDATABASE=ours.DATABASE)
    execute(TICKETS, max(backlog - 1000, 0), database=ours.DATABASE)
    level(ours.DATABASE)
    forget_statements()
    got = output(QUEUE, "claim", TIMES, BATCH, PGDATABASE=ours.DATABASE)
    calls, buffers, _ = statements(ours.DATABASE, "%claim_jobs%")
    return buffers / calls, got["claim_p50_ms"]


def measure(ctx):
    sizes = [1000, 100000, 1000000] if ctx.quick else [1000, 1000000, 10000000]
    rounds = 3 if ctx.quick else 1
    got = {size: [claims(size) for _ in range(rounds)] for size in sizes}
    for size in sizes:
        ctx.table.figure(8, f"backlog {size:,}: buffers per claim", [g[0] for g in got[size]], "pages")
        ctx.table.figure(8, f"backlog {size:,}: a claim, p50", [g[1] for g in got[size]], "ms")
    ctx.table.put(8, "buffers", [a[0] / b[0] for a, b in zip(got[sizes[-1]], got[sizes[0]])],
                  f"{sizes[-1]:,} to {sizes[0]:,}")
    ctx.table.plots.append(Bars("backlog", "A claim of 100 behind a backlog", "buffers touched",
                                [(f"millrace, {s:,}", [g[0] for g in got[s]]) for s in sizes]))
