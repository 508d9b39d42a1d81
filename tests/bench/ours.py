"""ours.py -- the queue through its C face, with a real keeper beside it: fill, drain, and the exact end state."""
import contextlib
import re

from roles import Roles
from server import QUEUE, execute, fail, level, new_database, output, text_of

DATABASE = "bench_queue"
JOBS_PER_UPLOAD = 5
# Where a drain is fastest on two cores.
SESSIONS, BATCH = 4, 500


@contextlib.contextmanager
def keeper(folder, database=DATABASE):
    with Roles(database, f"{folder}/keep") as roles:
        process, _ = roles.start("keep")
        yield process
        roles.stop()


def exact(uploads, jobs, database=DATABASE):
    """Every upload ready, every job done once, by one attempt, and no ticket left; or the run ends here."""
    got = execute("select (select count(*) from millrace.upload), (select count(*) from millrace.upload where state = 'ready'), "
                  "(select count(*) from millrace.job where state = 'done' and tries = 1), "
                  "(select count(*) from millrace.attempt where outcome = 'done'), (select count(*) from millrace.ticket)",
                  database=database)[0]
    if got != (uploads, uploads, jobs, jobs, 0):
        fail(f"{uploads} uploads and {jobs} jobs were due; uploads, ready, done, attempts, tickets left: {got}")


def fill(jobs, database=DATABASE):
    output(QUEUE, "fill", jobs // JOBS_PER_UPLOAD, PGDATABASE=database)
    level(database)


def drain(jobs, sessions=SESSIONS, batch=BATCH, database=DATABASE):
    got = output(QUEUE, "drain", sessions, batch, jobs, PGDATABASE=database)
    if got["jobs"] != jobs:
        fail(f"{jobs} jobs were due, {got['jobs']:.0f} done")
    return got["jobs_per_s"]


def fresh_drain(folder, jobs, sessions=SESSIONS, batch=BATCH):
    """Jobs per second through claim and finish, all kept, on a new database."""
    new_database(DATABASE)
    fill(jobs)
    with keeper(folder):
        rate = drain(jobs, sessions, batch)
    exact(jobs // JOBS_PER_UPLOAD, jobs)
    return rate


def flow(sessions, batch, jobs, seconds, *group_limit):
    """Windows of fill and drain in turn: (when it ended, jobs per second) of each drain, and how many were drained in all."""
    text = text_of(QUEUE, "flow", sessions, batch, jobs, seconds, *group_limit, PGDATABASE=DATABASE)
    windows = [tuple(map(float, w)) for w in re.findall(r"^window (\S+) (\S+) (\S+)$", text, re.M)]
    return [(end, done / took) for end, done, took in windows], int(sum(done for _, done, _ in windows))


def storage(database=DATABASE):
    """Bytes of each table of the queue with its indexes."""
    return dict(execute("select relname, pg_total_relation_size(oid)::float from pg_class "
                        "where relnamespace = 'millrace'::regnamespace and relkind = 'r'", database=database))


def updates(database=DATABASE):
    """Of each table: updates, HOT updates, dead rows."""
    execute("select pg_stat_force_next_flush()", database=database)
    rows = execute("select relname, n_tup_upd, n_tup_hot_upd, n_dead_tup from pg_stat_user_tables where schemaname = 'millrace'",
                   database=database)
    return {name: (total, hot, dead) for name, total, hot, dead in rows}
