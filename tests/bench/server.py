"""server.py -- the throwaway PostgreSQL: statements, fresh databases, its CPU, its WAL, what it counted."""
import contextlib
import os
import pathlib
import re
import subprocess

import procs
import psycopg2

TOP = pathlib.Path(__file__).resolve().parents[2]
HERE = TOP / "tests/bench"
BUILD = pathlib.Path(os.environ.get("O", TOP / "build")).resolve()
MILLRACE = procs.BIN = BUILD / "millrace"
QUEUE = BUILD / "bench/queue"
PG_BIN = "/usr/lib/postgresql/15/bin"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
COMPONENTS = ["receiver", "router", "worker", "keeper", "reader", "operator"]


def fail(message):
    """What is not exact is no measurement: the run ends with exit code 1."""
    raise SystemExit(f"bench: {message}")


def url(database, user="postgres"):
    return f"postgresql:///{database}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}&user={user}"


def connect(database="postgres"):
    c = psycopg2.connect(url(database), application_name="bench-look")
    c.autocommit = True
    return c


def execute(sql, *args, database="postgres"):
    c = connect(database)
    try:
        with c.cursor() as cursor:
            cursor.execute(sql, args or None)
            return cursor.fetchall() if cursor.description else None
    finally:
        c.close()


def one(sql, *args, database="postgres"):
    return execute(sql, *args, database=database)[0][0]


def values(text):
    """Lines "name value" as a dictionary."""
    return {k: float(v) for k, v in re.findall(r"^(\w+) ([0-9.]+)$", text, re.M)}


def text_of(*command, timeout=3600, **env):
    """What a program prints; its failure is ours."""
    out = subprocess.run([str(c) for c in command], env={**os.environ, **env}, capture_output=True, text=True,
                         timeout=timeout)
    if out.returncode:
        fail(f"{' '.join(map(str, command[:3]))}: {out.stderr.strip()[-2000:]}")
    return out.stdout


def output(*command, **env):
    return values(text_of(*command, **env))


def empty_database(name):
    execute(f"drop database if exists {name} with (force)")
    execute(f"create database {name}")
    return name


def new_database(name):
    empty_database(name)
    subprocess.run([MILLRACE, "migrate", "--database-url", url(name)], check=True, capture_output=True, timeout=120)
    for component in COMPONENTS:
        execute("select millrace.create_login(%s, %s)", f"bench_{component}", component, database=name)
    return name


def drop(name):
    execute(f"drop database if exists {name} with (force)")


def level(database):
    """The same start for everybody: vacuumed, analyzed, all of it on disk."""
    execute("vacuum analyze", database=database)
    execute("checkpoint")


# CPU --------------------------------------------------------------------------------------------------------------------


def stat_of(pid):
    """The fields of /proc/PID/stat from the state on, or None if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2:].split()


def process_cpu_s(pid):
    """What a process, without its children, has used."""
    stat = stat_of(pid)
    return (int(stat[11]) + int(stat[12])) * TICK_S if stat else 0.0


def postmaster():
    return int((pathlib.Path(one("show data_directory")) / "postmaster.pid").read_text().split()[0])


def server_cpu_s():
    """All that the server has used: its living processes, and what it has reaped."""
    master = postmaster()
    before = stat_of(master)
    while True:
        ticks = sum(int(s[11]) + int(s[12]) for pid in os.listdir("/proc") if pid.isdigit()
                    for s in [stat_of(pid)] if s and int(s[1]) == master)
        after = stat_of(master)
        if after[11:15] == before[11:15]:
            return (ticks + sum(map(int, after[11:15]))) * TICK_S
        before = after


def wait_reaped(database, name="%"):
    """Until nobody, or nobody of that name, is connected any more: a backend's CPU is complete once it is reaped."""
    theirs = "from pg_stat_activity where datname = %s and application_name like %s"
    backends = set(execute(f"select pid {theirs}", database, name))
    procs.wait_until(lambda: one(f"select count(*) {theirs}", database, name) == 0
                     and not any(os.path.exists(f"/proc/{pid}") for (pid,) in backends), 30,
                     f"nobody is connected to {database}")


@contextlib.contextmanager
def without_autovacuum():
    """So that the server's CPU is that of the calls alone."""
    execute("alter system set autovacuum = off")
    execute("select pg_reload_conf()")
    try:
        yield
    finally:
        execute("alter system reset autovacuum")
        execute("select pg_reload_conf()")


# What the server counted ------------------------------------------------------------------------------------------------


def wal_bytes():
    return float(one("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))


def forget_statements():
    execute("select pg_stat_statements_reset()")


def statements(database, like="%"):
    """(calls, buffers touched, ms) of what clients sent to that database and looks like that."""
    return execute("select coalesce(sum(s.calls), 0)::float, coalesce(sum(s.shared_blks_hit + s.shared_blks_read), 0)::float, "
                   "coalesce(sum(s.total_exec_time), 0)::float from pg_stat_statements s join pg_database d on d.oid = s.dbid "
                   "where d.datname = %s and s.query like %s", database, like)[0]


@contextlib.contextmanager
def pin(database, locks=False):
    """An old snapshot, as a long report holds one; with locks, those that pg_dump holds on every table."""
    c = psycopg2.connect(url(database))
    try:
        with c.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read read only")
            cursor.execute("select txid_current_snapshot()")
            if locks:
                cursor.execute("select format('%I.%I', schemaname, tablename) from pg_tables "
                               "where schemaname not in ('pg_catalog', 'information_schema')")
                for (table,) in cursor.fetchall():
                    cursor.execute(f"lock table {table} in access share mode")
            yield
    finally:
        c.close()
