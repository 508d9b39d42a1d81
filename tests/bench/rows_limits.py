"""rows_limits.py -- row 19: a thousand groups with a limit each, beside the same jobs without.

One group has half of all jobs. While enough others wait too, limits cost what they cost; when it is alone, its limit is what it gets."""
import math

import ours
from server import QUEUE, execute, fail, level, new_database, one, output, server_cpu_s, wait_reaped

ROWS = (19,)
SECONDS = (130, 330)
DISK_MB = (500, 900)
ROUNDS = 3
LIMIT = 20
# As much as a group gets in a round; twice as many as there are slots are admitted.
SHARE = 10
IN_FLIGHT = 2 * ours.SESSIONS * ours.BATCH
# Of all jobs: until then enough groups have a backlog.
HEAD = 0.33

# The books of the bench: each change of a ticket, by row and at once, in the transaction that makes it. What starts is noted after its lock was got,
# what ends before the commit that lets others in.
BOOKS = """
create table public.book (at timestamptz not null, started boolean not null, upload_id uuid not null, step_no smallint not null);
create function public.note() returns trigger language plpgsql security definer as $$
begin
	if tg_op = 'UPDATE' then
		insert into public.book values (clock_timestamp(), true, new.upload_id, new.step_no);
	else
		insert into public.book values (clock_timestamp(), false, old.upload_id, old.step_no);
	end if;
	return null;
end $$;
create trigger starts after update on millrace.ticket for each row
	when (old.session = 0 and new.session <> 0 and new.step_no > 0) execute function public.note();
create trigger ends after delete on millrace.ticket for each row when (old.session <> 0 and old.step_no > 0) execute function public.note();
"""
OVER_LIMIT = """select count(*) filter (where started and running > %s), max(running) from (
	select b.started, sum(case when b.started then 1 else -1 end) over (partition by u.bucket order by b.at, b.started, b.upload_id, b.step_no) as running
	from public.book b join millrace.upload u on u.id = b.upload_id) s"""
# How many jobs started before each of the smallest groups', since all were there.
WAITS = """select s.n / %s::float from (
	select b.upload_id, row_number() over (order by b.at) as n from public.book b where b.started) s
	join millrace.upload u on u.id = s.upload_id where u.bucket like 'small-%%'"""


def filled(jobs, limit):
    new_database(ours.DATABASE)
    output(QUEUE, "skewed", jobs // ours.JOBS_PER_UPLOAD, *([limit] if limit else []), PGDATABASE=ours.DATABASE)
    level(ours.DATABASE)


def drained(jobs, sessions=ours.SESSIONS, batch=ours.BATCH):
    """As many jobs and what is in flight then; jobs done, jobs per second, and the server's CPU per job in us."""
    before = server_cpu_s()
    got = output(QUEUE, "drain", sessions, batch, jobs, PGDATABASE=ours.DATABASE)
    wait_reaped(ours.DATABASE, "bench")
    return int(got["jobs"]), got["jobs_per_s"], (server_cpu_s() - before) * 1e6 / got["jobs"]


def run(folder, jobs, limit):
    """(jobs/s, CPU per job) while enough groups have a backlog, and the jobs/s of the rest."""
    filled(jobs, limit)
    with ours.keeper(folder):
        done, rate, cpu = drained(int(jobs * HEAD))
        if limit:
            waiting = one("select count(distinct u.bucket) from millrace.parked p join millrace.upload u on u.id = p.upload_id",
                          database=ours.DATABASE)
            if waiting < IN_FLIGHT / SHARE:
                fail(f"only {waiting} groups had a backlog to the end of it")
        _, tail, _ = drained(jobs - done)
    ours.exact(jobs // ours.JOBS_PER_UPLOAD, jobs)
    return rate, cpu, tail


def cycle(folder):
    """Jobs/s of one session that claims and finishes the limit's number, without limits: what a lone group can have."""
    filled(4000, None)
    with ours.keeper(folder):
        return drained(4000, 1, LIMIT)[1]


def books(folder, jobs):
    """Breaches, the most of a group at once, and the waits of the smallest groups in rounds."""
    filled(jobs, LIMIT)
    execute(BOOKS, database=ours.DATABASE)
    with ours.keeper(folder):
        drained(jobs)
    ours.exact(jobs // ours.JOBS_PER_UPLOAD, jobs)
    breaches, most = execute(OVER_LIMIT, LIMIT, database=ours.DATABASE)[0]
    groups = one("select count(distinct bucket) from millrace.upload", database=ours.DATABASE)
    waits = sorted(w for (w,) in execute(WAITS, groups * SHARE, database=ours.DATABASE))
    return breaches, most, waits[math.ceil(0.99 * len(waits)) - 1]


def measure(ctx):
    jobs = 80000 if ctx.quick else 200000
    limited, free, tails, kept = [], [], [], []
    for _ in range(ROUNDS):
        limited.append(run(ctx.folder, jobs, LIMIT))
        free.append(run(ctx.folder, jobs, None))
        tails.append((limited[-1][2], cycle(ctx.folder)))
        kept.append(books(ctx.folder, jobs // 2))
    table = ctx.table
    table.put(19, "ratio", [a[0] / b[0] for a, b in zip(limited, free)], f"{jobs * HEAD:,.0f} jobs")
    table.put(19, "breaches", [float(k[0]) for k in kept])
    table.put(19, "rounds", [k[2] for k in kept])
    table.figure(19, "with limits", [a[0] for a in limited], "jobs/s")
    table.figure(19, "without", [b[0] for b in free], "jobs/s")
    table.figure(19, "CPU of the server per job, with limits", [a[1] for a in limited], "us")
    table.figure(19, "the same, without", [b[1] for b in free], "us")
    table.figure(19, "CPU without limits to CPU with them", [b[1] / a[1] for a, b in zip(limited, free)], "x")
    table.figure(19, "the most of a group that ran at once", [float(k[1]) for k in kept], "jobs")
    table.figure(19, "the big group alone", [t for t, _ in tails], "jobs/s")
    table.figure(19, "limit to a cycle of claim and finish without limits", [c for _, c in tails], "jobs/s")
    table.figure(19, "the big group alone to that", [t / c for t, c in tails], "x")
