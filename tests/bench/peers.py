"""peers.py -- the other queues, each in its fastest documented set-up (peers/setups.tsv): fill, drain, exact end state."""
import os
import re
import shutil
import subprocess

from server import BUILD, HERE, PG_BIN, connect, empty_database, execute, fail, level, one, output, text_of, url, values

FOLDER = BUILD / "bench/peers"
PROCESSES = 2
PLAIN_CLIENTS = 8
# A database per peer; dropped with the cluster.
GRAPHILE, PGBOSS, PGQ, PLAIN = "peer_graphile", "peer_pgboss", "peer_pgq", "peer_plain"


def install():
    """From npm, into build/: package-lock.json says which versions."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    names = [".npmrc", "package.json", "package-lock.json", "common.mjs", "graphile.mjs", "pgboss.mjs"]
    stamp = FOLDER / "installed.json"
    lock = (HERE / "peers/package-lock.json").read_text()
    for name in names:
        shutil.copy(HERE / "peers" / name, FOLDER)
    if stamp.exists() and stamp.read_text() == lock:
        return
    got = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, capture_output=True, text=True, timeout=600)
    if got.returncode:
        fail(f"npm ci: {got.stderr[-2000:]}")
    stamp.write_text(lock)


def command(script, *args):
    return [str(FOLDER / "node_modules/.bin/node"), str(FOLDER / script), *map(str, args)]


def environment(database):
    return {"PGDATABASE": database, "PEER_URL": f"postgresql://postgres@/{database}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}"}


def run(script, database, *args):
    return values(text_of(*command(script, *args), **environment(database)))


class Peer:
    """A peer's process that waits for the word: go(), then end()."""

    def __init__(self, script, database, *args):
        self.script = script
        self.process = subprocess.Popen(command(script, *args), env={**os.environ, **environment(database)}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @property
    def pid(self):
        return self.process.pid

    def ready(self):
        line = self.process.stdout.readline()
        if not line.startswith("waiting"):
            fail(f"{self.script}: {line}{self.process.stderr.read()[-2000:]}")
        return self

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline()

    def end(self):
        out, err = self.process.communicate(timeout=600)
        if self.process.returncode:
            fail(f"{self.script}: {err[-2000:]}")
        return values(out)


def drain_together(script, database, jobs):
    """Jobs per second of PROCESSES drainers that start at once."""
    drainers = [Peer(script, database, "drain") for _ in range(PROCESSES)]
    for d in drainers:
        d.ready()
    for d in drainers:
        d.go()
    got = [d.end() for d in drainers]
    done = sum(g["jobs"] for g in got)
    if done != jobs:
        fail(f"{script}: {jobs} jobs were due, {done:.0f} were run")
    return jobs * 1000 / (max(g["end_ms"] for g in got) - min(g["start_ms"] for g in got))


# graphile-worker --------------------------------------------------------------------------------------------------------


def graphile_new():
    empty_database(GRAPHILE)
    run("graphile.mjs", GRAPHILE, "install")


ADD_JOBS = ("select count(*) from graphile_worker.add_jobs(array(select ('noop', json_build_object('id', n), null, null, null, "
            "null, null, null)::graphile_worker.job_spec from generate_series(1, %s) n))")


def graphile_add(jobs):
    """Its bulk add; jobs per second."""
    c = connect(GRAPHILE)
    with c.cursor() as cursor:
        cursor.execute("create temp table took as select clock_timestamp() as start")
        cursor.execute(ADD_JOBS, (jobs,))
        cursor.execute("select extract(epoch from clock_timestamp() - start)::float from took")
        seconds = cursor.fetchone()[0]
    c.close()
    return jobs / seconds


def graphile_left():
    return one("select count(*) from graphile_worker._private_jobs", database=GRAPHILE)


def graphile_drain(jobs):
    rate = drain_together("graphile.mjs", GRAPHILE, jobs)
    if graphile_left() != 0:
        fail(f"graphile: {graphile_left()} jobs are left")
    return rate


def graphile(jobs):
    graphile_new()
    graphile_add(jobs)
    level(GRAPHILE)
    return graphile_drain(jobs)


# pg-boss ----------------------------------------------------------------------------------------------------------------


def pgboss_new():
    empty_database(PGBOSS)
    run("pgboss.mjs", PGBOSS, "install")


def pgboss(jobs):
    pgboss_new()
    run("pgboss.mjs", PGBOSS, "fill", jobs)
    level(PGBOSS)
    rate = drain_together("pgboss.mjs", PGBOSS, jobs)
    done = one("select count(*) from pgboss.job where state = 'completed'", database=PGBOSS)
    if done != jobs:
        fail(f"pg-boss: {jobs} jobs were due, {done} are completed")
    return rate


# PgQ --------------------------------------------------------------------------------------------------------------------


def pgq(events):
    """Events per second that one consumer reads, batch by batch."""
    empty_database(PGQ)
    c = connect(PGQ)
    cursor = c.cursor()
    cursor.execute("create extension pgq")
    cursor.execute("select pgq.create_queue('bench'), pgq.register_consumer('bench', 'reader')")
    cursor.execute("select pgq.ticker()")
    for at in range(0, events, 10000):
        cursor.execute("select count(pgq.insert_event('bench', 'noop', json_build_object('id', n)::text)) "
                       "from generate_series(1, %s) n", (min(10000, events - at),))
        cursor.execute("select pgq.force_tick('bench')")
        cursor.execute("select pgq.ticker('bench')")
    level(PGQ)
    cursor.execute("create temp table took as select clock_timestamp() as start")
    read = 0
    while True:
        cursor.execute("select pgq.next_batch('bench', 'reader')")
        batch = cursor.fetchone()[0]
        if batch is None:
            break
        cursor.execute("select ev_id, ev_data from pgq.get_batch_events(%s)", (batch,))
        read += len(cursor.fetchall())
        cursor.execute("select pgq.finish_batch(%s)", (batch,))
    cursor.execute("select extract(epoch from clock_timestamp() - start)::float from took")
    seconds = cursor.fetchone()[0]
    c.close()
    if read != events:
        fail(f"PgQ: {events} events were due, {read} were read")
    return read / seconds


# The plain loop ---------------------------------------------------------------------------------------------------------


def plain_fill(rows):
    execute("create table if not exists ref (id bigint primary key generated always as identity, payload jsonb not null, "
            "state smallint not null default 0)", database=PLAIN)
    execute("create index if not exists ref_free on ref (id) where state = 0", database=PLAIN)
    execute("insert into ref (payload) select jsonb_build_object('id', n) from generate_series(1, %s) n", rows, database=PLAIN)


def plain_drain(jobs, batch, script):
    """Rows per second. There must be some more than are taken, so that the last batches are full ones."""
    waiting = "select count(*) from ref where state = 0"
    before = one(waiting, database=PLAIN)
    text = text_of(f"{PG_BIN}/pgbench", "-n", "-M", "prepared", "-c", PLAIN_CLIENTS, "-j", 2, "-t",
                   max(jobs // (batch * PLAIN_CLIENTS), 1), "-D", f"batch={batch}", "-f",
                   HERE / f"peers/plain_{script}.sql", PGDATABASE=PLAIN)
    taken = before - one(waiting, database=PLAIN)
    transactions = int(re.search(r"actually processed: (\d+)", text)[1])
    if taken != transactions * batch:
        fail(f"plain {script}: {transactions} batches of {batch}, {taken} rows")
    return taken * float(re.search(r"^tps = ([0-9.]+) \(without", text, re.M)[1]) / transactions


def plain(jobs, batch, script):
    empty_database(PLAIN)
    plain_fill(jobs + PLAIN_CLIENTS * batch * 4)
    level(PLAIN)
    return plain_drain(jobs, batch, script)


def floor(samples):
    """Bare libpq: p50 and p99 of insert call to claim."""
    return output(BUILD / "bench/floor", samples, PGDATABASE=empty_database(PLAIN))
