"""rows_latency.py -- row 5: from the enqueue call to the start of the handler on an idle system, one lone job at a time."""
import ours
import peers
from plot import Bars
from server import QUEUE, new_database, output

ROWS = (5,)
SECONDS = (60, 420)
DISK_MB = (50, 50)
ROUNDS = 3


def measure(ctx):
    samples = 100 if ctx.quick else 1000
    names = ["millrace", "bare libpq", "graphile-worker", "pg-boss"]
    got = {name: [] for name in names}
    for _ in range(ROUNDS):
        new_database(ours.DATABASE)
        with ours.keeper(ctx.folder):
            got["millrace"].append(output(QUEUE, "wake", samples, PGDATABASE=ours.DATABASE))
        got["bare libpq"].append(peers.floor(samples))
        peers.graphile_new()
        got["graphile-worker"].append(peers.run("graphile.mjs", peers.GRAPHILE, "wake", samples))
        peers.pgboss_new()
        got["pg-boss"].append(peers.run("pgboss.mjs", peers.PGBOSS, "wake", samples))
    for name in names:
        for q in ["p50", "p99"]:
            ctx.table.figure(5, f"{name}, {q}", [g[f"wake_{q}_ms"] for g in got[name]], "ms")
    ctx.table.figure(5, "  of millrace's the enqueue call alone, p50", [g["call_p50_ms"] for g in got["millrace"]], "ms")
    pairs = list(zip(got["millrace"], got["graphile-worker"], got["bare libpq"]))
    ctx.table.put(5, "p50", [m["wake_p50_ms"] / g["wake_p50_ms"] for m, g, _ in pairs])
    ctx.table.put(5, "p99", [m["wake_p99_ms"] - b["wake_p99_ms"] for m, _, b in pairs])
    for q in ["p50", "p99"]:
        ctx.table.plots.append(Bars(f"latency_{q}", f"Idle: enqueue call to handler start, {q}", "ms",
                                    [(n, [g[f"wake_{q}_ms"] for g in got[n]]) for n in names]))
