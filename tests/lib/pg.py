"""A throwaway PostgreSQL 15 cluster on a socket of its own; never the machine's default one."""
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from procs import BIN, wait_until

COMPONENTS = ("receiver", "router", "worker", "keeper", "reader", "operator")


def pg_bin():
    """The folder of PostgreSQL 15's server programs."""
    for folder in (os.environ.get("PG_BINDIR"), "/usr/lib/postgresql/15/bin"):
        if folder and os.access(os.path.join(folder, "initdb"), os.X_OK):
            return Path(folder)
    found = shutil.which("initdb")
    if not found:
        raise RuntimeError("no initdb: apt-get install postgresql-15")
    return Path(found).parent


def run_as():
    """What makes a server program run as postgres when the tests run as root: initdb refuses root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Cluster:
    """initdb once, then start, stop and kill -9 as often as a test likes."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="mr-pg-", dir="/tmp"))
        self.data = self.root / "data"
        self.log = self.root / "log"
        self.process = None
        self._numbers = itertools.count(1)
        if os.getuid() == 0:
            shutil.chown(self.root, "postgres", "postgres")
        # The image's own locale settings must not decide how a test sorts.
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.root)}
        subprocess.run(
            [pg_bin() / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--no-sync", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, env=self.env, cwd="/", **run_as())

    def url(self, database="postgres", user="postgres"):
        return f"postgresql:///{database}?host={self.root}&user={user}"

    def start(self, deadline=30, options=()):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [pg_bin() / "postgres", "-D", self.data, "-k", self.root,
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200",
                 "-c", "log_min_duration_statement=-1", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd="/",
                start_new_session=True, **run_as())
        wait_until(self._answers, deadline, "PostgreSQL answers", also=self._log_tail)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with {self.process.returncode}\n{self._log_tail()}")
        try:
            psycopg2.connect(self.url(), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _log_tail(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def stop(self, how=signal.SIGINT, deadline=30):
        """SIGINT is a fast stop, SIGQUIT an immediate one."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(deadline)
        self.process = None

    def kill(self):
        """kill -9 of the postmaster; its children notice and end by themselves."""
        self.process.kill()
        self.process.wait(10)
        self.process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _family(self):
        """The postmaster and every process that it started; each of these leads a group of its own."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def freeze(self):
        """All of it stops where it is, as on a machine that hangs: connections stay open, nothing answers."""
        # The postmaster first: it starts no other then.
        os.kill(self.process.pid, signal.SIGSTOP)
        for pid in self._family()[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in reversed(self._family()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def destroy(self):
        if self.process and self.process.poll() is None:
            self.thaw()
        with contextlib.suppress(Exception):
            self.stop(signal.SIGQUIT, 10)
        shutil.rmtree(self.root, ignore_errors=True)

    def execute(self, sql, *args, database="postgres"):
        with contextlib.closing(psycopg2.connect(self.url(database))) as c:
            c.autocommit = True
            with c.cursor() as cursor:
                cursor.execute(sql, args or None)
                return cursor.fetchall() if cursor.description else None

    def make_template(self):
        """A migrated database to copy, and one login role per component."""
        self.execute("create database template_millrace")
        migrate(self.url("template_millrace"))
        for component in COMPONENTS:
            self.execute("select millrace.create_login(%s, %s)", f"test_{component}", component,
                         database="template_millrace")

    def new_database(self):
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"create database {name} template template_millrace")
        return Database(self, name)


class Database:
    """One test's own database; url(component) is a least-privilege login."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    def url(self, component=None):
        return self.cluster.url(self.name, f"test_{component}" if component else "postgres")

    def query(self, sql, *args):
        """Rows of a statement run as the owner, in autocommit."""
        return self.cluster.execute(sql, *args, database=self.name)

    def one(self, sql, *args):
        rows = self.query(sql, *args)
        assert len(rows) == 1, f"{len(rows)} rows: {sql}"
        return rows[0][0]

    def drop(self):
        self.cluster.execute(f"drop database if exists {self.name} with (force)")


def migrate(url):
    # The harness's own MILLRACE_* would be unknown settings to the binary.
    env = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    subprocess.run([BIN, "migrate", "--database-url", url], check=True, stdin=subprocess.DEVNULL,
                   capture_output=True, text=True, timeout=120, env=env)
