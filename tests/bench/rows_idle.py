"""rows_idle.py -- rows 13 and 14: what idle workers ask and use; memory and start of one worker beside the peers'."""
import time

import ours
import peers
from procs import wait_until
from roles import Roles, private_kb
from server import QUEUE, fail, forget_statements, new_database, one, output, server_cpu_s, statements

ROWS = (13, 14)
SECONDS = (80, 280)
DISK_MB = (50, 50)
WORKERS = 20
ROUNDS = 3
# Each shows that it sleeps by a lock on the connection that listens.
ASLEEP = "select count(distinct pid) from pg_locks where locktype = 'advisory' and classid = 1297 and mode = 'ShareLock'"


def idle_workers(folder, seconds):
    """Queries per minute and percent of a core, of each."""
    new_database(ours.DATABASE)
    with Roles(ours.DATABASE, folder) as roles:
        for n in range(WORKERS):
            roles.start("work", name=f"idle{n}")
        wait_until(lambda: one(ASLEEP, database=ours.DATABASE) == WORKERS, 30, "all have gone to sleep")
        forget_statements()
        begin, workers, server = time.monotonic(), roles.cpu_s("work"), server_cpu_s()
        time.sleep(seconds)
        took = time.monotonic() - begin
        workers, server = roles.cpu_s("work") - workers, server_cpu_s() - server
        calls = statements(ours.DATABASE, "%")[0]
        roles.stop()
    return calls * 60 / took / WORKERS, workers * 100 / took / WORKERS, server * 100 / took / WORKERS


def worker_start(folder):
    """Milliseconds from the start of a worker process to its claim of a job that waits, and its private MB once idle."""
    new_database(ours.DATABASE)
    output(QUEUE, "fill", 1, PGDATABASE=ours.DATABASE)
    with Roles(ours.DATABASE, folder) as roles:
        start = time.time()
        process, _ = roles.start("work")
        wait_until(lambda: one("select count(*) from millrace.attempt", database=ours.DATABASE) == ours.JOBS_PER_UPLOAD, 30,
                   "the jobs are done")
        first = one("select extract(epoch from min(claimed_at))::float from millrace.attempt", database=ours.DATABASE)
        time.sleep(1)
        memory = private_kb(process.pid) / 1024
        roles.stop()
    return (first - start) * 1000, memory


def peer_start(script, database):
    """The same of a peer's process, and its connections."""
    start = time.time()
    peer = peers.Peer(script, database, "serve")
    while not (line := peer.line()).startswith("first_ms"):
        if not line:
            fail(f"{script}: it ended before its first job")
    first = float(line.split()[1]) / 1000
    time.sleep(1)
    memory = private_kb(peer.pid) / 1024
    peer.end()
    return (first - start) * 1000, memory


def graphile_start():
    peers.graphile_new()
    peers.graphile_add(5)
    return peer_start("graphile.mjs", peers.GRAPHILE)


def pgboss_start():
    peers.pgboss_new()
    peers.run("pgboss.mjs", peers.PGBOSS, "fill", 5)
    return peer_start("pgboss.mjs", peers.PGBOSS)


def measure(ctx):
    table = ctx.table
    idle = [idle_workers(f"{ctx.folder}/idle{n}", 10 if ctx.quick else 60) for n in range(ROUNDS)]
    table.put(13, "queries", [i[0] for i in idle])
    table.put(13, "cpu", [i[1] + i[2] for i in idle])
    table.figure(13, "of that the worker's own process", [i[1] for i in idle], "%")
    got = {"millrace": [], "graphile-worker": [], "pg-boss": []}
    for n in range(ROUNDS if ctx.quick else 5):
        got["millrace"].append(worker_start(f"{ctx.folder}/start{n}"))
        got["graphile-worker"].append(graphile_start())
        got["pg-boss"].append(pgboss_start())
    table.put(14, "memory", [g[1] for g in got["millrace"]])
    table.put(14, "start", [g[0] for g in got["millrace"]])
    for name in ["graphile-worker", "pg-boss"]:
        table.figure(14, f"{name}: private memory, idle", [g[1] for g in got[name]], "MB")
        table.figure(14, f"{name}: start to first job", [g[0] for g in got[name]], "ms")
