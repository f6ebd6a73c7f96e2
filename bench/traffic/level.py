# SPDX-License-Identifier: BSD-3-Clause
"""
One way of sending (a "level") and the systems measured on it in turn: for each its rate at no loss,
what it lets through when flooded, and latencies at shares of that rate.
"""

import contextlib

from measure import HIGHER, LOWER, metric, quantity
from traffic import search


class Plan:
    def __init__(self, quick, start_rate):
        self.rounds = 1 if quick else 3
        self.trial_s = 0.3 if quick else 2.0
        self.confirm_s = 0.5 if quick else 5.0
        self.latency_s = 0.5 if quick else 4.0
        self.overload = start_rate  # messages a second that none of the systems takes


class System:
    """One that can be measured: @start is a context manager that yields a Generator."""

    def __init__(self, name, start):
        self.name = name
        self.start = start
        self.rounds = []
        self.found = {}  # figures of its own, from @start


def measure(generator, plan):
    """One round of one system."""
    found = search.no_loss(generator.run, plan.overload, plan.trial_s, plan.confirm_s)
    found["latency"] = search.latencies(generator.run, found["rate"], plan.latency_s)
    return found


def run(name, systems, plan, progress):
    for number in range(plan.rounds):
        for system in systems:
            progress.say(f"{name}: {system.name}, round {number + 1} of {plan.rounds}")
            with contextlib.ExitStack() as stack:
                generator = stack.enter_context(system.start(system))
                system.rounds.append(measure(generator, plan))
            progress.say(f"{name}: {system.name} " + round_text(system.rounds[-1]))


def round_text(found):
    p99 = found["latency"]["90"]["latency_us"]["p99"]
    return (f"{quantity(found['rate'], '1/s')} at no loss, {quantity(found['overload'], '1/s')} "
            f"flooded, p99 {p99:.0f} us at 90 %")


def entry(system):
    """A system's part of the report."""
    rounds = system.rounds
    latency = {}
    for share in map(str, search.SHARES):
        runs = [found["latency"][share] for found in rounds]
        latency[share] = {
            **{p: metric([run["latency_us"][p] for run in runs], "us", LOWER)
               for p in search.PERCENTILES},
            "lost": sum(run["lost"] for run in runs),
            "sent": sum(run["due"] for run in runs),
            "curve_us": runs[0]["latency_us"]}
    rate = metric([found["rate"] for found in rounds], "1/s", HIGHER)
    return {"no_loss_per_s": rate,
            "flooded_per_s": metric([found["overload"] for found in rounds], "1/s", HIGHER),
            "latency_us": latency, "raw": rounds, **system.found}


def added(ours, ceiling):
    """What we add to the ceiling's latency, round by round."""
    return {share: {p: metric([a["latency"][share]["latency_us"][p] -
                               b["latency"][share]["latency_us"][p]
                               for a, b in zip(ours.rounds, ceiling.rounds)], "us", LOWER)
                    for p in search.PERCENTILES}
            for share in map(str, search.SHARES)}


def lines(name, report):
    """For the terminal."""
    for system, found in report["systems"].items():
        rate, p = found["no_loss_per_s"], found["latency_us"]
        yield (f"{name}, {system:<12} {quantity(rate['median'], '1/s')} at no loss, "
               f"{quantity(found['flooded_per_s']['median'], '1/s')} flooded; p50/p99/p99.9 at "
               + ", ".join(f"{share} %: " + "/".join(f"{p[share][q]['median']:.0f}"
                                                    for q in ("p50", "p99", "p99.9"))
                           for share in p) + " us")
