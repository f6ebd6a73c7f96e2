#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Compare two reports of `make bench`: bench/compare.py BEFORE.json AFTER.json

Every quantity both have is shown with its change. A change counts only when the runs themselves
tell it from noise: by the rank-sum test (Mann and Whitney, exact for a handful of runs), at five in
a hundred. All else is marked "noise", however large the percentage looks.

Ends with 1 when --fail-above P is given and something became worse by more than P percent.
"""

import argparse
import itertools
import json
import math
import pathlib
import sys

from measure import HIGHER, quantity, walk

SIGNIFICANT = 0.05
EXACT_UP_TO = 20  # runs of both sides together; beyond, the normal approximation is good


def ranks(values):
    """Rank of each value from 1; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            result[place] = (start + 1 + end) / 2
        start = end
    return result


def exact_p(rank, n_a):
    """Share of all ways to deal the ranks that are at least as far from the middle."""
    middle = n_a * (len(rank) + 1) / 2
    distance = abs(sum(rank[:n_a]) - middle)
    total = extreme = 0
    for chosen in itertools.combinations(rank, n_a):
        total += 1
        extreme += abs(sum(chosen) - middle) >= distance - 1e-9
    return extreme / total


def normal_p(rank, n_a):
    n_b = len(rank) - n_a
    middle = n_a * (len(rank) + 1) / 2
    sigma = math.sqrt(n_a * n_b * (len(rank) + 1) / 12)
    distance = max(0.0, abs(sum(rank[:n_a]) - middle) - 0.5)
    return math.erfc(distance / sigma / math.sqrt(2))


def probability(a, b):
    """How likely runs at least this different are when nothing changed."""
    if not a or not b:
        return 1.0
    rank = ranks(list(a) + list(b))
    return exact_p(rank, len(a)) if len(rank) <= EXACT_UP_TO else normal_p(rank, len(a))


class Change:
    def __init__(self, name, before, after):
        self.name = name
        self.before = before
        self.after = after
        median = before["median"]
        self.percent = 100.0 * (after["median"] - median) / median if median else 0.0
        self.p = probability(before["runs"], after["runs"])

    @property
    def verdict(self):
        if self.p >= SIGNIFICANT or self.percent == 0:
            return "noise"
        up = self.percent > 0
        return "better" if up == (self.before["better"] == HIGHER) else "worse"

    def row(self):
        unit = self.before["unit"]
        return (self.name, quantity(self.before["median"], unit),
                quantity(self.after["median"], unit), f"{self.percent:+.1f} %",
                f"{self.before['spread_percent']:.1f} / {self.after['spread_percent']:.1f} %",
                f"{self.p:.3f}", self.verdict)


def changes(before, after):
    """The Change of each quantity that both reports have, in the order of the first."""
    later = dict(walk(after))
    return [Change(name, metric, later[name]) for name, metric in walk(before)
            if name in later and later[name]["unit"] == metric["unit"]]


def only_in_one(before, after):
    a, b = dict(walk(before)), dict(walk(after))
    return sorted(a.keys() ^ b.keys())


def warnings(before, after):
    """What makes the two hard to compare."""
    for what in ("cpu.model", "kernel", "compiler.version", "compiler.buildtype", "dpdk", "quick"):
        values = []
        for report in (before, after):
            for key in what.split("."):
                report = (report or {}).get(key)
            values.append(report)
        if values[0] != values[1]:
            yield f"{what} differs: {values[0]} and {values[1]}"


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1])]
        yield "  ".join(cells + [row[-1]]).rstrip()


HEADINGS = ("quantity", "before", "after", "change", "spread", "p", "verdict")


def show(before, after, found):
    for report, name in ((before, "before"), (after, "after")):
        dirty = " with changes" if report.get("dirty") else ""
        print(f"{name + ':':8}{(report.get('commit') or 'unknown')[:12]}{dirty}, "
              f"{report.get('date', '?')}")
    for warning in warnings(before, after):
        print(f"careful: {warning}")
    print()
    print("\n".join(table([HEADINGS] + [change.row() for change in found])))
    missing = only_in_one(before, after)
    if missing:
        print(f"\nin one report only: {', '.join(missing)}")


def main(argv=None):
    parser = argparse.ArgumentParser(description="change between two benchmark reports")
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("--fail-above", type=float, metavar="PERCENT",
                        help="end with 1 when something became worse by more than this")
    args = parser.parse_args(argv)
    before, after = (json.loads(path.read_text()) for path in (args.before, args.after))
    found = changes(before, after)
    if not found:
        print("the reports have no quantity in common", file=sys.stderr)
        return 2
    show(before, after, found)
    if args.fail_above is None:
        return 0
    return int(any(change.verdict == "worse" and abs(change.percent) > args.fail_above
                   for change in found))


if __name__ == "__main__":
    sys.exit(main())
