"""`millrace dev` as a process: its state folder, its lines, its JSON."""
import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from procs import BIN, REPO, SLOW, http, wait_until

LINE = re.compile(r"^(\w+) +(.*)  open (http://\S+)/t/(trace_[0-9A-Z]{26})", re.M)


def clean_env():
    return {k: v for k, v in os.environ.items() if not k.startswith(("MILLRACE_", "PG", "AWS_"))}


class Dev:
    """One state folder; start and stop it as often as a test likes."""

    def __init__(self, *args, handlers="deploy/handlers", pipeline="deploy/demo/pipeline.json"):
        # Not pytest's folder: the server's own user must be able to enter it.
        self.state = Path(tempfile.mkdtemp(prefix="mr-dev-", dir="/tmp"))
        self.state.chmod(0o711)
        self.output = self.state / "output"
        self.args = ["--state-dir", self.state, "--handlers", REPO / handlers,
                     "--pipeline", REPO / pipeline, "--listen", "127.0.0.1:0", *args]
        self.process = None

    @property
    def uploads(self):
        return self.state / "buckets" / "uploads"

    def start(self, *args, ready=True, deadline=60, env=None):
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                [BIN, "dev", *map(str, self.args), *map(str, args)], stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, env=clean_env() | (env or {}), start_new_session=True)
        if ready:
            wait_until(self._ready, deadline, "dev is ready", also=self.tail)
        return self

    def _ready(self):
        assert self.process.poll() is None, self.tail()
        return (self.state / "ready").exists()

    def tail(self):
        logs = "".join(f"--- {p.name} ---\n{p.read_text(errors='replace')[-1500:]}\n"
                       for p in sorted((self.state / "log").glob("*.log")))
        return f"--- dev ---\n{self.output.read_text(errors='replace')[-4000:]}\n{logs}"

    def url(self):
        return (self.state / "ready").read_text().strip()

    def api(self, path):
        status, body, _ = http("GET", self.url() + path)
        assert status == 200, f"{path}: {status} {body[:500]}"
        return json.loads(body)

    def lines(self):
        """{key: [(state, trace ID)]} of what it said of uploads."""
        found = {}
        for state, key, _, trace in LINE.findall(self.output.read_text(errors="replace")):
            found.setdefault(key, []).append((state, trace))
        return found

    def final(self, key, deadline=60):
        """(state, the whole trace) of the newest upload of that key, once it is final."""
        state, trace = wait_until(lambda: self.lines().get(key), deadline, f"{key} is final",
                                  also=self.tail)[-1]
        got = self.api(f"/api/v1/traces/{trace}")
        assert got["upload"]["state"] == state
        return state, got

    def children(self):
        """{subcommand or "postgres": process ID} of what it started."""
        pid = self.process.pid
        found = {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(words) < 2:  # ended, not yet waited for
                continue
            name = "postgres" if words[0].endswith(b"postgres") else words[1].decode()
            found[name] = int(child)
        return found

    def stop(self, how=signal.SIGINT, deadline=60):
        self.process.send_signal(how)
        return self.process.wait(deadline * SLOW)

    def cleanup(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        subprocess.run(["rm", "-rf", self.state], check=False)


def path_of(uri):
    """The path of a file:// URI."""
    assert uri.startswith("file:///"), uri
    return Path(urllib.parse.unquote(uri.removeprefix("file://")))
