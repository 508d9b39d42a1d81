"""rows_drain.py -- rows 1 and 2: drain at full speed beside graphile-worker, pg-boss, PgQ and the plain loop; what features cost."""
import ours
import peers
from plot import Bars
from server import execute, new_database, server_cpu_s, wait_reaped, without_autovacuum

ROWS = (1, 2)
SECONDS = (130, 640)
DISK_MB = (400, 1200)
ROUNDS = 3
PLAIN_JOBS = {100: (40000, 200000), 10: (12000, 60000), 1: (800, 6000)}

# A trigger that drops what a feature writes: the call does everything but the write itself.
DROP = """
create function public.nothing() returns trigger language plpgsql as $$ begin return null; end $$;
alter function public.nothing() security definer;
create trigger nothing before {event} on millrace.{table} for each row execute function public.nothing();
"""
FEATURES = {
    "job row kept and updated": ("update", "job"),
    "attempt row": ("insert", "attempt"),
    "fan-in (counter and final state of the upload)": ("update", "upload"),
    "lease (what a rescue reads)": ("insert", "lease_grant"),
    "counts (deltas)": ("insert", "tally_delta"),
}


def cpu_us(jobs, event=None, table=None):
    """Server CPU per job of a drain, with the writes of one feature dropped if one is named."""
    new_database(ours.DATABASE)
    ours.fill(jobs)
    if table:
        execute(DROP.format(event=event, table=table), database=ours.DATABASE)
    wait_reaped(ours.DATABASE)
    before = server_cpu_s()
    ours.drain(jobs)
    wait_reaped(ours.DATABASE)
    return (server_cpu_s() - before) * 1e6 / jobs


def features(table, jobs):
    """CPU and no times: it moves less on a busy machine. The fence is a comparison in the ticket's delete, not apart."""
    whole, cost = [], {name: [] for name in FEATURES}
    with without_autovacuum():
        for _ in range(ROUNDS):
            whole.append(cpu_us(jobs))
            for name, (event, relation) in FEATURES.items():
                cost[name].append(whole[-1] - cpu_us(jobs, event, relation))
    table.figure(1, "server CPU per job, everything on", whole, "us")
    for name, values in cost.items():
        table.figure(1, f"  of which {name}", values, "us")


def measure(ctx):
    quick, table = ctx.quick, ctx.table
    jobs = 40000 if quick else 200000
    rates = {}

    def note(name, rate):
        rates.setdefault(name, []).append(rate)

    for n in range(ROUNDS):
        note("graphile-worker batched", peers.graphile(jobs))
        note("millrace, all on", ours.fresh_drain(ctx.folder, jobs))
        note("pg-boss batched", peers.pgboss(jobs))
        note("millrace, all on", ours.fresh_drain(ctx.folder, jobs))
        for script in ["delete", "keep"]:
            for batch, sizes in PLAIN_JOBS.items():
                note(f"plain, {script}, batch {batch}", peers.plain(sizes[not quick], batch, script))
        note("millrace, batch 100", ours.fresh_drain(ctx.folder, jobs, 4, 100))
        note("PgQ, one consumer of batches", peers.pgq(jobs))
        print(f"-- round {n + 1} of {ROUNDS}", flush=True)
    for name, values in rates.items():
        table.figure(1, name, values, "jobs/s")
    mine, note_size = rates["millrace, all on"], f"{jobs:,} jobs" if quick else ""
    table.put(1, "ratio", [a / b for a, b in zip(mine[0::2], rates["graphile-worker batched"])], note_size)
    table.put(2, "ratio", [a / b for a, b in zip(mine[1::2], rates["pg-boss batched"])], note_size)
    features(table, 20000 if quick else 100000)
    table.plots.append(Bars("drain", f"Drain of {jobs:,} no-op jobs", "jobs/s", list(rates.items())))
