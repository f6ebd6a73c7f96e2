# SPDX-License-Identifier: BSD-3-Clause
"""
How the cost of a message grows: with members, pools, the message's length and its header lines. Each
point is a corpus and tables of their own, run through parse, route and rewrite in one process
(stw-bench-stages); passes over all points alternate, so that a slow moment of the machine meets all.

For each stage an exponent is fitted, y ~ x^e, by least squares over the logarithms. The design names
the largest there may be; what grows faster is told in the report ("too_fast").
"""

import json
import math
import subprocess

import machine
from measure import LOWER, metric
from path import balancer

FRAMES = 1024
SEED = 1879
STAGES = ("parse", "route", "rewrite", "checksum")
NOISE = 0.12  # what is constant may seem to grow by so much, from cold caches and noise


class Kind:
    """Something that may grow. @at_most: the exponents of the design by stage, 0 where not named."""

    def __init__(self, name, what, points, quick_points, at_most):
        self.name = name
        self.what = what
        self.points = {True: quick_points, False: points}
        self.at_most = at_most


KINDS = (
    Kind("members", "members", (1, 4, 16, 64, 256, 1024, 4096), (1, 64, 4096), {}),
    Kind("pools", "pools", (1, 4, 16, 64), (1, 64), {}),
    # The body is looked at by the checksum alone.
    Kind("bytes", "bytes a message", (300, 600, 1200, 2400, 4800, 9000), (300, 9000),
         {"checksum": 1}),
    Kind("lines", "header lines", (0, 8, 16, 32, 64, 100), (0, 100),
         {"parse": 1, "checksum": 1, "rewrite": 1}),
)


def exponent(table):
    """e of y ~ x^e through {x: y}."""
    logs = [(math.log(x), math.log(y)) for x, y in table.items() if x > 0 and y > 0]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread if spread else 0.0


class Point:
    """One corpus and its tables. @x: what grows, as it came out."""

    def __init__(self, growth, kind, value):
        directory = growth.work / f"{kind.name}{value}"
        directory.mkdir()
        self.corpus = directory / "corpus.pcap"
        self.config = balancer.write_config(
            directory, balancer.from_memory(self.corpus), [growth.core],
            **({kind.name: value} if kind.name in ("members", "pools") else {}))
        more = [] if kind.name in ("members", "pools") else \
            ["--only", "cancel", f"--{kind.name}", str(value)]
        summary = directory / "corpus.json"
        subprocess.run([growth.tool("stw-bench-corpus"), "--config", self.config, "--output",
                        self.corpus, "--summary", summary, "--count", str(FRAMES), "--seed",
                        str(SEED), *more], check=True, stdout=subprocess.DEVNULL)
        made = json.loads(summary.read_text())
        self.x = {"bytes": made["sip_bytes_mean"],
                  "lines": made["header_lines_mean"]}.get(kind.name, value)
        self.runs = {stage: [] for stage in STAGES}

    def run(self, growth, rounds):
        done = subprocess.run([growth.tool("stw-bench-stages"), "--config", self.config, "--corpus",
                               self.corpus, "--rounds", str(rounds)], capture_output=True,
                              text=True, check=True, preexec_fn=lambda: machine.pin(growth.core))
        found = json.loads(done.stdout)["ns_per_message"]
        for stage in STAGES:
            self.runs[stage].append(min(found[stage]))


class Growth:
    def __init__(self, build, work, core):
        self.build = build
        self.work = work
        self.core = core

    def tool(self, name):
        return machine.program(self.build, name)


def entry(kind, points):
    """growth.KIND of the report, from [(x, {stage: runs})]."""
    series = {stage: {f"{x:g}": metric(runs[stage], "ns", LOWER) for x, runs in points}
              for stage in STAGES}
    exponents = {stage: round(exponent({float(x): found["median"] for x, found in row.items()}), 3)
                 for stage, row in series.items()}
    return {"what": kind.what, "unit": "ns a message", "series": series, "exponent": exponents,
            "at_most": {stage: kind.at_most.get(stage, 0) for stage in STAGES},
            "too_fast": [stage for stage in STAGES
                         if exponents[stage] > kind.at_most.get(stage, 0) + NOISE]}


INDEX_AT_MOST = 0.1  # a larger index is in a farther cache
RULES = {"rules": "rules, a user each", "prefixes": "number prefixes of a rule"}


def rules(growth, quick):
    """growth.rules and growth.prefixes: what it costs to find a request's rule (bench/micro/rules.c).
    """
    done = subprocess.run([growth.tool("stw-bench-rules"), "--rounds", "5" if quick else "15"],
                          capture_output=True, text=True, check=True,
                          preexec_fn=lambda: machine.pin(growth.core))
    found = {}
    for name, row in json.loads(done.stdout).items():
        series = {n: metric(runs, "ns", LOWER) for n, runs in row.items()}
        grows = round(exponent({float(n): m["median"] for n, m in series.items()}), 3)
        found[name] = {"what": RULES[name], "unit": "ns a request", "series": {"find": series},
                       "exponent": {"find": grows}, "at_most": {"find": INDEX_AT_MOST},
                       "too_fast": ["find"] if grows > INDEX_AT_MOST + NOISE else []}
    return found


def bindings(location):
    """growth.bindings, from the figures of the location table (bench/micro/location.c)."""
    series = {stage: {n: row[f"{stage}_ns"] for n, row in location.items()}
              for stage in ("hit", "miss")}
    exponents = {stage: round(exponent({float(n): found["median"] for n, found in row.items()}), 3)
                 for stage, row in series.items()}
    return {"what": "registered users", "unit": "ns a look-up", "series": series,
            "exponent": exponents, "at_most": dict.fromkeys(series, INDEX_AT_MOST),
            "too_fast": [stage for stage in series
                         if exponents[stage] > INDEX_AT_MOST + NOISE]}


def complete(report):
    """Adds to the whole report's growth what another part has measured."""
    if "growth" in report and "location" in report:
        found = report["growth"]["bindings"] = bindings(report["location"])
        report["growth"]["too_fast"] += len(found["too_fast"])


def run(build, quick, progress):
    core = machine.worker_core()
    with machine.stand_aside(core), machine.workspace(0) as (work, _):
        growth = Growth(build, work, core)
        progress.say("growth: a corpus and tables for each point")
        points = {kind.name: [Point(growth, kind, value) for value in kind.points[quick]]
                  for kind in KINDS}
        for number in range(1 if quick else 3):
            progress.say(f"growth: pass {number + 1}")
            for point in (point for row in points.values() for point in row):
                point.run(growth, 10 if quick else 30)
        progress.say("growth: rules")
        found_rules = rules(growth, quick)
    report = {kind.name: entry(kind, [(p.x, p.runs) for p in points[kind.name]])
              for kind in KINDS}
    report.update(found_rules)
    report["too_fast"] = sum(len(found["too_fast"]) for found in report.values())
    return report


def summary(report):
    """Lines for the terminal."""
    for name, found in report.items():
        if name == "too_fast":
            continue
        told = ", ".join(f"{stage} x^{e:.2f}" for stage, e in found["exponent"].items())
        fast = f"; TOO FAST: {', '.join(found['too_fast'])}" if found["too_fast"] else ""
        yield f"growth, {name:<11} {told}{fast}"
