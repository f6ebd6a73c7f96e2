#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
`make bench`: every benchmark of the project, one report.

  micro    single pieces of work, ns each (bench/micro)
  tables   what a change of configuration costs (bench/tables)
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
from measure import LOWER, Progress, metric, quantity
from path import run as path_run

SCHEMA = 1


def run_micro(build, quick, output, progress):
    """What stw-bench-parse writes to its --output."""
    progress.say("micro: our parsers and others' on one corpus")
    core = machine.worker_core()
    command = [machine.program(build, "stw-bench-parse"), "--output", output]
    subprocess.run(command + (["--quick"] if quick else []), check=True,
                   preexec_fn=lambda: machine.pin(core))
    return json.loads(output.read_text())["micro"]


def run_tables(build, quick):
    core = machine.worker_core()
    done = subprocess.run(
        [machine.program(build, "stw-bench-tables"), "--rounds", "5" if quick else "15"],
        capture_output=True, text=True, check=True, preexec_fn=lambda: machine.pin(core))
    rows = {}
    for row in json.loads(done.stdout):
        rows[f"{row['members']}_members"] = {
            "slots": row["slots"],
            "image_bytes": row["image_bytes"],
            "build": metric(row["build_ms"], "ms", LOWER),
            "check": metric(row["check_ms"], "ms", LOWER),
        }
    return rows


def swap_cost(path_report):
    """Swaps in the path's runs: from publishing to the end of the grace period, at full load."""
    found = [swap["swap_us"] for run in path_report["proxy"]["raw"] for swap in run["swaps"]]
    return metric(found, "us", LOWER)


def summary(report):
    yield from path_run.summary(report["path"])
    if "swap" in report["tables"]:
        yield f"tables, swap        {quantity(report['tables']['swap']['median'], 'us')} at full load"
    for name, row in report["tables"].items():
        if name.endswith("_members"):
            yield (f"tables, {name[:-8]:>5}       build {quantity(row['build']['median'], 'ms')}, "
                   f"check and copy {quantity(row['check']['median'], 'ms')}")


def run(build, quick, progress, micro_output):
    report = {"schema": SCHEMA, "quick": quick, "seed": path_run.SEED}
    report.update(environment.describe(build))
    start = time.monotonic()
    progress.say(f"commit {report['commit'] or 'unknown'}{' (dirty)' if report['dirty'] else ''}, "
                 f"{report['cpu']['model']}, {report['cpu']['count']} cores")
    if report["load_average"][0] > 0.5:
        progress.say(f"careful: load average {report['load_average'][0]:.1f}; others use the "
                     "machine, so the figures will be too low")
    progress.say("tables")
    report["tables"] = run_tables(build, quick)
    report["micro"] = run_micro(build, quick, micro_output, progress)
    report["path"] = path_run.run(build, quick, progress)
    report["tables"]["swap"] = swap_cost(report["path"])
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
