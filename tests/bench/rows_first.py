"""rows_first.py -- rows 15 to 17: the receiver alone, the whole way of a lone upload, and each role's start and memory."""
import contextlib
import http.client
import json
import pathlib
import time

from procs import wait_until
from roles import TOKEN, Roles, resident_kb
from server import connect, execute, fail, new_database, one

ROWS = (15, 16, 17)
SECONDS = (25, 90)
DISK_MB = (300, 600)
ROUNDS = 3
CONNECTIONS = 64
DATABASE = "bench_first"

# Notes which transaction made the ticket of each job: when that committed is asked of the server afterwards.
NOTE_TICKETS = """
create table public.made (upload_id uuid primary key, xid xid not null);
create function public.note_made() returns trigger language plpgsql security definer as $$
begin
	insert into public.made values (new.upload_id, pg_current_xact_id()::xid) on conflict do nothing;
	return null;
end $$;
create trigger note_made after insert on millrace.ticket for each row when (new.kind_no <> 1)
	execute function public.note_made();
"""


def receive(folder, seconds):
    """Events per second from POST to commit, and the POST's own quantiles; every acknowledged one must be there."""
    new_database(DATABASE)
    with Roles(DATABASE, folder) as roles:
        roles.start("keep")
        roles.start("receive")
        got = roles.post(CONNECTIONS, seconds)
        rows = one("select count(*) from millrace.upload", database=DATABASE)
        if rows != got["sent"]:
            fail(f"{got['sent']:.0f} were acknowledged, {rows} are in the database")
        roles.stop()
    return got


def event(n, key):
    return json.dumps({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "responseElements": {"x-amz-request-id": f"bench-{n}"},
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": key, "size": 6}}}]})


def send_one(roles, connection, cursor, n):
    """A file and its notification; when it was sent. Back once the upload is ready."""
    key = f"in/{n}.txt"
    path = roles.folder / "buckets/uploads" / key
    path.parent.mkdir(exist_ok=True)
    path.write_text("bench\n")
    body = event(n, key)
    sent = time.time()
    connection.request("POST", "/v1/events/bench", body,
                       {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    reply = connection.getresponse()
    answer = reply.read()
    if reply.status != 200:
        fail(f"the receiver answered {reply.status}: {answer[:300]!r}")

    def final():
        cursor.execute("select state::text from millrace.upload where key = %s", (key,))
        row = cursor.fetchone()
        return row and row[0] not in ("accepted", "routed") and row[0]

    state = wait_until(final, 20, f"{key} is final", every=0.005)
    if state != "ready":
        fail(f"{key} is {state}")
    return key, sent


def whole_way(folder, samples):
    """(from the POST, from the ticket's commit) to the start of a real command, in ms, of lone uploads."""
    new_database(DATABASE)
    execute(NOTE_TICKETS, database=DATABASE)
    with Roles(DATABASE, folder, kind="stamp") as roles:
        for role in ["keep", "work", "route", "receive"]:
            roles.start(role)
        connection = http.client.HTTPConnection("127.0.0.1", roles.port["receive"], timeout=30)
        with contextlib.closing(connect(DATABASE)) as reader:
            cursor = reader.cursor()
            sent = dict(send_one(roles, connection, cursor, n) for n in range(samples))
            cursor.execute("select u.key, extract(epoch from pg_xact_commit_timestamp(m.xid))::float, o.uri "
                           "from millrace.upload u join public.made m on m.upload_id = u.id "
                           "join millrace.output o on o.upload_id = u.id where o.name = 'started'")
            rows = cursor.fetchall()
        roles.stop()
    if len(rows) != samples:
        fail(f"{samples} files were sent, {len(rows)} results are there")
    started = {key: int(pathlib.Path(uri.removeprefix("file://")).read_text()) / 1e6 for key, _, uri in rows}
    return ([(started[key] - sent[key]) * 1000 for key, _, _ in rows],
            [(started[key] - committed) * 1000 for key, committed, _ in rows])


def quantiles(values):
    values = sorted(values)
    return values[len(values) // 2], values[len(values) * 99 // 100]


def role_figures(folder, role, starts):
    """Milliseconds to ready and resident MB of an idle role, of each start."""
    new_database(DATABASE)
    figures = []
    for _ in range(starts):
        with Roles(DATABASE, folder) as roles:
            process, ms = roles.start(role, every=0.002)
            figures.append((ms, resident_kb(process.pid) / 1024))
            roles.stop()
    return figures


def measure(ctx):
    table = ctx.table
    got = [receive(f"{ctx.folder}/receive{n}", 4 if ctx.quick else 10) for n in range(ROUNDS)]
    table.put(15, "events", [g["events_per_s"] for g in got])
    for q in ["p50", "p99"]:
        table.figure(15, f"POST with {CONNECTIONS} connections, {q}", [g[f"post_{q}_ms"] for g in got], "ms")
    ways = [whole_way(f"{ctx.folder}/way{n}", 60 if ctx.quick else 300) for n in range(ROUNDS)]
    for part, which in [("post", 0), ("ticket", 1)]:
        for i, q in enumerate(["p50", "p99"]):
            table.put(16, f"{part}_{q}", [quantiles(w[which])[i] for w in ways])
    roles = {role: role_figures(f"{ctx.folder}/roles", role, 3 if ctx.quick else 5)
             for role in ["receive", "route", "work", "keep", "serve"]}
    for role, figures in roles.items():
        table.figure(17, f"{role}: start to ready", [f[0] for f in figures], "ms")
        table.figure(17, f"{role}: resident when ready", [f[1] for f in figures], "MB")
    table.put(17, "start", max(([f[0] for f in figures] for figures in roles.values()), key=max))
    table.put(17, "resident", max(([f[1] for f in figures] for figures in roles.values()), key=max))
