#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Runs a build that counts what it does (meson's b_pgo=generate) on the path benchmark's traffic, so
that the compiler learns what is usual: the whole mixture, and INVITEs that are redirected or
located. `make trained` does the rest. No figure is taken.

  bench/path/train.py --build build-trained
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import machine  # noqa: E402
from measure import Progress  # noqa: E402
from path import more, run  # noqa: E402

MIXES = ("redirect", "located")


class Plan(run.Plan):
    """Counting costs more than what is counted: less than a second is half a million messages."""

    def __init__(self):
        super().__init__(quick=True)
        self.warm_s = 0.0


def train(build, progress):
    core = machine.worker_core()
    with machine.stand_aside(core) as affinity, machine.workspace(run.HUGEPAGES) as (work, _):
        plan = Plan()
        bench = run.PathBench(build, work, plan, progress, core, affinity)
        bench.make_corpus()
        bench.run_once(bench.config, plan.warm_s, plan.run_s)
        progress.say("trained: all of the path benchmark's traffic")
        others = more.More(bench, more.Plan(quick=True))
        # All are made before one is run: they are made by the configuration that stands there.
        for name, rate in [(name, others.prepared(name, more.MIXES[name])) for name in MIXES]:
            rate()
            progress.say(f"trained: {name}")


def main():
    parser = argparse.ArgumentParser(description="what the compiler learns from")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with machine.ends_cleanly():
        train(args.build.resolve(), Progress())
    if not any((args.build / "dataplane").rglob("*.gcda")):
        sys.exit(f"{args.build} counted nothing: it is not a build with -Db_pgo=generate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
