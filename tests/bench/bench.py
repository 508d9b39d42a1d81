"""bench.py -- `make bench`: measures every bar of bars.tsv on one PostgreSQL and writes results/."""
import importlib
import os
import shutil
import sys
import tempfile
import time

import peers
from server import HERE, execute, fail
from table import Table

# In this order: what is fast to tell first.
MODULES = ["rows_drain", "rows_first", "rows_router", "rows_latency", "rows_saturated", "rows_backlog", "rows_idle", "rows_sweep", "rows_pinned",
           "rows_limits", "rows_limits_pinned", "rows_steady", "rows_fleet", "rows_parent", "rows_million"]


class Context:
    def __init__(self, folder, quick):
        self.folder, self.quick, self.table = folder, quick, Table()


def wanted(quick):
    named = os.environ.get("ROWS", "")
    modules = [importlib.import_module(m) for m in MODULES if (HERE / f"{m}.py").exists()]
    if not named:
        return [m for m in modules if not quick or getattr(m, "IN_QUICK", True)]
    rows = {int(r) for r in named.split(",")}
    return [m for m in modules if rows & set(m.ROWS)]


def announce(modules, quick):
    which = 0 if quick else 1
    minutes = sum(m.SECONDS[which] for m in modules) / 60
    disk_mb = max(m.DISK_MB[which] for m in modules) + 1100
    print(f"bench: about {minutes:.0f} minutes on 2 quiet cores, at most {disk_mb / 1024:.1f} GB under {tempfile.gettempdir()}; "
          f"{'quick' if quick else 'whole'} run of rows {', '.join(str(r) for m in modules for r in m.ROWS)}", flush=True)
    free_mb = shutil.disk_usage(tempfile.gettempdir()).free / (1 << 20)
    if free_mb < disk_mb:
        fail(f"only {free_mb:.0f} MB are free there")


def measure_all(ctx, modules):
    for module in modules:
        start = time.monotonic()
        module.measure(ctx)
        print(f"-- rows {', '.join(map(str, module.ROWS))}: {time.monotonic() - start:.0f} s", flush=True)


def main():
    quick = os.environ.get("QUICK") == "1"
    modules = wanted(quick)
    announce(modules, quick)
    if sys.argv[1:] == ["--announce"]:
        return
    peers.install()
    execute("create extension pg_stat_statements")
    begin = time.monotonic()
    # Handlers run as another user and must reach the folder.
    with tempfile.TemporaryDirectory(prefix="mr-bench-") as folder:
        os.chmod(folder, 0o755)
        ctx = Context(folder, quick)
        try:
            measure_all(ctx, modules)
        finally:
            # What was measured before a failure is kept; the rows after it are null.
            rows = ctx.table.write(quick, time.monotonic() - begin)
            print("\n" + ctx.table.markdown(), flush=True)
    missed = [str(r["row"]) for r in rows if r["ok"] is False]
    absent = [str(r["row"]) for r in rows if r["ok"] is None]
    print(f"bench: {time.monotonic() - begin:.0f} s; bars missed in rows: {', '.join(missed) or 'none'}; "
          f"not measured in this run: {', '.join(absent) or 'none'}")


if __name__ == "__main__":
    main()
