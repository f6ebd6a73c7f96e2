# SPDX-License-Identifier: BSD-3-Clause
"""
The generator of the wire benchmarks, and the search for a rate at no loss. Rates are tiny here, and
no time is judged: what is sent must come back, once, to whom it must, and be told from the rest.

    test_traffic.py BUILD ...
"""

import contextlib
import io
import os
import pathlib
import re
import sys
import tempfile
import types

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

from path import balancer  # noqa: E402
from support.tap import Tap, expect, expect_equal  # noqa: E402
from measure import Progress  # noqa: E402
from traffic import generator, level, search, veth, wire  # noqa: E402

BUILD = pathlib.Path(sys.argv[1])
CORE = min(os.sched_getaffinity(0))
PATIENCE_S = 60  # on a machine that is busy with other things
NOTHING_ELSE = {"lost": 0, "refused": 0, "repeated": 0, "wrong": 0, "stale": 0, "foreign": 0}


def expect_result(found, due, **others):
    expect_equal(found["due"], due, "due")
    for name, value in {**NOTHING_ELSE, **others}.items():
        expect_equal(found[name], value, f"{name} in {found}")


def loop(work, corpus, expected):
    """A generator whose port sends to itself."""
    return generator.Generator(BUILD, "net_ring0", corpus, CORE, False, expected,
                               work / "loop.log")


def looped(tap, work, config, corpus):
    with tap.case("a loop gives back each message once, run after run"), \
            loop(work, corpus, "echo") as source:
        expect_result(source.run(20000, 0.2, PATIENCE_S), 4000)
        found = source.run(100000, 0.4, PATIENCE_S)  # the corpus twice and more
        expect_result(found, 40000)
        p = found["latency_us"]
        expect(0 < p["p10"] <= p["p50"] <= p["p99"] <= p["p99.9"] <= p["p100"], f"{p}")
        # All but the last message are sent before latencies count.
        found = source.run(1000, 0.2, PATIENCE_S, lead_s=0.1995)
        expect_result(found, 200)
        expect_equal(found["latency_us"]["p10"], found["latency_us"]["p99"], "of one message")
    with tap.case("what comes back to somebody else is told"), \
            loop(work, corpus, config) as source:
        found = source.run(10000, 0.1, PATIENCE_S / 60)
        expect_result(found, 1000, wrong=1000, lost=1000)
    with tap.case("nonsense as a command ends it with a message"), \
            loop(work, corpus, "any") as source:
        try:
            source.run(-5, 0.1)
            raise AssertionError("taken")
        except generator.GeneratorError as error:
            expect("want: run RATE SECONDS" in str(error), str(error))


def refused(tap, work, config):
    with tap.case("a corpus without stamps is refused, with the frame's number"):
        plain = work / "plain.pcap"
        wire.subprocess.run([wire.machine.program(BUILD, "stw-bench-corpus"), "--config", config,
                             "--output", plain, "--count", "64"], check=True,
                            stdout=wire.subprocess.DEVNULL)
        try:
            with loop(work, plain, "any"):
                raise AssertionError("taken")
        except generator.GeneratorError as error:
            expect("frame 0: does not hold exactly one stamp" in str(error), str(error))


def through_the_balancer(tap, work):
    with tap.case("the real data plane over memif sends each message to whom its own code says"):
        rig = wire.Wire(BUILD, work, CORE, os.sched_getaffinity(0), False, 0.0)
        with balancer.Balancer(BUILD, rig.config, work, rig.affinity, fed=False) as system, \
                rig.generator("strowger", rig.config) as source:
            expect_result(source.run(2000, 0.5, PATIENCE_S), 1000)
            sample = system.sample()
            expect_equal((sample.counters["sent"], sample.drops), (1000, 0), "ledger")


def capacity(limit, pauses=()):
    """A made-up system: all above @limit is lost; the trials in @pauses are disturbed."""
    asked = []

    def run(rate, seconds, lead_s=0.0):
        asked.append(rate)
        paused = len(asked) in pauses
        due = int(rate * seconds)
        lost = due - int(min(rate, limit) * seconds) + (7 if paused else 0)
        return {"rate": rate, "due": due, "lost": lost, "received": due - lost, "seconds": seconds, "wrong": 0,
                "foreign": 0, "paused_us": 400.0 if paused else 0.0,
                "waited_us": 0.0, "late_max_us": 0.0,
                "latency_us": dict.fromkeys(search.PERCENTILES, rate / limit)}
    return run, asked


def searching(tap):
    with tap.case("the search ends within two percent below the capacity"):
        for limit in (1e4, 3.3e5, 4.9e6):
            run, asked = capacity(limit)
            found = search.no_loss(run, 6e6, 1, 2)
            expect(0.975 * limit <= found["rate"] <= limit, f"{found['rate']} of {limit}")
            expect(abs(found["overload"] - limit) < 1, f"{found}")
            expect(len(asked) < 20, f"{len(asked)} trials")
    with tap.case("a trial that the machine disturbed is repeated, and does not count"):
        run, asked = capacity(1e6, pauses=range(3, 40, 2))
        expect(search.no_loss(run, 6e6, 1, 2)["rate"] > 0.975e6, f"{asked}")
    with tap.case("a queue that holds seconds of messages is no way through"):
        run, _ = capacity(5e5)

        def bloated(rate, seconds):
            found = run(rate, seconds)
            late = max(0, rate - 5e5) * seconds / 5e5 * 1e6
            return {**found, "lost": 0, "latency_us": {"p100": late}}
        expect(0.975 * 5e5 < search.no_loss(bloated, 6e6, 1, 2)["rate"] < 1.3 * 5e5, "rate")
    with tap.case("a rate that the generator cannot keep is not reached"):
        run, _ = capacity(5e6)

        def slow(rate, seconds):
            return {**run(rate, seconds), "late_max_us": 1e5 if rate > 3e6 else 0.0}
        expect(0.975 * 3e6 <= search.no_loss(slow, 6e6, 1, 2)["rate"] <= 3e6, "rate")
    with tap.case("a system that always loses a message has no such rate"):
        run, _ = capacity(1e6)

        def leaky(rate, seconds):
            found = run(rate, seconds)
            return {**found, "lost": found["lost"] + 1}
        expect_equal(search.no_loss(leaky, 6e6, 1, 2)["rate"], 0.0, "rate")
    with tap.case("one message to somebody else, and there is no figure"):
        run, _ = capacity(1e6)
        try:
            search.no_loss(lambda rate, seconds: {**run(rate, seconds), "wrong": 1}, 6e6, 1, 2)
            raise AssertionError("taken")
        except search.SearchError as error:
            expect("1 messages came back to somebody else" in str(error), str(error))


def slicing(tap):
    def slices(*p99, paused=()):
        return [{"rate": 5, "due": 10, "lost": i == 1, "paused_us": 900.0 * (i in paused),
                 "latency_us": {"p99": us, "p100": 2 * us}} for i, us in enumerate(p99)]
    with tap.case("latencies are the middle of slices in which the machine took no core away"):
        found = search.middle(slices(3, 5000, 4, 7, 6000, paused=(1, 4)))
        expect_equal((found["latency_us"], found["calm"], found["slices"]),
                     ({"p99": 4, "p100": 8}, 3, 5), "middle")
        expect_equal((found["due"], found["lost"], found["worst_us"]), (50, 1, 12000), "sums")
    with tap.case("where it hardly left any, all of them count"):
        found = search.middle(slices(3, 5000, 4, 7, 6000, paused=(0, 1, 4)))
        expect_equal((found["latency_us"]["p99"], found["calm"]), (7, 2), "middle of all")
    with tap.case("more slices are taken until enough are calm, but not for ever"):
        for pauses, taken in (((), 4), ((1, 2), 5), ((1, 2, 3, 4, 5), 8), (range(99), 12)):
            run, asked = capacity(1e6, pauses=pauses)
            expect_equal(len(list(search.slices_of(run, 1e5, 0.4))), taken, f"{pauses}")
            expect_equal(len(asked), taken, "runs")


def reporting(tap):
    systems = [level.System("strowger", None), level.System("testpmd", None)]
    for system, limit in zip(systems, (1e6, 3e6)):
        run, _ = capacity(limit)
        system.rounds = [{**search.no_loss(run, 6e6, 1, 2),
                          "latency": search.latencies(run, share * limit, 1),
                          "latency_same": search.latencies(run, share * 1e6, 1)}
                         for share in (1.0, 0.5, 0.25)]
    with tap.case("a system's figures: rate, flood and percentiles at each share, every round kept"):
        found = level.entry(systems[0])
        expect_equal(len(found["no_loss_per_s"]["runs"]), 3, "rounds")
        expect_equal(found["latency_us"]["90"]["p99"]["median"], 0.45, "median of the rounds")
        expect_equal(found["latency_us"]["10"]["lost"], 0, "lost")
    with tap.case("what we add to the ceiling, at the same rates, is a difference, round by round"):
        added = level.added(systems[0], systems[1])
        expect_equal([round(run, 6) for run in added["50"]["p99"]["runs"]],
                     [round(s * (0.5 - 0.5 / 3), 6) for s in (1, 0.5, 0.25)], "at the same rates")
    with tap.case("without a rate at no loss there is nothing to compare, and no figure"):
        for found in systems[0].rounds:
            found["rate"] = 0.0
        expect_equal(level.added(systems[0], systems[1]), {}, "added")
    with tap.case("a ratio is of rates that lose next to nothing; without one there is no figure"):
        found = veth.ratio(systems[0], systems[1])
        expect(all(abs(run - 1 / 3) < 0.01 for run in found["runs"]), f"{found}")
        for one in systems[0].rounds:
            one["low_loss"] = 0.0
        expect_equal(veth.ratio(systems[0], systems[1]), None, "ratio")


def rounds(tap):
    """Systems in turn, as many rounds as fit."""
    def started(system):
        @contextlib.contextmanager
        def start(_):
            order.append(system)
            yield types.SimpleNamespace(run=capacity(1e6)[0])
        return start
    quiet = Progress(io.StringIO())
    for budget_s, wanted in ((1e6, 3), (0.0, 1)):
        order = []
        plan = level.Plan(False, 6e6, budget_s)
        systems = [level.System(name, started(name)) for name in ("a", "b")]
        with tap.case(f"{wanted} rounds within {budget_s:.0f} s, systems in turn"):
            level.run("made up", systems, plan, quiet)
            expect_equal(order, ["a", "b"] * wanted, "order")
            expect_equal(len(systems[1].rounds), wanted, "rounds")


def programs(tap):
    """Each program that a benchmark's script names is made where it is looked for."""
    named = {name for path in (ROOT / "bench").rglob("*.py")
             for name in re.findall(r'"(stw-bench-[a-z]+)"', path.read_text(encoding="utf-8"))}
    with tap.case("programs that benchmarks name are there"):
        expect(len(named) > 5, f"named: {named}")
        for name in sorted(named):
            folder = wire.machine.PROGRAMS.get(name)
            expect(folder, f"{name} is looked for nowhere")
            text = (ROOT / folder / "meson.build").read_text(encoding="utf-8")
            expect(f"'{name}'" in text, f"{name} is not made in {folder}")


with Tap() as TAP, tempfile.TemporaryDirectory() as DIRECTORY:
    WORK = pathlib.Path(DIRECTORY)
    CONFIG = balancer.write_config(WORK, balancer.from_memory(WORK / "corpus.pcap"), [CORE])
    wire.FRAMES = 2048
    CORPUS, _ = wire.make_corpus(BUILD, CONFIG, WORK)
    programs(TAP)
    searching(TAP)
    slicing(TAP)
    reporting(TAP)
    rounds(TAP)
    looped(TAP, WORK, CONFIG, CORPUS)
    refused(TAP, WORK, CONFIG)
    through_the_balancer(TAP, WORK)
