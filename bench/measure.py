# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of a benchmark: repeated runs with their median and spread, how a report is written, and
progress lines."""

import json
import statistics
import sys
import time

HIGHER = "higher"
LOWER = "lower"
LINE = 120  # of a report as text
REASON = 500  # of what a failed program said


def metric(runs, unit, better):
    """A measured quantity: every run is kept; compare.py looks for dictionaries of this form."""
    runs = [float(run) for run in runs]
    if not runs:
        raise ValueError("a metric needs at least one run")
    median = statistics.median(runs)
    spread = 100.0 * (max(runs) - min(runs)) / median if median else 0.0
    return {
        "unit": unit,
        "better": better,
        "median": median,
        "min": min(runs),
        "max": max(runs),
        "spread_percent": round(spread, 2),
        "runs": runs,
    }


def is_metric(value):
    return isinstance(value, dict) and isinstance(value.get("runs"), list) and \
        "median" in value and "better" in value


def walk(tree, prefix=""):
    """Yields (dotted path, metric) for each metric in a report."""
    if is_metric(tree):
        yield prefix, tree
    elif isinstance(tree, dict):
        for key in tree:
            yield from walk(tree[key], f"{prefix}.{key}" if prefix else key)
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from walk(item, f"{prefix}[{index}]")


def reason(error):
    """Why something failed, with the end of what a program said that was started for it."""
    said = getattr(error, "stderr", None) or ""
    said = (said.decode(errors="replace") if isinstance(said, bytes) else said).strip()
    return f"{type(error).__name__}: {error}" + (f": {said[-REASON:]}" if said else "")


def to_json(tree, indent=""):
    """@tree as JSON: what fits in a line, and each metric with all its runs, is one."""
    whole = json.dumps(tree)
    if not tree or not isinstance(tree, (dict, list)) or is_metric(tree) or \
            len(indent) + len(whole) <= LINE:
        return whole
    deeper = indent + " "
    if isinstance(tree, dict):
        rows = [f"{json.dumps(str(key))}: {to_json(value, deeper)}" for key, value in tree.items()]
    else:
        rows = [to_json(value, deeper) for value in tree]
    begin, end = "{}" if isinstance(tree, dict) else "[]"
    return f"{begin}\n{deeper}" + f",\n{deeper}".join(rows) + f"\n{indent}{end}"


def quantity(value, unit):
    """A value for people: 3 241 000 1/s as 3.24 M/s."""
    if unit == "1/s":
        for factor, letter in ((1e6, "M"), (1e3, "k")):
            if abs(value) >= factor:
                return f"{value / factor:.2f} {letter}/s"
        return f"{value:.0f} /s"
    if not unit:
        return f"{value:g}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:.{digits}f} {unit}"


class Progress:
    """One line a step on standard error, with the time since the start and, once @left_s is set, about
    how long is left."""

    def __init__(self, stream=sys.stderr):
        self.stream = stream
        self.start = time.monotonic()
        self._until = None

    @property
    def left_s(self):
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    @left_s.setter
    def left_s(self, seconds):
        self._until = time.monotonic() + seconds

    def say(self, text):
        left = "" if self.left_s is None else f", about {minutes(self.left_s)} left"
        print(f"[{minutes(time.monotonic() - self.start)}{left}] {text}", file=self.stream,
              flush=True)


def minutes(seconds):
    """75 as 1:15."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
