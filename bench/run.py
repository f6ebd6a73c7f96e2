#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
`make bench`: every benchmark of the project, one report.

  micro    single pieces of work, ns each (bench/micro); the recent-call table as micro.recent
  tables   what a change of configuration costs, 10 to 1000 members (bench/tables)
  path     the real data plane from memory, messages a second per core (bench/path)

Writes build/bench/report.json. Compare two of them with bench/compare.py.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import environment
import machine
from measure import LOWER, Progress, is_metric, metric, quantity
from path import run as path_run
from tables import run as tables_run

SCHEMA = 2


def run_micro(build, quick, output, progress):
    """What stw-bench-parse writes to its --output."""
    progress.say("micro: our parsers and others' on one corpus")
    core = machine.worker_core()
    command = [machine.program(build, "stw-bench-parse"), "--output", output]
    subprocess.run(command + (["--quick"] if quick else []), check=True,
                   preexec_fn=lambda: machine.pin(core))
    return json.loads(output.read_text())["micro"]


def run_recent(build, quick):
    """ns a look-up or an entry of the recent-call table."""
    core = machine.worker_core()
    done = subprocess.run([machine.program(build, "stw-bench-recent"), "--rounds",
                           "5" if quick else "20"], capture_output=True, text=True, check=True,
                          preexec_fn=lambda: machine.pin(core))
    found = json.loads(done.stdout)
    return {"entries": found["entries"], "calls": found["calls"],
            **{name: metric(runs, "ns", LOWER) for name, runs in found["ns"].items()}}


def summary(report):
    yield from path_run.summary(report["path"])
    yield from tables_run.summary(report["tables"])
    yield "recent-call table   " + ", ".join(
        f"{name} {quantity(value['median'], 'ns')}"
        for name, value in report["micro"]["recent"].items() if is_metric(value))


def run(build, quick, progress, micro_output):
    report = {"schema": SCHEMA, "quick": quick, "seed": path_run.SEED}
    report.update(environment.describe(build))
    start = time.monotonic()
    progress.say(f"commit {report['commit'] or 'unknown'}{' (dirty)' if report['dirty'] else ''}, "
                 f"{report['cpu']['model']}, {report['cpu']['count']} cores")
    if report["load_average"][0] > 0.5:
        progress.say(f"careful: load average {report['load_average'][0]:.1f}; others use the "
                     "machine, so the figures will be too low")
    report["tables"] = tables_run.run(build, quick, progress)
    report["micro"] = run_micro(build, quick, micro_output, progress)
    report["micro"]["recent"] = run_recent(build, quick)
    report["path"] = path_run.run(build, quick, progress)
    report["duration_s"] = round(time.monotonic() - start, 1)
    return report


def main():
    parser = argparse.ArgumentParser(description="all benchmarks, one report")
    parser.add_argument("--build", type=pathlib.Path, default=environment.ROOT / "build")
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument("--output", type=pathlib.Path,
                        help="the report (default: BUILD/bench/report.json)")
    args = parser.parse_args()
    build = args.build.resolve()
    output = args.output or build / "bench" / "report.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    with machine.ends_cleanly():
        report = run(build, args.quick, Progress(), output.parent / "micro.json")
    output.write_text(json.dumps(report, indent=1) + "\n")
    print()
    print("\n".join(summary(report)))
    print(f"report: {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
