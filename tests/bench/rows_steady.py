"""rows_steady.py -- row 6: 800 uploads a second with 3 jobs each through real processes, the load generator on the same cores."""
import ours
import peers
from procs import wait_until
from roles import Roles
from server import connect, execute, fail, level, new_database, process_cpu_s, server_cpu_s

ROWS = (6,)
SECONDS = (70, 260)
DISK_MB = (300, 900)
ROUNDS = 3
RATE, JOBS = 800, 3

# upload_key is written once, by the transaction that accepts; the last to write an upload is the one that makes it ready.
# Commit times are the server's own, and both are commits: what a reader outside could see.
TIMES = """
with took as (
	select extract(epoch from pg_xact_commit_timestamp(u.xmin) - pg_xact_commit_timestamp(k.xmin))::float * 1000 as ms
	from millrace.upload u join millrace.upload_key k on k.upload_id = u.id)
select percentile_cont(0.5) within group (order by ms), percentile_cont(0.99) within group (order by ms), max(ms) from took
"""


def mine(folder, seconds):
    database = new_database(ours.DATABASE)
    level(database)
    with Roles(database, folder, jobs=JOBS) as roles:
        for role, flags in [("keep", []), ("work", ["--slots", "32"]), ("route", []), ("receive", [])]:
            roles.start(role, *flags)
        c = connect(database)
        cursor = c.cursor()

        def all_ready():
            cursor.execute("select millrace.scale_metric('noop') + millrace.scale_metric('route') = 0 and not exists "
                           "(select from millrace.ticket)")
            return cursor.fetchone()[0]

        roles.post(64, 2, RATE)  # everybody is warm
        wait_until(all_ready, 60, "nothing waits")
        cursor.execute("select count(*) from millrace.upload")
        warm = cursor.fetchone()[0]
        server, workers, rest = server_cpu_s(), roles.cpu_s("work"), roles.cpu_s("receive", "route", "keep")
        got = roles.post(64, seconds, RATE)
        wait_until(all_ready, 120, "nothing waits")
        server, workers, rest = (server_cpu_s() - server, roles.cpu_s("work") - workers,
                                 roles.cpu_s("receive", "route", "keep") - rest)
        c.close()
        roles.stop()
    uploads = int(got["sent"]) + warm
    ours.exact(uploads, uploads * JOBS)
    p50, p99, worst = execute(TIMES, database=database)[0]
    jobs = got["sent"] * JOBS
    return {"p50": p50, "p99": p99, "max": worst, "rate": got["events_per_s"], "server": server * 1e6 / jobs,
            "workers": workers * 1e6 / jobs, "rest": rest * 1e6 / jobs}


def graphile(seconds):
    """CPU per job of the server and of the worker processes, at the same rate of jobs."""
    peers.graphile_new()
    level(peers.GRAPHILE)
    workers = [peers.Peer("graphile.mjs", peers.GRAPHILE, "serve").ready() for _ in range(peers.PROCESSES)]
    source = peers.Peer("graphile.mjs", peers.GRAPHILE, "pace", RATE, seconds).ready()
    server, own = server_cpu_s(), sum(process_cpu_s(w.pid) for w in workers)
    source.go()
    got = source.end()
    wait_until(lambda: peers.graphile_left() == 0, 120, "graphile-worker has nothing left", every=0.2)
    server, own = server_cpu_s() - server, sum(process_cpu_s(w.pid) for w in workers) - own
    done = sum(w.end()["jobs"] for w in workers)
    if done != got["added"]:
        fail(f"graphile: {got['added']:.0f} jobs were added, {done:.0f} were run")
    return {"server": server * 1e6 / done, "workers": own * 1e6 / done, "rate": got["added"] / JOBS / got["seconds"]}


def measure(ctx):
    seconds = 5 if ctx.quick else 30
    got = [(mine(f"{ctx.folder}/steady{n}", seconds), graphile(seconds)) for n in range(ROUNDS)]
    table = ctx.table
    table.put(6, "p50", [m["p50"] for m, _ in got])
    table.put(6, "p99", [m["p99"] for m, _ in got])
    table.put(6, "cpu", [(m["server"] + m["workers"]) / (g["server"] + g["workers"]) for m, g in got])
    for what in ["rate", "max", "server", "workers", "rest"]:
        unit = {"rate": "up/s", "max": "ms"}.get(what, "us/job")
        name = {"rate": "uploads accepted", "max": "slowest upload", "rest": "CPU of receive, route, keep"}.get(what, f"CPU of {what}")
        table.figure(6, f"millrace: {name}", [m[what] for m, _ in got], unit)
    for what in ["rate", "server", "workers"]:
        name = "calls of add_jobs" if what == "rate" else f"CPU of {what}"
        table.figure(6, f"graphile-worker: {name}", [g[what] for _, g in got], "/s" if what == "rate" else "us/job")
