# SPDX-License-Identifier: BSD-3-Clause
"""
Plots as SVG text: horizontal bars with the spread of their runs, and lines over an axis. Each carries
its own style, for light and dark, so that it stands in a page as well as in a file of its own.
"""

import html
import math

WIDTH = 760
LEFT, RIGHT = 190, 110  # room for names and for figures, of bars
ROW = 26
HEAD = 44
PLOT_HEIGHT = 250
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_BOTTOM = 66, 20, 62
N_COLOURS = 6

STYLE = """
.plot{--ink:#1c1e21;--soft:#6a7078;--grid:#e2e5e9;--c0:#2667c9;--c1:#d9601a;--c2:#17936a;
--c3:#8a4fbf;--c4:#b08400;--c5:#c2356b;font:13px system-ui,sans-serif}
@media (prefers-color-scheme:dark){.plot{--ink:#e6e8eb;--soft:#9aa2ab;--grid:#383d44;--c0:#6ba5f7;
--c1:#f49455;--c2:#4fc79b;--c3:#be90ea;--c4:#e0ba3f;--c5:#ee77a3}}
.plot text{fill:var(--ink)} .plot .soft{fill:var(--soft)} .plot .title{font-weight:600;font-size:15px}
.plot .grid{stroke:var(--grid)} .plot .whisker{stroke:var(--ink);stroke-width:1.5;opacity:.65}
""" + "".join(f".plot .f{i}{{fill:var(--c{i})}} .plot .s{i}{{stroke:var(--c{i})}}"
              for i in range(N_COLOURS))


def number(value):
    """1 234 567 as 1.23 M, with three digits that mean something."""
    if value == 0:
        return "0"
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k"), (1, ""), (1e-3, " m"),
                           (1e-6, " \u00b5")):
        if abs(value) >= factor * 0.9995:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def _svg(title, height, body):
    return (f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" '
            f'height="{height}" viewBox="0 0 {WIDTH} {height}"><title>{html.escape(title)}</title>'
            f"<style>{STYLE}</style>"
            f'<text class="title" x="0" y="18">{html.escape(title)}</text>{body}</svg>')


def _text(x, y, words, anchor="start", kind=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
            f"{html.escape(str(words))}</text>")


def _line(x1, y1, x2, y2, kind):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')


def bars(title, unit, rows):
    """@rows: (name, metric, colour 0..5). The line over a bar's end spans all of its runs."""
    if not rows:
        raise ValueError("nothing to draw")
    top = max([row[1]["max"] for row in rows] + [1e-12])
    scale = (WIDTH - LEFT - RIGHT) / top
    parts = [_text(0, 36, f"{unit}; the line spans all runs", kind="soft")]
    for i, (name, found, colour) in enumerate(rows):
        y = HEAD + i * ROW
        parts.append(_text(LEFT - 8, y + 17, name, "end"))
        parts.append(f'<rect class="f{colour}" x="{LEFT}" y="{y + 4}" height="{ROW - 8}" rx="2" '
                     f'width="{max(1.0, found["median"] * scale):.1f}"/>')
        parts.append(_line(LEFT + found["min"] * scale, y + ROW / 2,
                           LEFT + found["max"] * scale, y + ROW / 2, "whisker"))
        parts.append(_text(LEFT + found["max"] * scale + 8, y + 17, number(found["median"])))
    return _svg(title, HEAD + len(rows) * ROW + 6, "".join(parts))


class Axis:
    """Maps values to pixels, evenly or by their logarithm."""

    def __init__(self, low, high, start, end, log):
        self.log = log and low > 0
        self.low, self.high = self.to(low), self.to(high)
        if self.high <= self.low:
            self.high = self.low + 1
        self.start, self.end = start, end

    def to(self, value):
        return math.log10(value) if self.log else value

    def at(self, value):
        share = (self.to(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        if self.log:
            first, last = math.floor(self.low), math.ceil(self.high)
            steps = (1,) if last - first > 3 else (1, 2, 5)
            found = [m * 10.0 ** e for e in range(first, last + 1) for m in steps]
            return [t for t in found if self.low - 1e-9 <= math.log10(t) <= self.high + 1e-9]
        step = 10 ** math.floor(math.log10((self.high - self.low) / 4))
        while (self.high - self.low) / step > 6:
            step *= 2 if (self.high - self.low) / step <= 12 else 2.5
        first = math.ceil(self.low / step)
        return [i * step for i in range(first, int(self.high / step + 1e-9) + 1)]


def _grid(x, y, x_name, y_name, bottom):
    parts = [_text(0, 36, y_name, kind="soft"),
             _text((x.start + x.end) / 2, bottom + 36, x_name, "middle", "soft")]
    for tick in y.ticks():
        parts.append(_line(x.start, y.at(tick), x.end, y.at(tick), "grid"))
        parts.append(_text(x.start - 6, y.at(tick) + 4, number(tick), "end", "soft"))
    for tick in x.ticks():
        parts.append(_line(x.at(tick), bottom, x.at(tick), bottom + 4, "grid"))
        parts.append(_text(x.at(tick), bottom + 18, number(tick), "middle", "soft"))
    return parts


def _series(i, points, x, y):
    colour = i % N_COLOURS
    path = " ".join(f"{x.at(p[0]):.1f},{y.at(p[1]):.1f}" for p in points)
    parts = [f'<polyline class="s{colour}" fill="none" stroke-width="2" points="{path}"/>']
    for px, py, low, high in points:
        parts.append(_line(x.at(px), y.at(low), x.at(px), y.at(high), f"s{colour}"))
        parts.append(f'<circle class="f{colour}" cx="{x.at(px):.1f}" cy="{y.at(py):.1f}" r="3"/>')
    return parts


def _legend(names, y):
    """As many lines as it takes, and how much higher they are than one."""
    parts, x, top = [], MARGIN_LEFT, y
    for i, name in enumerate(names):
        width = 32 + 7.2 * len(name)
        if x + width > WIDTH and x > MARGIN_LEFT:
            x, y = MARGIN_LEFT, y + 20
        parts.append(f'<rect class="f{i % N_COLOURS}" x="{x:.0f}" y="{y}" width="10" height="10" '
                     'rx="2"/>')
        parts.append(_text(x + 15, y + 9, name))
        x += width
    return parts, y - top


def lines(title, x_name, y_name, series, log_x=False, log_y=False):
    """@series: {name: [(x, y, low, high)]}; the small upright lines are the spread of the runs."""
    points = [p for row in series.values() for p in row]
    bottom = HEAD + PLOT_HEIGHT
    lowest = min(p[2] for p in points)
    x = Axis(min(p[0] for p in points), max(p[0] for p in points), MARGIN_LEFT,
             WIDTH - MARGIN_RIGHT, log_x)
    y = Axis(lowest if log_y and lowest > 0 else 0, max(p[3] for p in points) * 1.05, bottom,
             HEAD, log_y)
    parts = _grid(x, y, x_name, y_name, bottom)
    for i, row in enumerate(series.values()):
        parts += _series(i, row, x, y)
    legend, height = _legend(series, bottom + 46)
    return _svg(title, bottom + MARGIN_BOTTOM + height, "".join(parts + legend))
