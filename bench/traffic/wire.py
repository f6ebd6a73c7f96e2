# SPDX-License-Identifier: BSD-3-Clause
"""
Level (c), a wire between two processes: the generator on one core, the balancer on the other, between
them net_memif, which copies each frame once a way. In turn with it testpmd, which only turns the
addresses round, over the same memif: the ceiling, and the proof that the generator can do more than
we are asked for.
"""

import contextlib
import json
import subprocess
import time

import machine
from lab.wait import wait_until
from measure import HIGHER, LOWER, metric, quantity
from path import balancer, testpmd
from traffic import level
from traffic.generator import Generator

FRAMES = 16384
SEED = 1965
HUGEPAGES = 384
OVERLOAD = 6e6
BUDGET_S = 330
MAC = "02:70:63:61:70:00"  # where the corpus's frames go
RING_LOG2 = 14  # 16384: bears a pause of 4 ms, as long as the kernel gives another thread, at 4 M/s
SERVER_S = 60
SELDOM = 1000  # messages a second, between which a worker sleeps
HEADROOM = 1.5  # times what we reach must the generator be able to send and receive


def make_corpus(build, config, work, *more):
    """Stamped frames; returns (path, the corpus's own summary)."""
    path, summary = work / "stamped.pcap", work / "stamped.json"
    subprocess.run([machine.program(build, "stw-bench-corpus"), "--config", config, "--output",
                    path, "--summary", summary, "--count", str(FRAMES), "--seed", str(SEED),
                    "--stamp", *more], check=True, stdout=subprocess.DEVNULL)
    return path, json.loads(summary.read_text())


def idle_percent(pid, seconds):
    """Of a core, by the busiest thread of @pid: the worker."""
    before, start = machine.thread_seconds(pid), time.monotonic()
    time.sleep(seconds)  # what is measured is this second
    after, end = machine.thread_seconds(pid), time.monotonic()
    return 100 * max(ran - before[thread][0] for thread, (ran, _) in after.items()
                     if thread in before) / (end - start)


class Wire:
    def __init__(self, build, work, core, affinity, huge, idle_s):
        self.build = build
        self.work = work
        self.core = core
        self.affinity = affinity
        self.huge = huge
        self.idle_s = idle_s
        self.other = min(affinity - {core} or {core})
        self.config = balancer.write_config(work, self.device("server", "strowger") + f",mac={MAC}",
                                            [core])
        self.corpus, self.summary = make_corpus(build, self.config, work)
        self.idle = []
        self.seldom = []

    def socket(self, server):
        return self.work / f"memif-{server}.sock"

    def device(self, role, server):
        return (f"net_memif0,role={role},id=0,socket={self.socket(server)},socket-abstract=no,"
                f"rsize={RING_LOG2},bsize=2048")

    def generator(self, server, expect):
        """Its own end of @server's cable, whose other end has to be there first."""
        wait_until(self.socket(server).exists, SERVER_S, f"{server}'s end of the cable")
        return Generator(self.build, self.device("client", server), self.corpus, self.other,
                         self.huge, expect, self.work / "generator.log")

    @contextlib.contextmanager
    def ours(self, level_system):
        with balancer.Balancer(self.build, self.config, self.work, self.affinity,
                               fed=False) as system, \
                self.generator("strowger", self.config) as generator:
            level_system.worker = system.dataplane.pid
            self.idle.append(idle_percent(system.dataplane.pid, self.idle_s))
            self.seldom.append(generator.run(SELDOM, self.idle_s)["latency_us"])
            yield generator
            system.check_alive()

    @contextlib.contextmanager
    def testpmd(self, level_system):
        with testpmd.Testpmd(self.device("server", "testpmd"), "macswap", self.core, self.other,
                             self.huge, self.work / "testpmd.log") as system, \
                self.generator("testpmd", "echo") as generator:
            level_system.worker = system.pid()
            yield generator


def run(build, quick, progress):
    core = machine.worker_core()
    with machine.stand_aside(core) as affinity, machine.workspace(HUGEPAGES) as (work, huge):
        wire = Wire(build, work, core, affinity, huge, 1.0 if quick else 3.0)
        ours = level.System("strowger", wire.ours)
        ceiling = level.System("testpmd", wire.testpmd)
        ceiling.same_as = ours
        level.run("memif", [ours, ceiling], level.Plan(quick, OVERLOAD, BUDGET_S), progress)
    return report(wire, ours, ceiling)


def report(wire, ours, ceiling):
    reached = [(a["rate"] or a["overload"], b["overload"])
               for a, b in zip(ours.rounds, ceiling.rounds)]
    headroom = metric([can / asked for asked, can in reached], "times", HIGHER)
    return {"corpus": wire.summary, "worker_core": wire.core, "generator_core": wire.other,
            "systems": {s.name: level.entry(s) for s in (ours, ceiling)},
            "added_us": level.added(ours, ceiling),
            "generator_headroom": headroom,
            "generator_suffices": headroom["median"] >= HEADROOM,
            "idle_cpu_percent": metric(wire.idle, "%", LOWER),
            "seldom_us": {p: metric([run[p] for run in wire.seldom], "us", LOWER)
                          for p in ("p50", "p99")}}


def summary(found):
    yield from level.lines("memif", found)
    added = found["added_us"]
    told = f"p99 added at 90 %: {added['90']['p99']['median']:.1f} us" if added else \
        "no latency to compare, as we had no rate at no loss"
    yield (f"memif                {told}; the generator could do "
           f"{found['generator_headroom']['median']:.2f} times our rate"
           f"{'' if found['generator_suffices'] else ': too little to judge by'}; idle worker "
           f"{quantity(found['idle_cpu_percent']['median'], '%')} of a core, p99 at "
           f"{quantity(SELDOM, '1/s')} {quantity(found['seldom_us']['p99']['median'], 'us')}")
