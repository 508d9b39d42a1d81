"""check.py -- `make bench-check`: buffers touched and WAL written by the hot calls, against baselines.tsv.

One session, fixed batches, counts and no times: a busy machine does not change them. A plan that went wrong touches more
buffers. Ten percent over the baseline fails; UPDATE=1 writes a new one."""
import csv
import os
import sys

import ours
from rows_backlog import TICKETS
from server import HERE, QUEUE, execute, forget_statements, new_database, output

BASELINES = HERE / "baselines.tsv"
MARGIN = 1.10
JOBS = 20000
BACKLOG = 200000
CALLS = ["accept_uploads", "claim_routes", "expand_uploads", "claim_jobs", "finish_jobs"]


def counts(database):
    """Of each hot call: buffers touched and WAL bytes, per job."""
    got = {}
    for call in CALLS:
        buffers, wal = execute(
            "select coalesce(sum(s.shared_blks_hit + s.shared_blks_read), 0)::float, coalesce(sum(s.wal_bytes), 0)::float "
            "from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = %s and s.query like %s",
            database, f"%millrace.{call}(%")[0]
        got[f"{call} buffers"], got[f"{call} WAL"] = buffers / JOBS, wal / JOBS
    return got


def drained(name, analyzed):
    """With fresh statistics, and with none at all."""
    database = new_database(name)
    forget_statements()
    if not analyzed:
        output(QUEUE, "fill", JOBS // ours.JOBS_PER_UPLOAD, PGDATABASE=database)
    else:
        output(QUEUE, "fill", 100, PGDATABASE=database)
        output(QUEUE, "drain", 1, 100, 500, PGDATABASE=database)
        execute("analyze", database=database)
        forget_statements()
        output(QUEUE, "fill", JOBS // ours.JOBS_PER_UPLOAD, PGDATABASE=database)
        execute("analyze", database=database)
    output(QUEUE, "drain", 1, 100, JOBS, PGDATABASE=database)
    return counts(database)


def behind_backlog(name):
    """Claims of 100 behind a backlog, per claim."""
    database = new_database(name)
    output(QUEUE, "fill", 200, PGDATABASE=database)
    execute(TICKETS, BACKLOG, database=database)
    forget_statements()
    output(QUEUE, "claim", 10, 100, PGDATABASE=database)
    return {"claim_jobs buffers": counts(database)["claim_jobs buffers"] * JOBS / 10}


def measure():
    execute("create extension pg_stat_statements")
    sets = {"analyzed": drained("check_analyzed", True), "no statistics": drained("check_bare", False),
            f"backlog {BACKLOG}": behind_backlog("check_backlog")}
    return {(state, what): value for state, got in sets.items() for what, value in got.items()}


def write(got):
    with open(BASELINES, "w", encoding="utf-8") as file:
        file.write("state\twhat\tbaseline\n")
        file.writelines(f"{state}\t{what}\t{value:.4g}\n" for (state, what), value in got.items())


def main():
    got = measure()
    if os.environ.get("UPDATE") == "1":
        write(got)
    with open(BASELINES, encoding="utf-8") as file:
        baselines = {(line["state"], line["what"]): float(line["baseline"]) for line in csv.DictReader(file, delimiter="\t")}
    worse = 0
    for key in sorted(baselines.keys() | got.keys()):
        value, baseline = got.get(key), baselines.get(key)
        bad = value is None or baseline is None or value > baseline * MARGIN
        worse += bad
        better = not bad and value < baseline / MARGIN
        print(f"{'FAIL' if bad else 'ok'} {key[0]}, {key[1]}: {value if value is None else round(value, 3)}, "
              f"baseline {baseline}{' (better: UPDATE=1 keeps it)' if better else ''}")
    print(f"bench-check: {len(got) - worse} within 10 % of the baseline, {worse} not")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
