"""What a sanitizer in the binary under test has to say: each report becomes a file, so that none is lost in the log of
a process that nobody reads, and conftest.py fails the test in which it came."""
import atexit
import os
import shutil
import tempfile
from pathlib import Path

MARKS = {"asan": b"__asan_init", "tsan": b"__tsan_init"}
# What a process with a report ends with: no exit code of a subcommand's own.
EXIT = 86
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    # At the end of each process it would wait a second for threads that run on.
    "TSAN_OPTIONS": "atexit_sleep_ms=100",
}


def kind_of(binary):
    """What the binary was built with: "asan", "tsan" or None."""
    data = binary.read_bytes() if binary.exists() else b""
    return next((kind for kind, mark in MARKS.items() if mark in data), None)


class Reports:
    """env is for a process that does not inherit our environment; take() answers what is new, told is all of it."""

    def __init__(self, kind):
        self.env, self.folder, self.told = {}, None, []
        if not kind:
            return
        self.folder = Path(tempfile.mkdtemp(prefix="mr-reports-", dir="/tmp"))
        # A process may have changed its user before it has something to say.
        self.folder.chmod(0o1777)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        for name, ours in OPTIONS.items():
            theirs = os.environ.get(name)
            self.env[name] = ":".join(filter(None, [theirs, ours, f"exitcode={EXIT}", f"log_path={self.folder}/report"]))
        os.environ.update(self.env)

    def waiting(self):
        return self.folder is not None and any(self.folder.iterdir())

    def take(self):
        """The text of what was reported since it was last asked for."""
        found = []
        for path in sorted(self.folder.iterdir()) if self.folder else []:
            found.append(f"--- {path.name} ---\n{path.read_text(errors='replace')}")
            path.unlink()
        self.told += found
        return "\n".join(found)
