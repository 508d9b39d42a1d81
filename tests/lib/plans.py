"""A database with a history and a backlog, and what each call of it touches there."""
import contextlib
import hashlib
import json
import uuid

import psycopg2

from explain import explain, nodes, rows_of, take

LIMIT = 30
PIPELINE = {"version": 1, "kinds": {"narrow": {"limit": LIMIT, "group": "{bucket}"}}, "rules": [{"name": "all", "jobs": [
    {"step": "a", "kind": "plain"}, {"step": "b", "kind": "plain"}, {"step": "c", "kind": "plain"},
    {"step": "d", "kind": "plain", "after": ["a"]}, {"step": "e", "kind": "narrow"}]}]}
# An upload of which more jobs decide than are counted in its own row.
WIDE = {"version": 1, "rules": [{"name": "all", "jobs": [{"step": f"s{i}", "kind": "wide"} for i in range(150)]}]}
# Uploads that one statement makes, at least: what belongs together lies together. Many small statements would each read what there is.
CHUNK = 2_000
# What grows with history or backlog: nothing that is called again and again may read one of these from end to end.
LARGE = ("upload", "job", "ticket", "attempt", "output", "upload_key", "event_log", "parked", "delayed", "dead_job")

# Uploads of one state, with their jobs; %(state)s and so on are filled in by fill().
UPLOADS = """
insert into millrace.upload_key (hash, upload_id) select gen_random_uuid(), id from fresh;
insert into millrace.upload (id, object_hash, size, event_time, routed_at, finished_at, pipeline_no, rule_no, open_jobs, state,
    source, store, bucket, key, etag, request_id, content_type, client_trace_id, many)
select id, millrace.identity_hash('bucket-' || n %% 20, id::text), 1000, now(), now(), %(finished)s, %(pipeline)s, 0, %(open)s, %(state)s,
    's3', 'local', 'bucket-' || n %% 20, id::text, 'e', 'r', 'text/plain', 'sender-' || id, %(open)s > 100 from fresh;
insert into millrace.event_log (source, body, outcomes) select 's3', 'x', '[]' from fresh;
"""
JOBS = """
insert into millrace.job (upload_id, step_no, kind_no, class, pipeline_no, group_no, position, finished_at, due_at, state, blocked_by, tries)
select f.id, s.step_no, s.kind_no, 0, s.pipeline_no, 0, nextval('millrace.ticket_position'), x.finished_at, x.due_at, x.state,
    case when x.state = 'waiting' then 1 else 0 end, case when x.state in ('queued', 'waiting') then 0 else 1 end
from fresh f cross join millrace.pipeline_step s
cross join lateral (select case when s.step_no = 1 then %(first)s when s.step_no = 4 then %(fourth)s else %(other)s end::millrace.job_state as state) y
cross join lateral (select y.state, case when y.state in ('done', 'failed') then now() else 'infinity' end as finished_at,
    case when y.state = 'retrying' then now() + (f.n %% 2) * interval '1 day' - interval '1 h' else '-infinity' end as due_at) x
where s.pipeline_no = %(pipeline)s;
insert into millrace.attempt (upload_id, step_no, attempt, session, worker, claimed_at, started_at, finished_at, outcome)
select j.upload_id, j.step_no, 1, 1, 'w', now(), now(), now(), case j.state when 'done' then 'done' else 'error' end
from millrace.job j join fresh f on f.id = j.upload_id where j.tries = 1;
insert into millrace.output (upload_id, step_no, attempt, name, uri, size, sha256)
select j.upload_id, j.step_no, 1, 'out', 'file:///x', 1, 'ab' from millrace.job j join fresh f on f.id = j.upload_id where j.state = 'done';
insert into millrace.delayed (due_at, upload_id, step_no, kind_no, class, attempt)
select j.due_at, j.upload_id, j.step_no, j.kind_no, j.class, 2 from millrace.job j join fresh f on f.id = j.upload_id where j.state = 'retrying';
insert into millrace.dead_job (upload_id, step_no, kind_no, attempt, error_class, error)
select j.upload_id, j.step_no, j.kind_no, 1, 'exit', 'boom' from millrace.job j join fresh f on f.id = j.upload_id where j.state = 'failed';
with made as (select j.* from millrace.job j join fresh f on f.id = j.upload_id where j.state = 'queued')
select millrace.enqueue(array_agg(m::millrace.job order by m.position)) from made m having count(*) > 0;
"""
ROUTES = "insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id) select 1, 0, 1, 0, id from fresh;"


class Filler:
    """Fills a migrated database by plain statements; no row of it came from a call that is measured."""

    def __init__(self, db):
        self.db = db
        self.pipeline, self.wide = map(self.register, (PIPELINE, WIDE))
        db.query("select millrace.open_session('filler', 'h', '1', '{route,plain,narrow,wide}', 1)")
        self.kinds = dict(db.query("select name, kind_no from millrace.kind"))
        db.query("update millrace.kind set parking = false")

    def register(self, pipeline):
        text = json.dumps(pipeline)
        return self.db.one("select millrace.register_pipeline(%s, %s)", hashlib.sha256(text.encode()).hexdigest(), text)

    def _some(self, n, jobs, pipeline=None, **values):
        quoted = {k: "null" if v is None else v if k == "finished" else f"'{v}'" for k, v in values.items()}
        quoted["pipeline"] = pipeline or self.pipeline
        chunk = max(CHUNK, n // 12)
        for start in range(0, n, chunk):
            # An ID begins with its time, as those of the receiver do.
            self.db.query(f"""create temp table fresh on commit drop as select n, (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint
                + n / 10), 12, '0') || right(replace(gen_random_uuid()::text, '-', ''), 20))::uuid as id
                from generate_series(1, {min(chunk, n - start)}) n;""" + (UPLOADS + jobs) % quoted)

    def fill(self, n):
        """n finished uploads, and a backlog: three tickets and one parked job for each of as many, routings; retries, some uploads of many
        jobs; at most 200 dead jobs, which are counted whenever somebody looks."""
        done = {"first": "done", "fourth": "done", "other": "done"}
        self._some(n, JOBS, state="ready", finished="now()", open=0, **done)
        self._some(n, JOBS, state="routed", finished=None, open=5, first="queued", fourth="waiting", other="queued")
        self._some(n, ROUTES, state="accepted", finished=None, open=0)
        self._some(max(n // 5, min(n, 2000)), JOBS, state="routed", finished=None, open=1, **{**done, "first": "retrying"})
        self._some(min(n // 10, 200), JOBS, state="failed", finished="now()", open=0, **{**done, "first": "failed"})
        self._some(max(10, n // 1000), JOBS, self.wide, state="routed", finished=None, open=150, first="queued", fourth="queued", other="queued")

    def forget(self):
        """Emptied, vacuumed and analyzed, and never again. Tables of the queue keep a page, as when somebody reads them just then:
        by the statistics they have no row, however large they become."""
        for (table,) in self.db.query("select relname::text from pg_class where relnamespace = 'millrace'::regnamespace and relkind = 'r'"):
            self.db.query(f"alter table millrace.{table} set (autovacuum_enabled = off)")
        queue = ("ticket", "parked", "delayed", "tally_delta", "group_delta", "group_live", "group_line", "turn", "lease_grant", "worker")
        for table in {*LARGE, *queue}:
            self.db.query(f"delete from millrace.{table}")
            self.db.query(f"vacuum (truncate {'off' if table in queue else 'on'}, analyze) millrace.{table}")


FINISH = """select * from millrace.finish_jobs(%s, %s::smallint[], %s::smallint[], %s::bigint[], %s::uuid[], %s::smallint[],
    %s, %s::bigint[], %s::bigint[], %s::jsonb[], '{}')"""


class Seen:
    """What one call touched: pages, rows that it was for, tables read from end to end, descents by index."""

    def __init__(self, rows, pages, scans, descents):
        self.rows, self.pages, self.scans, self.descents = rows, pages, scans, descents


class Part:
    """A node of a plan: what it does, to which table, with how many rows."""

    def __init__(self, node):
        self.what, self.table, self.rows = node["Node Type"], node.get("Relation Name"), rows_of(node)

    def __repr__(self):
        return f"{self.what} on {self.table}: {self.rows}"


COUNTS = """select c.relname::text, c.relkind::text, pg_stat_get_xact_numscans(c.oid) + coalesce(pg_stat_get_xact_tuples_inserted(i.indrelid) + pg_stat_get_xact_tuples_updated(i.indrelid)
        - pg_stat_get_xact_tuples_hot_updated(i.indrelid), 0)
    from pg_class c left join pg_index i on i.indexrelid = c.oid where c.relnamespace = 'millrace'::regnamespace and c.relkind in ('r', 'i') order by 1"""


class Session:
    """Every function that C calls, on two connections whose plans are kept from call to call: that of the roles, and one of those
    that people look through, under whose settings other plans are made of what both use."""

    def __init__(self, db, filler, batch):
        self.db, self.filler, self.batch = db, filler, batch
        self.connections = [psycopg2.connect(db.url()) for _ in range(2)]
        for self.connection in reversed(self.connections):
            self.connection.autocommit = True
            self.rows("set statement_timeout = '30 s'")
        self.seen, self.plans, self.explaining = {}, {}, False

    def explain(self):
        """All functions once more: {call: (rows, parts of the plans of all statements in it)}."""
        for connection in self.connections:
            explain(connection)
        self.plans, self.explaining = {}, True
        self.all(1)
        for connection in self.connections:
            explain(connection, False)
        self.explaining = False
        return self.plans

    def close(self):
        for connection in self.connections:
            connection.close()

    def rows(self, sql, *args):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, args or None)
            return cursor.fetchall() if cursor.description else None

    def measure(self, name, rows, sql, *args):
        """Of several runs the one that touched least counts: the first also reads the catalogue."""
        with contextlib.closing(self.connection.cursor()) as cursor:
            cursor.execute("begin")
            cursor.execute(COUNTS)
            before = cursor.fetchall()
            self.connection.notices.clear()
            cursor.execute("explain (analyze, buffers, timing off, format json) " + sql, args or None)
            plan = cursor.fetchone()[0][0]["Plan"]
            if self.explaining:
                self.plans[name] = rows, [Part(n) for p in take(self.connection) for n in nodes(p)]
            cursor.execute(COUNTS)
            after = cursor.fetchall()
            cursor.execute("commit")
        # What a transaction is asked for begins with what earlier ones have not yet reported.
        counts = [(name, kind, b - a) for (name, kind, a), (_, _, b) in zip(before, after)]
        seen = Seen(rows, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
                    sorted(r for r, kind, n in counts if kind == "r" and n > 0 and r in LARGE),
                    {r: n for r, kind, n in counts if kind == "i"})
        best = self.seen.get(name)
        if best:
            seen.scans = sorted({*seen.scans, *best.scans})
        if best and best.pages < seen.pages:
            best.scans = seen.scans
        else:
            self.seen[name] = seen

    def levels(self):
        return dict(self.db.query("""select c.relname::text, (bt_metap('millrace.' || c.relname)).level::int from pg_class c
            where c.relnamespace = 'millrace'::regnamespace and c.relkind = 'i'"""))

    # Each of these prepares what its function needs, and measures the call.

    def open(self, *kinds):
        return self.rows("select session from millrace.open_session('w', 'h', '1', %s, 100)", list(kinds))[0][0]

    def held(self, session):
        return self.rows("""select array_agg(kind_no), array_agg(class), array_agg(position), array_agg(upload_id::text),
            array_agg(step_no) from millrace.lease_grant g, unnest(g.kind_nos, g.classes, g.positions) h (k, c, p)
            cross join lateral (select * from millrace.ticket x where x.kind_no = h.k and x.class = h.c and x.position = h.p offset 0) t
            where g.session = %s""", session)[0]

    def claimed(self, kind="plain"):
        session = self.open(kind)
        self.rows("select count(*) from millrace.claim_jobs(%s, %s::smallint, %s, '{}', '{}')", session, self.filler.kinds[kind], self.batch)
        held = self.held(session)
        assert len(held[0]) == (min(self.batch, LIMIT) if kind == "narrow" else self.batch)
        return session, held

    def ordinary(self):
        """What was lost with its worker is no suspect, which would be claimed alone."""
        self.db.query("""set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
            with t as (update millrace.ticket set class = class - 16 where kind_no = any (%s) and class >= 16 returning upload_id, step_no)
            update millrace.job j set class = j.class - 16 from t where j.upload_id = t.upload_id and j.step_no = t.step_no and j.class >= 16""",
                      list(self.filler.kinds.values()))

    def event(self):
        return {"body": 0, "what": "created", "name": "x", "id": str(uuid.uuid4()), "store": "local", "bucket": "bucket-1",
                "key": str(uuid.uuid4()), "etag": "e", "request_id": "r", "size": 1, "trace_text": str(uuid.uuid4())}

    def accept(self):
        events = json.dumps([self.event() for _ in range(self.batch)])
        call = "select * from millrace.accept_uploads('{s3}', '{x}', %s)"
        self.measure("accept_uploads", self.batch, call, events)
        self.measure("accept_uploads: duplicates", self.batch, call, events)
        self.measure("expect_upload", 1, "select millrace.expect_upload(%s, 'local', 'bucket-1', 'k')", str(uuid.uuid4()))

    def claim(self):
        call = "select * from millrace.claim_jobs(%s, %s::smallint, %s, '{}', '{}')"
        self.measure("claim_jobs", self.batch, call, self.open("plain"), self.filler.kinds["plain"], self.batch)
        self.measure("claim_routes", self.batch, "select * from millrace.claim_routes(%s, %s, '{}', '{}')", self.open("route"), self.batch)

    def finish(self):
        detail = json.dumps({"outputs": [{"name": "o", "uri": "file:///y", "size": 1, "sha256": "ab"}], "result": {"a": 1}})
        for outcome, kind in (("done", "plain"), ("error", "plain"), ("permanent", "plain"), ("interrupted", "plain"), ("done", "narrow"),
                              ("done", "wide")):
            if kind == "narrow":
                self.rows("select millrace.wake(%s::smallint[])", [self.filler.kinds["narrow"]])
            session, held = self.claimed(kind)
            n = len(held[0])
            self.measure(f"finish_jobs: {outcome} {kind}", n, FINISH,
                         session, *held, [outcome] * n, [5] * n, [None] * n, [detail if outcome == "done" else None] * n)

        # What another was at: two uploads of those that the wide jobs are of.
        self.rows("""insert into millrace.upload_delta (upload_id, decided, failed, review) select id, 1, 0, 0 from (
            select distinct on (upload_id) upload_id as id from millrace.ticket where kind_no = %s limit 2) x""", self.filler.kinds["wide"])
        self.measure("fold_uploads", 10, "select * from millrace.fold_uploads(0)")

    def expand(self, pipeline=None):
        session = self.open("route")
        self.rows("select count(*) from millrace.claim_routes(%s, %s, '{}', '{}')", session, self.batch)
        _, classes, positions, uploads, _ = self.held(session)
        n = len(uploads)
        assert n == self.batch
        self.measure("expand_uploads", n, """select * from millrace.expand_uploads(%s, %s, %s::smallint[], %s::bigint[], %s::uuid[],
            %s, %s::smallint[], %s::jsonb[], '{}')""", session, pipeline or self.filler.pipeline, classes, positions, uploads,
                     ["expand"] * n, [0] * n, [None] * n)

        self.measure("wake_rules", LIMIT, "select millrace.wake_rules(%s, '{0}')", self.filler.pipeline)

    def keep(self):
        self.rows("select millrace.heartbeat(%s, %s::smallint[], '{0}', %s::bigint[], '{}')", self.open("plain"), [self.filler.kinds["plain"]],
                  [max(self.claimed()[1][2])])
        for _ in range(3):
            self.rows("select * from millrace.sweep_tickets()")
        session, held = self.claimed()
        grants = [g for (g,) in self.rows("select grant_no from millrace.lease_grant where session = %s", session)]
        self.measure("heartbeat", 1, "select millrace.heartbeat(%s, %s::smallint[], '{0}', %s::bigint[], %s::bigint[])",
                     session, [self.filler.kinds["plain"]], [max(held[2])], grants)
        self.rows("select * from millrace.sweep_tickets()")
        self.measure("sweep_tickets", self.batch, "select * from millrace.sweep_tickets()")
        self.measure("fold_tallies", 20, "select * from millrace.fold_tallies()")
        self.measure("promote_due", self.batch, "select * from millrace.promote_due(%s)", self.batch)
        self.measure("wake", 1, "select millrace.wake(%s::smallint[])", [self.filler.kinds["plain"]])
        # Room for as many as were finished: what else is admitted is none.
        self.rows("select millrace.wake(%s::smallint[])", [self.filler.kinds["narrow"]])
        for name, call in (("wake: a limited kind", "select millrace.wake(%s::smallint[])"), ("admit_all", "select * from millrace.admit_all()")):
            session, held = self.claimed("narrow")
            n = len(held[0])
            self.rows(FINISH, session, *held, ["done"] * n, [5] * n, [None] * n, [None] * n)
            self.measure(name, n, call, *([[self.filler.kinds["narrow"]]] if "%s" in call else []))

    def sessions(self):
        call = "select * from millrace.reopen_session(%s, 'w', 'h', '1', '{plain}', 100, %s::smallint[], %s::smallint[], %s::bigint[])"
        self.measure("open_session", 3, "select * from millrace.open_session('w', 'h', '1', '{route,plain,narrow}', 8)")
        session, held = self.claimed()
        self.measure("reopen_session: all kept", self.batch, call, session, *held[:3])
        session, held = self.claimed()
        self.measure("reopen_session: none known", self.batch, call, session, [], [], [])
        session, _ = self.claimed()
        self.measure("close_session", self.batch, "select millrace.close_session(%s)", session)
        self.rows("select * from millrace.rescue_workers(0)")
        self.ordinary()
        session, _ = self.claimed()
        self.measure("rescue_workers", self.batch, "select * from millrace.rescue_workers(0)")
        self.ordinary()

    def read(self):
        upload, sender = self.rows("select id::text, client_trace_id from millrace.upload where state = 'ready' order by id limit 1")[0]
        upload_dead, step = self.rows("select upload_id::text, chr(96 + step_no) from millrace.dead_job where step_no > 0 limit 1")[0]
        self.measure("trace_json", 1, "select millrace.trace_json(%s)", upload)
        self.measure("trace", 1, "select * from millrace.trace(%s)", upload)
        waits = self.rows("select upload_id::text from millrace.ticket where kind_no = %s and session = 0 limit 1", self.filler.kinds["plain"])[0][0]
        self.measure("why", 1, "select millrace.why(%s)", waits)
        self.measure("search_json: trace", 1, "select millrace.search_json(%s)", upload)
        self.measure("search_json: sender's", 1, "select millrace.search_json(%s)", sender)
        self.measure("search_json: key", 1, "select millrace.search_json(%s)", "bucket-1/" + upload)
        # It counts what is dead.
        dead = self.rows("select count(*) from millrace.dead_job")[0][0]
        self.measure("queues_json", dead, "select millrace.queues_json()")
        self.measure("workers_json", 1, "select millrace.workers_json()")
        self.measure("scale_metric", 1, "select millrace.scale_metric('plain')")
        for pause in (True, False):
            self.measure(f"pause_kind: {pause}", 1, "select * from millrace.pause_kind('plain', %s, 'who', 'why')", pause)
        self.measure("dead_json", 50, "select millrace.dead_json(null, 50)")
        self.measure("dead_json: a kind", 50, "select millrace.dead_json('plain', 50)")
        self.measure("recent_json", 50, "select millrace.recent_json(50)")
        self.measure("replay_job", 1, "select * from millrace.replay_job(%s, 'who', 'why')", f"{upload_dead}/{step}")

    def cancel(self):
        """Not of an upload that is not routed: to find its ticket, all such are read."""
        for state in ("queued", "retrying"):
            upload, jobs = self.rows("""select j.upload_id::text, (select count(*) from millrace.job x where x.upload_id = j.upload_id)
                from millrace.job j join millrace.upload u on u.id = j.upload_id where j.state = %s and u.state = 'routed' limit 1""", state)[0]
            self.measure(f"cancel_upload: {state}", jobs, "select * from millrace.cancel_upload(%s, 'who', 'why')", upload)

    def all(self, times):
        for _ in range(times):
            self.accept()
            self.claim()
            self.finish()
            self.expand()
            self.keep()
            self.sessions()
            self.connection = self.connections[1]
            self.read()
            self.cancel()
            self.connection = self.connections[0]
        return self.seen
