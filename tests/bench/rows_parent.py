"""rows_parent.py -- row 9: one parent with 10,000 children on 64 slots, beside as many jobs of 2,000 uploads."""
import time

import ours
from procs import wait_until
from server import QUEUE, execute, level, new_database, one, output, wait_reaped

ROWS = (9,)
SECONDS = (25, 30)
DISK_MB = (200, 200)
ROUNDS = 3
WIDE = "bench_wide"
CHILDREN, SESSIONS, BATCH = 10000, 8, 8

# Counts how often an upload becomes ready.
COUNT_READY = """
create table public.became (upload_id uuid not null);
create function public.note_ready() returns trigger language plpgsql as $$
begin
	insert into public.became values (new.id);
	return null;
end $$;
alter function public.note_ready() security definer;
create trigger note_ready after update on millrace.upload for each row
	when (new.state = 'ready' and old.state <> 'ready') execute function public.note_ready();
"""


def prepare():
    """A database that has the pipeline of 10,000 steps; answers the seconds that registering it took."""
    new_database(WIDE)
    start = time.monotonic()
    output(QUEUE, "register", CHILDREN, PGDATABASE=WIDE)
    seconds = time.monotonic() - start
    execute(COUNT_READY, database=WIDE)
    wait_reaped(WIDE)
    return seconds


def drain(uploads):
    """Jobs per second until all uploads are ready: until the commit of the last job or of the last upload, whichever is later."""
    got = output(QUEUE, "drain", SESSIONS, BATCH, CHILDREN, PGDATABASE=ours.DATABASE)
    wait_until(lambda: one("select count(*) from public.became", database=ours.DATABASE) >= uploads, 30, "all are ready",
               also=lambda: str(execute("select state, count(*) from millrace.upload group by 1", database=ours.DATABASE)))
    ready = one("select extract(epoch from max(pg_xact_commit_timestamp(xmin)))::float from public.became", database=ours.DATABASE)
    return CHILDREN / max(got["seconds"], ready - got["began_us"] / 1e6)


def run(folder, what, count, uploads):
    """Jobs per second, how often an upload became ready (per upload), deadlocks."""
    execute(f"drop database if exists {ours.DATABASE} with (force)")
    execute(f"create database {ours.DATABASE} template {WIDE}")
    output(QUEUE, what, count, PGDATABASE=ours.DATABASE)
    level(ours.DATABASE)
    with ours.keeper(folder):
        rate = drain(uploads)
    ours.exact(uploads, CHILDREN)
    ready = one("select count(*) from public.became", database=ours.DATABASE) / uploads
    execute("select pg_stat_force_next_flush()", database=ours.DATABASE)
    return rate, ready, one("select deadlocks from pg_stat_database where datname = %s", ours.DATABASE)


def measure(ctx):
    registered = prepare()
    wide, flat = [], []
    for _ in range(ROUNDS):
        wide.append(run(ctx.folder, "parent", CHILDREN, 1))
        flat.append(run(ctx.folder, "fill", CHILDREN // ours.JOBS_PER_UPLOAD, CHILDREN // ours.JOBS_PER_UPLOAD))
    table = ctx.table
    table.put(9, "ratio", [w[0] / f[0] for w, f in zip(wide, flat)])
    table.put(9, "ready", [w[1] for w in wide])
    table.put(9, "deadlocks", [w[2] + f[2] for w, f in zip(wide, flat)])
    table.figure(9, "registering a pipeline of 10,000 steps", registered, "s")
    table.figure(9, "one parent, 8 sessions x 8", [w[0] for w in wide], "jobs/s")
    table.figure(9, "2,000 parents x 5, 8 sessions x 8", [f[0] for f in flat], "jobs/s")
