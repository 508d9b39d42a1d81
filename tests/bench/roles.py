"""roles.py -- real processes of the roles on one database and a folder of buckets, and what they use."""
import json
import pathlib
import re
import time

from procs import Process, free_port, wait_until
from server import BUILD, output, process_cpu_s, stat_of, url

TOKEN = "bench-token"


def pipeline(kind, jobs):
    """One rule, which looks at no object, and so many jobs."""
    return {
        "version": 1,
        "kinds": {kind: {"timeout_s": 60, "attempts": 5}},
        "rules": [{"name": "all", "match": {}, "jobs": [{"step": f"{kind}{n}", "kind": kind} for n in range(jobs)]}],
    }


class Roles:
    """All that was started is gone at the end of a with."""

    CONF = """log-format = json
log-level = warn
pipeline = {folder}/pipeline.json
handlers = {folder}/handlers
results = local/results
scratch = {folder}/scratch
kinds = {kind}
[source bench]
auth = bearer
secret_file = {folder}/token
store = local
[store local]
url = file://{folder}/buckets
"""
    COMPONENT = {"receive": "receiver", "route": "router", "work": "worker", "keep": "keeper", "serve": "reader"}

    def __init__(self, database, folder, kind="noop", jobs=1):
        self.database, self.folder, self.kind = database, pathlib.Path(folder), kind
        for part in ["handlers", "scratch", "buckets/uploads", "buckets/results"]:
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "pipeline.json").write_text(json.dumps(pipeline(kind, jobs)))
        handler = self.folder / "handlers/stamp"
        if not handler.exists():
            handler.write_bytes((BUILD / "bench/stamp").read_bytes())
            handler.chmod(0o755)
        self.running, self.port = [], {}

    def start(self, role, *flags, database_url=None, name=None, every=0.02):
        """The process, ready, and the milliseconds that took."""
        args = ["--database-url", database_url or url(self.database, "bench_" + self.COMPONENT[role]), *flags]
        if role in ("receive", "serve"):
            self.port[role] = free_port()
            args += ["--listen", f"127.0.0.1:{self.port[role]}"]
        if name:
            args += ["--name", name]
        process = Process(role, self.folder, args, config=self.CONF.format(folder=self.folder, kind=self.kind), name=name)
        self.running.append(process)
        begin = time.monotonic()
        process.start(ready=False)
        wait_until(process.is_ready, 30, f"{role} is ready", also=process.tail, every=every)
        return process, (time.monotonic() - begin) * 1000

    def post(self, connections, seconds, rate=0, count=0):
        return output(BUILD / "bench/post", self.port["receive"], "/v1/events/bench", TOKEN, "uploads", connections, seconds,
                      rate, count)

    def cpu_s(self, *roles):
        return sum(process_cpu_s(p.pid) for p in self.running if p.role in roles)

    def stop(self):
        for process in reversed(self.running):
            process.term()
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for process in self.running:
            process.cleanup()


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def private_kb(pid):
    """Memory of its own, of the process and its children: not what is shared with others, as a library's code is."""
    pids = [pid] + [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()
                    for s in [stat_of(p.name)] if s and int(s[1]) == pid]
    return sum(int(kb) for p in pids
               for kb in re.findall(r"^Private_\w+:\s+(\d+)", pathlib.Path(f"/proc/{p}/smaps_rollup").read_text(), re.M))
