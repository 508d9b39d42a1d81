"""store.py -- store/ and net/sigv4 from Python, through build/tests/lib/store_driver."""
import json
import os
import subprocess

from procs import REPO, SLOW


def _driver():
    out = subprocess.run(["make", "-s", "print-O"], cwd=REPO, check=True, capture_output=True, text=True)
    path = REPO / out.stdout.strip() / "tests" / "lib" / "store_driver"
    subprocess.run(["make", "-s", "store-driver"], cwd=REPO, check=True, timeout=600 * SLOW)
    return path


class Store:
    """call(op, …) → the reply as a dict: rc, http, code, message, and what the operation gives."""

    def __init__(self, env=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.process = subprocess.Popen([_driver()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**clean, **(env or {})}, text=True)

    def call(self, op, **args):
        self.process.stdin.write(json.dumps({"op": op, **args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the driver ended with {self.process.wait(10)} on {op}"
        return json.loads(line)

    def ok(self, op, **args):
        reply = self.call(op, **args)
        assert reply["rc"] == "ok", reply
        return reply

    def refused(self, op, rc, code, **args):
        reply = self.call(op, **args)
        assert (reply["rc"], reply["code"]) == (rc, code), reply
        return reply

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30 * SLOW) == 0
