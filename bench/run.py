#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
`make bench`: every benchmark of the project, one report.

  tables   what a change of configuration costs, 10 to 1000 members (bench/tables)
  micro    single pieces of work, ns each (bench/micro); the recent-call table as micro.recent
  location  the table of registered users: memory and look-ups, to 10 million (bench/micro)
  registrar  REGISTERs a second, ours and Kamailio's in turns (bench/registrar)
  path     the real data plane from memory, messages a second per core (bench/path)
  memif    the generator, a wire of shared memory, the data plane; testpmd as the ceiling (bench/traffic)
  veth     the same with the kernel's cable; testpmd and Kamailio in our place
  growth   what a message costs against members, pools, its length and its lines (bench/growth)
  sipp     whole calls, correct to the last message, as many as sipp can make (bench/sipp)

Writes build/bench/report.json, report.html and plots/*.svg beside it. Compare two reports with
bench/compare.py. A part that fails leaves its reason in the report ("failed"), the others run on, and
the end is 1.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time
import traceback

import environment
import machine
from measure import HIGHER, LOWER, Progress, is_metric, metric, minutes, quantity, reason, to_json
from growth import run as growth_run
from path import run as path_run
from registrar import run as registrar_run
from report import page, targets
from sipp import run as sipp_run
from tables import run as tables_run
from traffic import veth, wire

SCHEMA = 3


def run_micro(build, quick, progress):
    """What stw-bench-parse writes to its --output, and the recent-call table's figures."""
    core = machine.worker_core()
    output = build / "bench" / "micro.json"
    subprocess.run([machine.program(build, "stw-bench-parse"), "--output", output] +
                   (["--quick"] if quick else []), check=True,
                   stdout=subprocess.DEVNULL, preexec_fn=lambda: machine.pin(core))
    found = json.loads(output.read_text())["micro"]
    for row in found["parse"].values():
        row["ns_per_msg"] = {order: metric(runs, "ns", LOWER)
                             for order, runs in row["ns_per_msg"].items()}
    progress.say("micro: the recent-call table")
    found["recent"] = run_recent(build, quick)
    return found


def run_recent(build, quick):
    """ns a look-up or an entry of the recent-call table."""
    core = machine.worker_core()
    done = subprocess.run([machine.program(build, "stw-bench-recent"), "--rounds",
                           "5" if quick else "20"], capture_output=True, text=True, check=True,
                          preexec_fn=lambda: machine.pin(core))
    found = json.loads(done.stdout)
    return {"entries": found["entries"], "calls": found["calls"],
            **{name: metric(runs, "ns", LOWER) for name, runs in found["ns"].items()}}


LOCATION_UNITS = {"bytes_a_binding": "bytes", "build_ms": "ms", "huge_share": "share"}  # the others are ns


def run_location(build, quick, progress):
    """Memory of a binding, ns a look-up and a change, by the number of bindings."""
    core = machine.worker_core()
    rounds = []
    for i in range(1 if quick else 3):
        progress.say(f"location: round {i + 1}")
        done = subprocess.run([machine.program(build, "stw-bench-location"),
                               "100000" if quick else "10000000"], capture_output=True,
                              text=True, check=True, preexec_fn=lambda: machine.pin(core))
        rounds.append(json.loads(done.stdout))
    return {n: {name: metric([found[n][name] for found in rounds],
                             LOCATION_UNITS.get(name, "ns"),
                             HIGHER if name == "huge_share" else LOWER)
                for name in row if name != "generation"}
            for n, row in rounds[0].items()}


def location_summary(found):
    for n, row in found.items():
        yield f"{int(n):>10,} bindings ".replace(",", " ") + ", ".join(
            f"{name} {quantity(value['median'], value['unit'])}" for name, value in row.items())


def micro_summary(found):
    yield "parse, shuffled     " + ", ".join(
        f"{name} {row['ns_per_msg']['shuffled']['median']:.0f} ns" for name, row in
        found.get("parse", {}).items())
    yield "recent-call table   " + ", ".join(
        f"{name} {quantity(value['median'], 'ns')}"
        for name, value in found["recent"].items() if is_metric(value))


class Part:
    """One part of the report. @quick_s and @full_s: about how long it takes, for the progress."""

    def __init__(self, name, run, summary, quick_s, full_s):
        self.name = name
        self.run = run
        self.summary = summary
        self.expected_s = {True: quick_s, False: full_s}


PARTS = (
    Part("tables", tables_run.run, tables_run.summary, 4, 5),
    Part("micro", run_micro, micro_summary, 7, 9),
    Part("location", run_location, location_summary, 2, 65),
    Part("registrar", registrar_run.run, registrar_run.summary, 12, 160),
    Part("growth", growth_run.run, growth_run.summary, 3, 8),
    Part("path", path_run.run, path_run.summary, 24, 250),
    Part("memif", wire.run, wire.summary, 15, 200),
    Part("veth", veth.run, veth.summary, 24, 270),
    Part("sipp", sipp_run.run, sipp_run.summary, 9, 90),
)


def summary(report):
    for part in PARTS:
        if part.name in report:
            yield from part.summary(report[part.name])
    for name, why in report.get("failed", {}).items():
        yield f"{name}: FAILED: {why}"
    yield from targets.lines(report)
    if "duration_s" in report:
        yield f"time    {minutes(report['duration_s'])}: " + ", ".join(
            f"{name} {seconds:.0f} s" for name, seconds in report["seconds"].items())


def describe(build, quick, progress):
    report = {"schema": SCHEMA, "quick": quick, "seed": path_run.SEED}
    report.update(environment.describe(build))
    progress.say(f"commit {report['commit'] or 'unknown'}{' (dirty)' if report['dirty'] else ''}, "
                 f"{report['cpu']['model']}, {report['cpu']['count']} cores")
    if report["load_average"][0] > 0.5:
        progress.say(f"careful: load average {report['load_average'][0]:.1f}; others use the "
                     "machine, so the figures will be too low")
    return report


def run_part(part, build, quick, report, progress):
    start = time.monotonic()
    progress.say(f"{part.name} begins")
    try:
        found = report[part.name] = part.run(build, quick, progress)
        for name, why in found.pop("failed", {}).items():
            report.setdefault("failed", {})[f"{part.name}.{name}"] = why
    except Exception as error:  # the other parts shall have their figures
        traceback.print_exc()
        why = report.setdefault("failed", {})[part.name] = reason(error)
        progress.say(f"{part.name} FAILED: {why}")
    report["seconds"][part.name] = round(time.monotonic() - start, 1)


def run(build, quick, progress, parts=PARTS):
    report = describe(build, quick, progress)
    report["seconds"] = {}
    start = time.monotonic()
    for number, part in enumerate(parts):
        progress.left_s = sum(later.expected_s[quick] for later in parts[number:])
        run_part(part, build, quick, report, progress)
    growth_run.complete(report)
    report["duration_s"] = round(time.monotonic() - start, 1)
    return report


def chosen(names):
    if names is None:
        return PARTS
    wanted = names.split(",")
    unknown = set(wanted) - {part.name for part in PARTS}
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(part.name for part in PARTS)}")
    return tuple(part for part in PARTS if part.name in wanted)


def write(report, output):
    """The report in all its forms; returns the page's path."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(to_json(report) + "\n")
    return page.write(report, output)


def main():
    parser = argparse.ArgumentParser(description="all benchmarks, one report")
    parser.add_argument("--build", type=pathlib.Path, default=environment.ROOT / "build")
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument("--only", metavar="PART,...", help="these parts only")
    parser.add_argument("--output", type=pathlib.Path,
                        help="the report (default: BUILD/bench/report.json)")
    args = parser.parse_args()
    build = args.build.resolve()
    output = args.output or build / "bench" / "report.json"
    parts = chosen(args.only)
    try:
        with machine.ends_cleanly():
            report = run(build, args.quick, Progress(), parts)
    except KeyboardInterrupt:
        print("stopped; nothing is left behind, and no report is written", file=sys.stderr)
        return 130
    html = write(report, output)
    print()
    print("\n".join(summary(report)))
    print(f"report: {output}, {html}")
    return 1 if "failed" in report else 0


if __name__ == "__main__":
    sys.exit(main())
