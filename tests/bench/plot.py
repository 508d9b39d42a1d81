"""plot.py -- small SVG plots: bars with their range, and lines over time."""
from html import escape

WIDTH, LEFT, RIGHT = 760, 250, 90
COLOURS = ["#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#4a5568"]
HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        'font-family="sans-serif" font-size="12"><rect width="{w}" height="{h}" fill="white"/>'
        '<text x="12" y="20" font-size="14" font-weight="bold">{title}</text>\n')


def text(x, y, what, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(what)}</text>\n'


class Bars:
    """rows: (label, values of the rounds); the bar is the median, the line over it the range."""

    def __init__(self, name, title, unit, rows):
        self.name, self.title, self.unit, self.rows = name, title, unit, [(k, sorted(v)) for k, v in rows if v]

    def svg(self):
        height = 36 + 26 * len(self.rows) + 8
        top = max((v[-1] for _, v in self.rows), default=1) or 1
        out = HEAD.format(w=WIDTH, h=height, title=escape(f"{self.title}, {self.unit}"))
        for i, (label, values) in enumerate(self.rows):
            y, scale = 36 + 26 * i, (WIDTH - LEFT - RIGHT) / top
            middle = values[len(values) // 2]
            colour = COLOURS[0] if label.startswith("millrace") else COLOURS[4]
            out += text(LEFT - 8, y + 14, label, "end")
            out += f'<rect x="{LEFT}" y="{y}" width="{middle * scale:.1f}" height="18" fill="{colour}"/>\n'
            out += (f'<line x1="{LEFT + values[0] * scale:.1f}" x2="{LEFT + values[-1] * scale:.1f}" y1="{y + 9}" y2="{y + 9}" '
                    f'stroke="black" stroke-width="2"/>\n')
            out += text(LEFT + values[-1] * scale + 6, y + 14, f"{middle:,.0f}" if middle >= 100 else f"{middle:.2f}")
        return out + "</svg>\n"


class Lines:
    """series: (label, [(x, y)]); both axes start at 0."""

    def __init__(self, name, title, x_name, y_name, series):
        self.name, self.title, self.x_name, self.y_name, self.series = name, title, x_name, y_name, [s for s in series if s[1]]

    def svg(self):
        height, left, bottom = 360, 70, 310
        points = [p for _, s in self.series for p in s]
        x_top = max((p[0] for p in points), default=1) or 1
        y_top = max((p[1] for p in points), default=1) or 1
        out = HEAD.format(w=WIDTH, h=height, title=escape(self.title))
        for i in range(5):
            y = bottom - (bottom - 40) * i / 4
            out += f'<line x1="{left}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>\n'
            out += text(left - 6, y + 4, f"{y_top * i / 4:,.0f}", "end")
            out += text(left + (WIDTH - 20 - left) * i / 4, bottom + 16, f"{x_top * i / 4:,.0f}", "middle")
        out += text(WIDTH / 2, height - 12, f"{self.x_name}; up: {self.y_name}", "middle")
        for i, (label, series) in enumerate(self.series):
            at = " ".join(f"{left + (WIDTH - 20 - left) * x / x_top:.1f},{bottom - (bottom - 40) * y / y_top:.1f}" for x, y in series)
            colour = COLOURS[i % len(COLOURS)]
            out += f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
            out += f'<text x="{WIDTH - 24}" y="{52 + 16 * i}" text-anchor="end" fill="{colour}">{escape(label)}</text>\n'
        return out + "</svg>\n"
