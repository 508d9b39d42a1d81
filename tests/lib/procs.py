"""Processes of the binary under test, free ports, and waiting with a deadline."""
import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import sanitizer

REPO = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("MILLRACE_BIN", REPO / "build" / "millrace")).absolute()
SANITIZER = sanitizer.kind_of(BIN)
REPORTS = sanitizer.Reports(SANITIZER)
# Sanitizer builds are several times slower: every deadline grows with this.
SLOW = 4 if SANITIZER else 1
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_until(fn, deadline, what="", also=None, every=0.02):
    """Polls fn until it answers something true and returns that. also() is added to the failure. What a sanitizer has
    reported ends the wait: the process that was to do something is most likely gone."""
    end = time.monotonic() + deadline * SLOW
    while True:
        got = fn()
        if got:
            return got
        assert not REPORTS.waiting(), f"{SANITIZER} has reported something while this was waited for: {what}"
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline * SLOW:g} s: {what or fn.__name__}"
                                 + (f"\n{also()}" if also else ""))
        time.sleep(every)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def http(method, url, body=None, headers=None, timeout=30):
    """(status, body bytes, headers) of one request; any status is an answer."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with NO_PROXY.open(request, timeout=timeout) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read(), e.headers


class Process:
    """One role as a real process, with its log in a file and a probe listener of its own."""

    def __init__(self, role, folder, args=(), env=None, config=None, name=None, probe=True):
        self.role, self.name = role, name or role
        self.folder = Path(folder)
        self.args = [str(a) for a in args]
        self.log = self.folder / f"{self.name}.log"
        self.env = dict(os.environ)
        for key in [k for k in self.env if k.startswith(("MILLRACE_", "PG"))]:
            del self.env[key]
        self.env.update({k: str(v) for k, v in (env or {}).items()})
        if config is not None:
            path = self.folder / f"{self.name}.conf"
            path.write_text(config)
            self.args += ["--config", str(path)]
        self.probe = None
        if probe:
            self.probe = f"http://127.0.0.1:{free_port()}"
            self.args += ["--probe-listen", self.probe.removeprefix("http://")]
        self.process = None

    def start(self, ready=True, deadline=30):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BIN, self.role, *self.args], env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        if ready and self.probe:
            self.wait_ready(deadline)
        return self

    def wait_ready(self, deadline=30):
        wait_until(self.is_ready, deadline, f"{self.name} is ready", also=self.tail)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")
        return self.probe_status("/readyz") == 200

    def probe_status(self, path):
        try:
            return http("GET", self.probe + path, timeout=5)[0]
        except OSError:
            return 0

    def tail(self, n=6000):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.log} ---\n{text[-n:]}"

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def ask_to_end(self):
        """What leaks is told at a good end only; a test that ends by a kill has none."""
        if SANITIZER and self.alive():
            self.process.terminate()

    def kill(self):
        """kill -9, as a lost node would."""
        self.process.kill()
        return self.process.wait(10)

    def signal(self, which):
        self.process.send_signal(which)

    def wait(self, deadline=30):
        return self.process.wait(deadline * SLOW)

    def term(self, deadline=40):
        """SIGTERM and the exit code."""
        if not self.alive():
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(10)
            raise AssertionError(f"{self.name} did not stop\n{self.tail()}") from None

    def cleanup(self):
        if SANITIZER and self.alive():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        if self.alive():
            self.process.kill()
            self.process.wait(10)
