"""Every role dies, freezes and loses its database, at random and again and again, under load."""
import hashlib
import json
import os
import random
import signal
import threading
import time
from pathlib import Path

from procs import SLOW, free_port, http, wait_until
from stack import TOKEN, Ledger, record

NIGHTLY = os.environ.get("NIGHTLY") == "1"
FILES = int(os.environ.get("CHAOS_FILES", "2000" if NIGHTLY else "240"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
PAUSE_S = float(os.environ.get("CHAOS_PAUSE_S", "1.0"))
# Between two messages of a sender, so that the load lasts as long as the chaos.
LOAD_PAUSE_S = float(os.environ.get("CHAOS_LOAD_PAUSE_S", "1.2" if NIGHTLY else "0.8"))
HANDLERS = {
    "copy": "cat input >out/copy\nsleep 0.05\n",
    "twice": "cat input input >out/twice\necho '{\"twice\": true}' >result.json\n",
    "flaky": "[ \"$MILLRACE_ATTEMPT\" -gt 1 ] || { echo not yet >&2; exit 1; }\ncat input >out/copy\n",
    "never": "echo no >&2\nexit 65\n",
}
KINDS = {"flaky": {"attempts": 20}}
RULES = [
    {"name": "one", "match": {"key": "a*"}, "jobs": [{"step": "copy", "kind": "copy"}, {"step": "nothing", "kind": "noop"}]},
    {"name": "chain", "match": {"key": "b*"}, "jobs": [
        {"step": "copy", "kind": "copy"}, {"step": "twice", "kind": "twice", "after": ["copy"]},
        {"step": "nothing", "kind": "noop", "after": ["twice"], "required": False, "on_failure": "note"}]},
    {"name": "flaky", "match": {"key": "c*"}, "jobs": [{"step": "flaky", "kind": "flaky"}, {"step": "nothing", "kind": "noop"}]},
    {"name": "never", "match": {"key": "d*"}, "jobs": [{"step": "never", "kind": "never"},
                                                     {"step": "after", "kind": "copy", "after": ["never"]}]},
]
# The end of each rule's uploads, and the state of each of its steps.
ENDS = {"a": ("ready", {"copy": "done", "nothing": "done"}),
        "b": ("ready", {"copy": "done", "twice": "done", "nothing": "done"}),
        "c": ("ready", {"flaky": "done", "nothing": "done"}),
        "d": ("failed", {"never": "failed", "after": "skipped"})}
FILES_OF = {"copy": 1, "twice": 2, "flaky": 1}


class Crowd(threading.Thread):
    """Sends each event to any receiver, again until a 200; now and then twice."""

    def __init__(self, stack, ports, ledger, keys, seed):
        super().__init__(daemon=True)
        self.stack, self.ports, self.ledger, self.todo = stack, ports, ledger, list(keys)
        self.random = random.Random(seed)
        self.refused = {}

    def send(self, body):
        url = f"http://127.0.0.1:{self.random.choice(self.ports)}/v1/events/s3"
        try:
            return http("POST", url, json.dumps({"Records": body}).encode(), {"Authorization": f"Bearer {TOKEN}"}, 10)[0]
        except OSError:
            return 0

    def run(self):
        while self.todo:
            part, self.todo = self.todo[:4], self.todo[4:]
            for key in part:
                self.stack.put(key, key.encode())
            body = [record(key, size=len(key)) for key in part]
            while (status := self.send(body)) != 200:
                self.refused[status] = self.refused.get(status, 0) + 1
                time.sleep(0.05)  # a sender's own pace between tries, not a wait of the test
            for key in part:
                self.ledger.note(key)
            if self.random.random() < 0.2:
                self.send(body)
            time.sleep(LOAD_PAUSE_S * 2 * self.random.random())  # the sender's own pace


class Monkey:
    """Does one bad thing at a time to a stack."""

    def __init__(self, stack, cluster, seed):
        self.stack, self.cluster, self.random = stack, cluster, random.Random(seed)
        self.ports = [free_port() for _ in range(3)]
        self.roles = {"receive": [self.start("receive", i) for i in range(3)]}
        for role, n in (("route", 2), ("work", 3), ("keep", 2)):
            self.roles[role] = [self.start(role, i) for i in range(n)]
        self.frozen = []
        self.done, self.killed = {}, {}

    def start(self, role, i, ready=True):
        args = {"receive": ["--listen", f"127.0.0.1:{self.ports[i]}"],
                "work": ["--slots", "4", "--kinds", ",".join([*HANDLERS, "noop"])]}.get(role, [])
        component = {"receive": "receiver", "route": "router", "work": "worker", "keep": "keeper"}[role]
        return self.stack.start(role, component, *args, ready=ready)

    def note(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    def kill(self, role):
        i = self.random.randrange(len(self.roles[role]))
        p = self.roles[role][i]
        assert p.alive(), f"{p.name} ended by itself with {p.process.returncode}\n{p.tail()}"
        p.kill()
        self.killed[p.pid] = time.time()
        self.note(f"kill -9 {role}")
        self.frozen = [f for f in self.frozen if f[0] is not p]
        self.roles[role][i] = self.start(role, i, ready=False)

    def freeze(self, seconds):
        p = self.random.choice(self.roles["work"] + self.roles["route"])
        p.signal(signal.SIGSTOP)
        self.frozen.append((p, time.monotonic() + seconds))
        self.note(f"stop {p.role}")

    def thaw(self, every=False):
        for f in list(self.frozen):
            if every or time.monotonic() > f[1]:
                if f[0].alive():
                    f[0].signal(signal.SIGCONT)
                self.frozen.remove(f)

    def cut(self):
        try:
            rows = self.stack.db.query("""select pid from pg_stat_activity where datname = current_database()
                and usename like 'test\\_%%'""")
            if rows:
                self.stack.db.query("select pg_terminate_backend(%s)", self.random.choice(rows)[0])
            self.note("connection cut")
        except Exception as e:  # the server may be on its way
            self.note(f"cut: {type(e).__name__}")

    def crash_server(self):
        self.cluster.stop(signal.SIGQUIT)
        self.cluster.start()
        self.note("server restart")

    def act(self):
        self.thaw()
        which = self.random.random()
        if which < 0.6:
            self.kill(self.random.choice(["receive", "route", "work", "work", "keep"]))
        elif which < 0.9:
            self.cut()
        elif len(self.frozen) < 1:
            self.freeze(15)


def check_end(stack, acked):
    db = stack.db
    parents = db.query("select key, count(*), min(state::text) from millrace.upload group by key")
    assert sorted(k for k, _, _ in parents) == sorted(acked)
    assert [(k, n, s) for k, n, s in parents if n != 1 or s != ENDS[k[0]][0]] == []
    steps = {}
    for key, step, state in db.query("""select u.key, s.step, j.state::text from millrace.job j
            join millrace.upload u on u.id = j.upload_id
            join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = j.step_no"""):
        assert step not in steps.setdefault(key, {}), f"{key}/{step} twice"
        steps[key][step] = state
    assert {k: v for k, v in steps.items() if v != ENDS[k[0]][1]} == {}
    for table in ("ticket", "delayed", "lease_grant"):
        wait_until(lambda t=table: db.one(f"select count(*) from millrace.{t}") == 0, 20, f"no {table} is left",
                   also=lambda t=table: str(db.query(f"select * from millrace.{t} limit 20")))
    assert db.query("""select upload_id, step_no from millrace.attempt group by 1, 2
        having max(attempt) <> count(*) or min(attempt) <> 1""") == []
    assert db.query("""select j.upload_id, j.step_no, j.tries, count(a.*) from millrace.job j
        left join millrace.attempt a using (upload_id, step_no) group by 1, 2, 3 having j.tries <> count(a.*)""") == []
    assert db.query("""select j.upload_id, j.step_no from millrace.job j left join millrace.attempt a using (upload_id, step_no)
        where j.state = 'done' group by 1, 2 having count(*) filter (where a.outcome = 'done') <> 1""") == []
    assert db.query("select * from millrace.attempt where started_at > finished_at") == []
    assert db.one("select count(*) from millrace.dead_job") == sum(k[0] == "d" for k in acked)
    check_outputs(db, acked)
    counted = {k: (0, 0, 0) for k in [*HANDLERS, "noop"]}
    counted.update({r[0]: tuple(r[1:]) for r in db.query("""select k.name,
        count(*) filter (where j.state = 'waiting'), count(*) filter (where j.state in ('queued', 'retrying')),
        count(*) filter (where j.state = 'done')
        from millrace.job j join millrace.kind k using (kind_no) group by 1""")})
    told = {r[0]: tuple(r[1:]) for r in db.query("""select k.name, t.waiting, t.queued + t.running + t.retrying, t.done
        from millrace.tallies() t join millrace.kind k using (kind_no) where k.kind_no > 1""")}
    assert told == counted
    # tallies() shows nothing below zero: what was folded must not be there either.
    wait_until(lambda: db.one("select count(*) from millrace.tally_delta") == 0, 20, "all is folded")
    assert db.query("select * from millrace.tally where least(waiting, queued, running, retrying, done) < 0") == []
    assert db.query("select queued, running, retrying from millrace.tallies() where kind_no = 1") == [(0, 0, 0)]


def check_outputs(db, acked):
    found = {}
    for key, step, uri, sha256, outcome in db.query("""select u.key, s.step, o.uri, o.sha256, a.outcome
            from millrace.output o join millrace.upload u on u.id = o.upload_id
            join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = o.step_no
            join millrace.attempt a on (a.upload_id, a.step_no, a.attempt) = (o.upload_id, o.step_no, o.attempt)"""):
        assert (key, step) not in found, f"{key}/{step} has two results"
        found[key, step] = uri
        data = Path(uri.removeprefix("file://")).read_bytes()
        assert outcome == "done" and data == key.encode() * FILES_OF[step]
        assert hashlib.sha256(data).hexdigest() == sha256
    assert set(found) == {(k, s) for k in acked for s, end in ENDS[k[0]][1].items() if end == "done" and s in FILES_OF}


def rescues(db, killed):
    """How long after the kill of its worker each lost job was claimed again."""
    rows = db.query("""select split_part(a.worker, '-', -1)::int, extract(epoch from min(b.claimed_at))::float
        from millrace.attempt a join millrace.attempt b on (b.upload_id, b.step_no) = (a.upload_id, a.step_no)
        and b.attempt > a.attempt where a.outcome = 'lost' group by a.upload_id, a.step_no, a.attempt, a.worker""")
    return sorted(round(at - killed[pid], 1) for pid, at in rows if pid in killed)


def left_over(stack):
    found = [str(p) for p in stack.folder.glob("millrace-work-*")]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            cwd, words = os.readlink(path / "cwd"), (path / "cmdline").read_bytes()
        except OSError:
            continue
        if str(stack.folder) in cwd or (b"mr-stack" in words and str(stack.folder).encode() in words and b"millrace\0" not in words):
            found.append(f"{path.name} {cwd} {words!r}")
    return found


def test_nothing_is_lost_or_doubled_in_chaos(make_stack, own_cluster, tmp_path):
    print(f"seed {SEED}")
    stack = make_stack(HANDLERS, database=own_cluster.new_database(), kinds=KINDS, rules=RULES)
    monkey = Monkey(stack, own_cluster, SEED)
    ledger = Ledger(tmp_path / "ledger")
    keys = [f"{'aaabbbccd'[i % 9]}{i}" for i in range(FILES)]
    crowd = [Crowd(stack, monkey.ports, ledger, keys[i::4], SEED + i) for i in range(4)]
    for t in crowd:
        t.start()
    began = time.monotonic()
    restarts = 0
    while any(t.is_alive() for t in crowd) or not stack.all_final(len(set(ledger.keys()))):
        assert time.monotonic() < began + (900 if NIGHTLY else 150) * SLOW, stack.what_holds()[:4000]
        monkey.act()
        time.sleep(PAUSE_S * (0.5 + monkey.random.random()))  # the chaos' own pace
        if not any(t.is_alive() for t in crowd):
            break
        if restarts < 2 and len(ledger.keys()) > FILES * (restarts + 1) / 3:
            monkey.crash_server()
            restarts += 1
    monkey.thaw(every=True)
    acked = set(ledger.keys())
    assert acked == set(keys)
    stack.wait_final(len(acked), 120)
    print(f"{time.monotonic() - began:.0f} s, {monkey.done}, refused {[t.refused for t in crowd]}")
    print("rescued after", rescues(stack.db, monkey.killed))
    print(stack.db.query("select outcome, count(*) from millrace.attempt where step_no > 0 group by 1"))
    check_end(stack, acked)
    for role in monkey.roles.values():
        for p in role:
            p.wait_ready(30)
            assert p.term() == 0, p.tail()
    assert stack.db.query("select * from millrace.lease_grant g where not exists (select from millrace.worker w where w.session = g.session)") == []
    wait_until(lambda: not left_over(stack), 10, "nothing is left over", also=lambda: "\n".join(left_over(stack)))
