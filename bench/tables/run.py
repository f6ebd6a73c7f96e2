# SPDX-License-Identifier: BSD-3-Clause
"""
What a change of configuration costs, for farms of each size:

  build_ms    control makes the image (stw-bench-tables)
  check_ms    the data plane checks and copies it (the same)
  visible_us  from publishing to the moment when every worker has the new tables, at full load: of
              the real data plane, by its own clock
  lost        messages that the real data plane did not send on while it changed tables
  pause_us    a worker's longest turn around a swap (stw-bench-swaps), beside quiet_us, the longest
              of as many turns without one, and turn_us, an ordinary one

A run that lost a message, or in which a change brought no new tables, does not count: the benchmark
fails.
"""

import json
import subprocess

import machine
from measure import LOWER, metric, quantity
from path import balancer

SIZES = (10, 100, 1000)
FRAMES = 16384
SEED = 1911
HUGEPAGES = 256
WEIGHTS = (2, 3, 1)  # of a member, in turn: new tables each time
# Where they stand in the report, and their units.
FIGURES = {"build_ms": "ms", "check_ms": "ms", "visible_us": "us", "pause_us": "us",
           "quiet_us": "us", "turn_us": "us"}


def complaints(swaps, growth):
    """Why these changes of a real data plane must not count."""
    found = growth.complaints()
    generations = [swap["generation"] or 0 for swap in swaps]
    if any(after <= before for before, after in zip([0] + generations, generations)):
        found.append(f"a change brought no new tables: generations {generations}")
    if not swaps:
        found.append("no swap was seen")
    return found


def entry(built, swaps, lost, pauses):
    """tables.SIZE of the report."""
    runs = {"build_ms": built["build_ms"], "check_ms": built["check_ms"],
            "visible_us": [swap["swap_us"] for swap in swaps],
            **{name: pauses[name] for name in ("pause_us", "quiet_us", "turn_us")}}
    return {"slots": built["slots"], "image_bytes": built["image_bytes"], "swaps": len(swaps),
            "lost": lost, "worst_pause_us": max(runs["pause_us"]),
            **{name: metric(runs[name], unit, LOWER) for name, unit in FIGURES.items()}}


class TablesBench:
    def __init__(self, build, work, core, affinity, swaps):
        self.build = build
        self.work = work
        self.core = core
        self.affinity = affinity
        self.swaps = swaps

    def output(self, name, *args, **more):
        return subprocess.run([machine.program(self.build, name), *map(str, args)],
                              capture_output=True, text=True, check=True, **more).stdout

    def built(self, rounds):
        """{members: what stw-bench-tables found}."""
        rows = json.loads(self.output("stw-bench-tables", "--rounds", rounds,
                                      preexec_fn=lambda: machine.pin(self.core)))
        return {row["members"]: row for row in rows}

    def swap_live(self, config):
        """Changes weights of a real data plane at full load. Returns (swaps, lost)."""
        with balancer.Balancer(self.build, config, self.work, self.affinity) as system:
            first = system.sample()
            swaps = [system.swap(WEIGHTS[i % len(WEIGHTS)]) for i in range(self.swaps)]
            growth = system.sample().since(first)
            system.check_alive()
        found = complaints(swaps, growth)
        if found:
            raise balancer.BalancerError("swaps do not count: " + "; ".join(found))
        return swaps, growth.lost

    def measure(self, members, built):
        corpus = self.work / "corpus.pcap"
        config = balancer.write_config(self.work, balancer.from_memory(corpus), [self.core],
                                       members=members)
        self.output("stw-bench-corpus", "--config", config, "--output", corpus, "--summary",
                    self.work / "corpus.json", "--count", FRAMES, "--seed", SEED)
        swaps, lost = self.swap_live(config)
        pauses = json.loads(self.output("stw-bench-swaps", "--config", config, "--corpus", corpus,
                                        "--core", self.core, "--swaps", self.swaps))
        return entry(built, swaps, lost, pauses)


def run(build, quick, progress):
    """Returns its part of the report: {"10": .., "100": .., "1000": ..}."""
    core = machine.worker_core()
    report = {}
    with machine.workspace(HUGEPAGES) as (work, _):
        bench = TablesBench(build, work, core, None, 10 if quick else 30)
        progress.say("tables: build and check")
        built = bench.built(5 if quick else 15)
        for members in SIZES:
            progress.say(f"tables: swaps under load, {members} members")
            bench.work = work / str(members)
            bench.work.mkdir()
            with machine.stand_aside(core) as bench.affinity:
                report[str(members)] = bench.measure(members, built[members])
    return report


def summary(report):
    """Lines for the terminal."""
    for members, row in report.items():
        yield (f"tables, {members:>4} members build {quantity(row['build_ms']['median'], 'ms')}, "
               f"visible {quantity(row['visible_us']['median'], 'us')}, "
               f"lost {row['lost']} in {row['swaps']} swaps, "
               f"pause {quantity(row['pause_us']['median'], 'us')} "
               f"(worst {quantity(row['worst_pause_us'], 'us')}; without a swap "
               f"{quantity(row['quiet_us']['median'], 'us')})")
