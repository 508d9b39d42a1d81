"""rows_fleet.py -- row 12: 64 workers of 8 slots at 800 jobs a second, beside one worker, and through PgBouncer."""
import contextlib
import os
import pathlib
import subprocess
import time

import ours
from procs import free_port, wait_until
from roles import Roles
from server import QUEUE, connect, execute, fail, level, new_database, server_cpu_s

ROWS = (12,)
SECONDS = (150, 300)
DISK_MB = (200, 400)
ROUNDS = 3
IN_QUICK = False  # it starts 64 processes seven times
WORKERS, SLOTS, RATE = 64, 8, 800

POOLER = """[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
ignore_startup_parameters = extra_float_digits
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextlib.contextmanager
def pooler(folder):
    """PgBouncer in transaction mode; the URL of a worker's connection through it."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    port = free_port()
    (folder / "users").write_text('"bench_worker" ""\n')
    (folder / "ini").write_text(POOLER.format(host=os.environ["PGHOST"], port=os.environ["PGPORT"], listen=port, folder=folder))
    as_user = []
    if os.getuid() == 0:
        folder.chmod(0o777)
        as_user = ["-u", "postgres"]
    process = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", *as_user, str(folder / "ini")], stderr=subprocess.DEVNULL)
    try:
        yield f"postgresql://bench_worker@127.0.0.1:{port}/{ours.DATABASE}"
    finally:
        process.terminate()
        process.wait(30)


def run(folder, workers, slots, seconds, database_url=None):
    """Server CPU microseconds per job, and the most connections that the workers had."""
    database = new_database(ours.DATABASE)
    level(database)
    look = connect(database)
    cursor = look.cursor()

    def connections():
        cursor.execute("select count(*) from pg_stat_activity where usename = 'bench_worker' and datname = %s", (database,))
        return cursor.fetchone()[0]

    def all_done():
        cursor.execute("select not exists (select from millrace.ticket)")
        return cursor.fetchone()[0]

    with Roles(database, folder) as roles:
        roles.start("keep")
        for n in range(workers):
            flags = ["--slots", str(slots)]
            if database_url:
                flags += ["--listen-database-url", f"postgresql:///{database}?host={os.environ['PGHOST']}"
                          f"&port={os.environ['PGPORT']}&user=bench_worker"]
            roles.start("work", *flags, name=f"w{n}", database_url=database_url)
        wait_until(lambda: execute("select coalesce(min(greatest(beats, gen - 1)), 0) from millrace.worker",
                                   database=database)[0][0] > 0, 30, "each has had a heartbeat", every=0.1)
        most = connections()
        cpu = server_cpu_s()
        source = subprocess.Popen([str(QUEUE), "pace", str(RATE), str(seconds)], stdout=subprocess.DEVNULL,
                                  env={**os.environ, "PGDATABASE": database})
        while source.poll() is None:
            most = max(most, connections())
            time.sleep(0.5)
        if source.returncode:
            fail("queue pace failed")
        wait_until(all_done, 60, "no ticket is left", every=0.1)
        cpu = server_cpu_s() - cpu
        cursor.execute("select count(*) from millrace.job")
        jobs = cursor.fetchone()[0]
        look.close()
        roles.stop()
    ours.exact(jobs, jobs)
    return cpu * 1e6 / jobs, most


def measure(ctx):
    seconds = 8 if ctx.quick else 20
    many, one_worker, pooled = [], [], []
    for n in range(ROUNDS):
        many.append(run(f"{ctx.folder}/many{n}", WORKERS, SLOTS, seconds))
        one_worker.append(run(f"{ctx.folder}/one{n}", 1, SLOTS, seconds))
    with pooler(f"{ctx.folder}/pooler") as url:
        pooled.append(run(f"{ctx.folder}/pooled", WORKERS, SLOTS, seconds, url))
    table = ctx.table
    table.put(12, "connections", [m[1] / WORKERS for m in many])
    table.put(12, "cpu", [a[0] / b[0] for a, b in zip(many, one_worker)])
    table.put(12, "pooled", [p[1] - WORKERS for p in pooled], "one run")
    table.figure(12, "server CPU per job, 64 workers", [m[0] for m in many], "us")
    table.figure(12, "server CPU per job, 1 worker", [o[0] for o in one_worker], "us")
    table.figure(12, "server CPU per job, 64 workers through PgBouncer", [p[0] for p in pooled], "us")
