"""table.py -- the bars of bars.tsv with what was measured: printed lines, summary.json, the README's table, plots."""
import csv
import datetime
import json
import os
import platform
import statistics

from server import HERE

RESULTS = HERE / "results"


def number(v):
    if v is None:
        return "-"
    return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}" if abs(v) >= 0.1 else f"{v:.4f}"


def limit(text):
    return None if text == "-" else float(text)


class Part:
    """One bar: a line of bars.tsv."""

    def __init__(self, line):
        self.row, self.part, self.name = int(line["row"]), line["part"], line["name"]
        self.unit, self.better = line["unit"], line["better"]
        self.must, self.aim = limit(line["must"]), limit(line["aim"])
        self.value = self.low = self.high = None
        self.note = ""

    def met(self, bar):
        if bar is None or self.value is None:
            return None
        if self.better == "equal":
            return self.value == bar
        return self.value <= bar if self.better == "less" else self.value >= bar

    @property
    def ok(self):
        return self.met(self.must)

    def plain(self):
        return {"name": self.name.strip(), "value": self.value, "low": self.low, "high": self.high, "unit": self.unit,
                "better": self.better, "must": self.must, "aim": self.aim, "ok": self.ok, "aim_ok": self.met(self.aim),
                "note": self.note}


class Table:
    """rows: number of the row to its parts. figures: everything else that was seen, printed and kept beside them."""

    def __init__(self):
        self.parts, self.figures, self.plots = {}, [], []
        with open(HERE / "bars.tsv", encoding="utf-8") as file:
            for line in csv.DictReader(file, delimiter="\t"):
                part = Part(line)
                self.parts[part.row, part.part] = part

    def put(self, row, part, values, note=""):
        """Median and range of at least three rounds; one value where a round is minutes long."""
        values = values if isinstance(values, list) else [values]
        p = self.parts[row, part]
        p.value, p.low, p.high = (round(f(values), 5) for f in (statistics.median, min, max))
        p.note = note
        print(self.line(p), flush=True)

    def figure(self, row, name, values, unit):
        values = values if isinstance(values, list) else [values]
        f = {"row": row, "name": name, "value": round(statistics.median(values), 5), "low": round(min(values), 5),
             "high": round(max(values), 5), "unit": unit}
        self.figures.append(f)
        print(f"   {name:<76} {number(f['value']):>9} {unit:<6} {number(f['low'])}..{number(f['high'])}", flush=True)

    @staticmethod
    def line(p):
        verdict = {True: "ok", False: "NOT MET", None: ""}[p.ok]
        note = f" ({p.note})" if p.note else ""
        return (f"{p.row:>2} {p.name:<76} {number(p.value):>9} {p.unit:<6} {number(p.low)}..{number(p.high)}"
                f"  must {number(p.must)}  aim {number(p.aim)}  {verdict}{note}")

    def row(self, n):
        """One line of the table: a lone bar's own values, or lists of them; ok is that of all its bars."""
        parts = [p for (row, _), p in self.parts.items() if row == n]
        oks = [p.ok for p in parts if p.must is not None]
        ok = False if False in oks else None if None in oks or not oks else True
        first = parts[0].name if len(parts) == 1 else "; ".join(p.name.strip() for p in parts)
        alone = len(parts) == 1
        measured = any(p.value is not None for p in parts)
        return {"row": n, "name": first,
                "value": (parts[0].value if alone else [p.value for p in parts]) if measured else None,
                "must": parts[0].must if alone else [p.must for p in parts],
                "aim": parts[0].aim if alone else [p.aim for p in parts],
                "ok": ok, "parts": [p.plain() for p in parts]}

    def write(self, quick, took_s):
        rows = [self.row(n) for n in sorted({row for row, _ in self.parts})]
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "summary.json").write_text(json.dumps({
            "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": machine(), "quick": quick, "took_s": round(took_s), "rows": rows, "figures": self.figures,
        }, indent=1) + "\n")
        (RESULTS / "table.md").write_text(self.markdown())
        for plot in self.plots:
            (RESULTS / f"{plot.name}.svg").write_text(plot.svg())
        return rows

    def markdown(self):
        """What the README shows; to be pasted."""
        lines = ["| row | | figure | range | must | aim | |", "|---|---|---|---|---|---|---|"]
        for p in self.parts.values():
            if p.value is None:
                continue
            verdict = {True: "ok", False: "**missed**", None: ""}[p.ok]
            lines.append(f"| {p.row} | {p.name.strip()} | {number(p.value)} {p.unit} | {number(p.low)}..{number(p.high)} "
                         f"| {number(p.must)} | {number(p.aim)} | {verdict} |")
        lines += ["", "| row | beside it | figure | range |", "|---|---|---|---|"]
        for f in self.figures:
            lines.append(f"| {f['row']} | {f['name'].strip()} | {number(f['value'])} {f['unit']} | {number(f['low'])}..{number(f['high'])} |")
        return "\n".join(lines) + "\n"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")),
                 platform.machine())
    return f"{os.cpu_count()} cores, {model}, load {os.getloadavg()[0]:.1f} at the end"
