"""A PgBouncer in transaction mode in front of a cluster, on a socket of its own."""
import contextlib
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from pg import COMPONENTS, run_as
from procs import wait_until

ADMIN = "pool_admin"
PORT = 6432  # names the socket in a folder of its own; no port is opened


class Pooler:
    """Start, stop and restart; every login has a pool of `size` server connections."""

    def __init__(self, cluster, size):
        self.cluster = cluster
        self.root = Path(tempfile.mkdtemp(prefix="mr-pool-", dir="/tmp"))
        self.log = self.root / "log"
        self.process = None
        users = self.root / "users"
        users.write_text("".join(f'"{u}" ""\n' for u in ["postgres", ADMIN, *(f"test_{c}" for c in COMPONENTS)]))
        (self.root / "conf").write_text("\n".join([
            "[databases]", f"* = host={cluster.root}", "[pgbouncer]", "listen_addr =", f"listen_port = {PORT}",
            f"unix_socket_dir = {self.root}", "auth_type = trust", f"auth_file = {users}", f"admin_users = {ADMIN}",
            "pool_mode = transaction", f"default_pool_size = {size}", "max_client_conn = 200", ""]))
        owner = run_as()
        if owner:
            for path in (self.root, users, self.root / "conf"):
                shutil.chown(path, owner["user"], owner["group"])

    def url(self, database, user):
        return f"postgresql:///{database}?host={self.root}&port={PORT}&user={user}"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/pgbouncer", self.root / "conf"], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd="/", start_new_session=True, **run_as())
        wait_until(self._answers, 20, "PgBouncer answers", also=self.tail)

    def _answers(self):
        assert self.process.poll() is None, self.tail()
        try:
            self.show("version")
        except psycopg2.OperationalError:
            return False
        return True

    def tail(self):
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else ""

    def show(self, what):
        """The rows of a SHOW as dictionaries."""
        with contextlib.closing(psycopg2.connect(self.url("pgbouncer", ADMIN), connect_timeout=2)) as c:
            c.autocommit = True
            with c.cursor() as cursor:
                cursor.execute(f"show {what}")
                names = [d[0] for d in cursor.description]
                return [dict(zip(names, row)) for row in cursor.fetchall()]

    def stop(self, how=signal.SIGTERM):
        """SIGTERM is an immediate shutdown: clients and servers are cut off where they are."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(20)
        self.process = None

    def destroy(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


class Pooled:
    """A test's database whose logins go through the pooler; what the test itself asks does not."""

    def __init__(self, db, pooler):
        self.db, self.pooler = db, pooler
        self.query, self.one = db.query, db.one

    def url(self, component):
        return self.pooler.url(self.db.name, f"test_{component}")

    def direct_url(self, component):
        return self.db.url(component)
