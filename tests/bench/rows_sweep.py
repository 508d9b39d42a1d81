"""rows_sweep.py -- row 11: what the sweep costs, how soon it finds what claims have passed by, and unblocked jobs."""
import json
import time
import uuid

import ours
import psycopg2
from procs import wait_until
from roles import Roles
from server import QUEUE, connect, forget_statements, level, new_database, output, process_cpu_s, statements, url

ROWS = (11,)
SECONDS = (60, 300)
DISK_MB = (200, 300)
ROUNDS = 3


def accept(cursor, count):
    """Uploads as the receiver accepts them; their keys."""
    keys = [f"sweep/{uuid.uuid4()}" for _ in range(count)]
    events = [{"body": 0, "what": "created", "name": "ObjectCreated:Put", "id": ulid(), "store": "local", "bucket": "uploads",
               "key": key, "size": 6, "origin": "aws", "event_time": "2026-01-02T03:04:05Z", "request_id": key} for key in keys]
    cursor.execute("select outcome from millrace.accept_uploads(array['bench'], array['{}'::bytea], %s)", (json.dumps(events),))
    assert all(outcome == "accepted" for (outcome,) in cursor.fetchall())
    return keys


def wake(cursor):
    """What the receiver does after its commit."""
    cursor.execute("select millrace.wake(array[1]::smallint[])")


def ulid():
    at = int(time.time() * 1000)
    return str(uuid.UUID(int=at << 80 | uuid.uuid4().int & (1 << 80) - 1))


def wait_routed(cursor, keys, what):
    def routed():
        cursor.execute("select count(*) from millrace.upload where key = any(%s) and state <> 'accepted'", (keys,))
        return cursor.fetchone()[0] == len(keys)

    wait_until(routed, 30, what, every=0.002)


def late(look, database):
    """A transaction takes its tickets' places, others pass it by for a second, then it commits: seconds to the claim."""
    holder = psycopg2.connect(url(database))
    with holder.cursor() as cursor:
        keys = accept(cursor, 1)
        pass_by(look, 1.2)
        holder.commit()
    start = time.monotonic()
    wake(look)
    wait_routed(look, keys, "the late upload is routed")
    holder.close()
    return time.monotonic() - start


def aborted(look, database):
    """A claim takes tickets, others pass them by, then it is rolled back: seconds to the next claim."""
    holder = psycopg2.connect(url(database))
    with holder.cursor() as cursor:
        cursor.execute("select session from millrace.open_session('bench-abort', 'localhost', 'bench', array['route'], 1)")
        session = cursor.fetchone()[0]
        holder.commit()
        keys = accept(look, 1)
        # Whoever is first has it: only what was not routed meanwhile counts.
        cursor.execute("select upload_id from millrace.claim_routes(%s, 1, '{}', '{}')", (session,))
        mine = cursor.fetchall()
        if not mine:
            holder.rollback()
            holder.close()
            return None
        pass_by(look, 1.2)
        holder.rollback()
    start = time.monotonic()
    wait_routed(look, keys, "the upload of the aborted claim is routed")
    holder.close()
    return time.monotonic() - start


def pass_by(look, seconds):
    """Uploads that are routed while the other one is held: the mark moves on, and settles."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        keys = accept(look, 20)
        wake(look)
        wait_routed(look, keys, "those that pass by are routed")


def find_times(folder, samples):
    database = new_database(ours.DATABASE)
    c = connect(database)
    look = c.cursor()
    got = {"late": [], "aborted": []}
    with Roles(database, folder) as roles:
        roles.start("keep")
        roles.start("route")
        for _ in range(samples):
            got["late"].append(late(look, database))
        tries = 0
        while len(got["aborted"]) < samples and tries < 50 * samples:
            tries += 1
            seconds = aborted(look, database)
            if seconds is not None:
                got["aborted"].append(seconds)
        roles.stop()
    c.close()
    return got


def sweep_share(folder, seconds):
    """Percent of a core while the queue is filled and drained at full speed: the time that the sweep's calls took."""
    new_database(ours.DATABASE)
    level(ours.DATABASE)
    with ours.keeper(folder) as keeper:
        forget_statements()
        start, cpu = time.monotonic(), process_cpu_s(keeper.pid)
        _, done = ours.flow(ours.SESSIONS, 100, 20000, seconds)
        took = time.monotonic() - start
        keeper_cpu = process_cpu_s(keeper.pid) - cpu
        ms = {call: statements(ours.DATABASE, f"%millrace.{call}(%")[2]
              for call in ["sweep_tickets", "rescue_workers", "fold_tallies", "promote_due"]}
    ours.exact(done // ours.JOBS_PER_UPLOAD, done)
    return ms["sweep_tickets"] / took / 10, sum(ms.values()) / took / 10 + keeper_cpu * 100 / took


def measure(ctx):
    table, quick = ctx.table, ctx.quick
    shares = [sweep_share(ctx.folder, 5 if quick else 30) for _ in range(ROUNDS)]
    table.put(11, "cpu", [s[0] for s in shares], "while filling and draining at full speed")
    table.figure(11, "all of the keeper's duties", [s[1] for s in shares], "%")
    found = find_times(f"{ctx.folder}/sweep", 5 if quick else 20)
    table.put(11, "late", found["late"])
    if found["aborted"]:
        table.put(11, "aborted", found["aborted"])
    unblocked = []
    for _ in range(ROUNDS):
        new_database(ours.DATABASE)
        with ours.keeper(ctx.folder):
            unblocked.append(output(QUEUE, "unblock", 100 if quick else 500, PGDATABASE=ours.DATABASE))
    table.put(11, "unblock", [u["wake_p50_ms"] for u in unblocked])
    table.figure(11, "the same, p99", [u["wake_p99_ms"] for u in unblocked], "ms")
    table.figure(11, "  of which the finish itself, p50", [u["call_p50_ms"] for u in unblocked], "ms")
