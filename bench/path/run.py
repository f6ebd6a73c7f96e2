#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
The path benchmark: the real data plane, proxy mode, fed from memory. Figures:

  proxy    messages a second through one worker's whole path, from its own counters
  floor    the same file through testpmd on the same core: what receiving and sending alone cost
  stages   parse, route and rewrite by themselves, in one process
  pieces   hash of a Call-ID, MAC of a cookie, Maglev, checksum, from the caches
  worker_stages_ns   the stages of the real worker, by its own clock
  mixes, bursts, workers   see bench/path/more.py

Runs of balancer and floor alternate, each between two calibrations of the core, so that a slow
moment of the machine meets both. A run in which one message was dropped or answered does not count:
the benchmark fails.

  bench/path/run.py --build build [--quick] [--output FILE.json]
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import machine  # noqa: E402
from measure import HIGHER, LOWER, Progress, metric, quantity, to_json  # noqa: E402
from path import balancer, more, profile, testpmd  # noqa: E402

FRAMES = 16384
SEED = 1891
HUGEPAGES = 320  # of 2 MiB: what a data plane of two workers takes, the largest


class Plan:
    """How long and how often."""

    def __init__(self, quick):
        self.rounds = 3 if quick else 5
        self.floor_every = 3 if quick else 1  # rounds
        self.warm_s = 0.3 if quick else 2.0
        self.run_s = 0.8 if quick else 4.0
        self.floor_s = 0.6 if quick else 2.0
        self.stage_rounds = 10 if quick else 100
        self.profile_s = 0.0 if quick else 4.0


class PathBench:
    def __init__(self, build, work, plan, progress, core, affinity):
        self.build = pathlib.Path(build)
        self.work = pathlib.Path(work)
        self.plan = plan
        self.progress = progress
        self.core = core
        self.affinity = affinity
        self.other_core = min(affinity - {core} or {core})
        self.corpus = self.work / "corpus.pcap"
        self.device = balancer.from_memory(self.corpus)
        self.config = balancer.write_config(self.work, self.device, [core])
        self.runs = []
        self.floor_runs = {"io": [], "rxonly": []}
        self.above_floor = []  # ns, of rounds that had both
        self.worker_stages = {}
        self.profile = None

    def tool(self, name):
        return machine.program(self.build, name)

    def make_corpus(self, output=None, *more):
        summary = self.work / "corpus.json"
        subprocess.run([self.tool("stw-bench-corpus"), "--config", self.config, "--output",
                        output or self.corpus, "--summary", summary, "--count", str(FRAMES),
                        "--seed", str(SEED), *more], check=True, stdout=subprocess.DEVNULL)
        return json.loads(summary.read_text())

    def calibrate(self):
        return machine.calibrate(self.tool("stw-bench-calibrate"), self.core)

    def run_balancer(self, number):
        """One run of the proxy, with what else is asked of the first. Returns what is kept of it."""
        def afterwards(system):
            if number == 0 and self.plan.profile_s:
                self.profile = profile.record(self.core, self.plan.profile_s, self.work)
            system.check_alive()

        before = self.calibrate()
        growth, stages = self.run_once(self.config, self.plan.warm_s, self.plan.run_s, afterwards)
        for name, ns in stages.items():
            self.worker_stages.setdefault(name, []).append(ns)
        return {"messages": growth.counters["sent"], "seconds": round(growth.seconds, 6),
                "msg_per_s": growth.per_s(), "counters": growth.counters,
                "calibration": [before, self.calibrate()]}

    def run_once(self, config, warm_s, run_s, afterwards=balancer.Balancer.check_alive, end="sent"):
        """A fresh pair of processes on @config. Returns (Growth, {stage: ns a message})."""
        with balancer.Balancer(self.build, config, self.work, self.affinity, end=end) as system:
            time.sleep(warm_s)
            before, first = system.stage_seconds(), system.sample()
            time.sleep(run_s)
            last, after = system.sample(), system.stage_seconds()
            growth = last.since(first)
            complaints = growth.complaints(end)
            afterwards(system)
        if complaints:
            raise balancer.BalancerError("run does not count: " + "; ".join(complaints))
        return growth, {name: 1e9 * balancer.TIMED_ONE_IN * (seconds - before[name]) /
                        growth.counters[end] for name, seconds in after.items()}

    def run_floor(self, mode, hugepages):
        rate = testpmd.rate(self.device, mode, self.core, self.other_core, hugepages,
                            self.plan.floor_s, self.work / f"testpmd-{mode}.log")
        self.floor_runs[mode].append(rate)
        return rate

    def run_all(self, hugepages):
        with_floor = shutil.which("dpdk-testpmd") is not None
        if not with_floor:
            self.progress.say("path: no floor, as dpdk-testpmd is not installed (Debian: dpdk-dev)")
        for number in range(self.plan.rounds):
            run = self.run_balancer(number)
            self.runs.append(run)
            told = f"run {number + 1} of {self.plan.rounds}: proxy " \
                   f"{quantity(run['msg_per_s'], '1/s')}"
            if with_floor and number % self.plan.floor_every == 0:
                for mode in self.floor_runs:
                    told += f", testpmd {mode} {quantity(self.run_floor(mode, hugepages), '1/s')}"
                self.above_floor.append(1e9 / run["msg_per_s"] - 1e9 / self.floor_runs["io"][-1])
            self.progress.say(told)

    def stages(self):
        done = subprocess.run(
            [self.tool("stw-bench-stages"), "--config", self.config, "--corpus", self.corpus,
             "--rounds", str(self.plan.stage_rounds)],
            capture_output=True, text=True, check=True,
            preexec_fn=lambda: machine.pin(self.core))
        result = json.loads(done.stdout)
        times = result["ns_per_message"]
        result["cycles_per_message"] = {
            name: metric([ns * result["ticks_hz"] / 1e9 for ns in runs], "cycles", LOWER)
            for name, runs in times.items()}
        result["ns_per_message"] = {name: metric(runs, "ns", LOWER) for name, runs in times.items()}
        return result

    def pieces(self):
        """ns of the pieces of a stage; see bench/path/pieces.c."""
        done = subprocess.run(
            [self.tool("stw-bench-pieces"), "--config", self.config, "--corpus", self.corpus,
             "--rounds", str(self.plan.stage_rounds)],
            capture_output=True, text=True, check=True,
            preexec_fn=lambda: machine.pin(self.core))
        return {name: metric(runs, "ns", LOWER)
                for name, runs in json.loads(done.stdout)["ns"].items()}

    def report(self, corpus, stages):
        rates = [run["msg_per_s"] for run in self.runs]
        rate = metric(rates, "1/s", HIGHER)
        messages = [run["messages"] for run in self.runs]
        busy = [run["counters"].get("cycles_busy", 0) for run in self.runs]
        proxy = {
            "msg_per_s_per_core": rate["median"],
            "min": rate["min"],
            "max": rate["max"],
            "rate": rate,
            "ns_per_message": metric([1e9 / value for value in rates], "ns", LOWER),
            "tsc_cycles_per_message": metric([b / m for b, m in zip(busy, messages)], "cycles",
                                             LOWER),
            "bytes_per_message": corpus["sip_bytes_mean"],
            "worker_core": self.core,
            "raw": self.runs,
        }
        floor = {mode: metric(runs, "1/s", HIGHER)
                 for mode, runs in self.floor_runs.items() if runs}
        if self.above_floor:
            proxy["ns_above_floor"] = metric(self.above_floor, "ns", LOWER)
        return {"corpus": corpus, "proxy": proxy, "floor": floor, "stages": stages,
                "worker_stages_ns": {name: metric(runs, "ns", LOWER)
                                     for name, runs in self.worker_stages.items()},
                "profile": self.profile}


def run(build, quick, progress):
    """Runs the whole path benchmark. Returns its part of the report."""
    core = machine.worker_core()
    with machine.stand_aside(core) as affinity, machine.workspace(HUGEPAGES) as (work, huge):
        bench = PathBench(build, work, Plan(quick), progress, core, affinity)
        progress.say(f"path: {FRAMES} frames, seed {SEED}; each is routed before it is used")
        corpus = bench.make_corpus()
        progress.say(f"path: {corpus['sip_bytes_mean']} bytes of SIP a message, "
                     f"{len(corpus['shapes'])} shapes; worker on core {core}, "
                     f"{'2 MiB pages' if huge else 'ordinary pages'}")
        bench.run_all(huge)
        progress.say("path: stage by stage")
        report = bench.report(corpus, bench.stages())
        report["pieces"] = bench.pieces()
        report["hugepages"] = huge
        report.update(more.run(bench, quick))
        return report


def summary(report):
    """Lines for the terminal."""
    proxy = report["proxy"]
    yield (f"proxy, whole path   {quantity(proxy['msg_per_s_per_core'], '1/s')} per core "
           f"(median of {len(proxy['rate']['runs'])}; {quantity(proxy['min'], '1/s')} to "
           f"{quantity(proxy['max'], '1/s')}), {proxy['ns_per_message']['median']:.0f} ns and "
           f"{proxy['bytes_per_message']:.0f} bytes a message")
    for mode, rate in report["floor"].items():
        yield f"floor, testpmd {mode:7} {quantity(rate['median'], '1/s')}"
    stages = report["stages"]["ns_per_message"]
    yield "stages              " + ", ".join(
        f"{name} {value['median']:.1f} ns" for name, value in stages.items())
    if report["worker_stages_ns"]:
        yield "stages of a worker  " + ", ".join(
            f"{name} {value['median']:.1f} ns"
            for name, value in report["worker_stages_ns"].items())
    if "pieces" in report:
        yield "pieces              " + ", ".join(
            f"{name} {value['median']:.1f} ns" for name, value in report["pieces"].items())
    yield from more.summary(report)


def main():
    parser = argparse.ArgumentParser(description="the path benchmark")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=pathlib.Path, help="JSON; standard output without it")
    args = parser.parse_args()
    with machine.ends_cleanly():
        report = run(args.build.resolve(), args.quick, Progress())
    if args.output:
        args.output.write_text(to_json(report) + "\n")
        print("\n".join(summary(report)))
    else:
        print(to_json(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
