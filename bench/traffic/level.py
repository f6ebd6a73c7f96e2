# SPDX-License-Identifier: BSD-3-Clause
"""
One way of sending (a "level") and the systems measured on it in turn: for each its rate at no loss,
what it lets through when flooded, and latencies at shares of that rate.
"""

import contextlib
import time

import machine
from measure import HIGHER, LOWER, metric, quantity
from traffic import search


class Plan:
    """@overload: messages a second that none of the systems takes. @budget_s: no further round begins
    that would end beyond it, on a machine that disturbs many trials."""

    def __init__(self, quick, overload, budget_s):
        self.rounds = 1 if quick else 3
        self.width = 0.1 if quick else 0.02
        self.tries = 2 if quick else search.TRIES
        self.trial_s = 0.25 if quick else 2.0
        self.confirm_s = 0.4 if quick else 5.0
        self.latency_s = 0.4 if quick else 4.0
        self.overload = overload
        self.budget_s = budget_s


class System:
    """One that can be measured: @start is a context manager that yields a Generator, and sets @worker,
    the process whose waiting disturbs a trial (None: waiting is what it does, on one core)."""

    def __init__(self, name, start):
        self.name = name
        self.start = start
        self.worker = None
        self.same_as = None  # another system, before this one: latencies also at shares of its rate
        self.rounds = []
        self.found = {}  # figures of its own, from @start


def watched(generator, worker):
    """generator.run, with how long the system's busiest thread waited for its core: waited_us."""
    def run(rate, seconds, **how):
        before = machine.thread_seconds(worker)
        result = generator.run(rate, seconds, **how)
        after = machine.thread_seconds(worker)
        _, waited = max((used - before[t][0], waited - before[t][1])
                        for t, (used, waited) in after.items() if t in before)
        result["waited_us"] = round(1e6 * waited, 1)
        return result
    return run if worker else generator.run


def latency_rate(found):
    """Of which latencies are taken at shares. Where nothing passed without loss, that with a little,
    or half of what a system lets through, tells about its latency at least."""
    return found["rate"] or found["low_loss"] or found["overload"] / 2


def measure(generator, system, plan):
    """One round of one system."""
    run_at = watched(generator, system.worker)
    found = search.no_loss(run_at, plan.overload, plan.trial_s, plan.confirm_s, plan.width,
                           plan.tries)
    found["latency"] = search.latencies(run_at, latency_rate(found), plan.latency_s)
    if system.same_as:
        found["latency_same"] = search.latencies(run_at, latency_rate(system.same_as.rounds[-1]),
                                                 plan.latency_s)
    return found


def run(name, systems, plan, progress):
    start = time.monotonic()
    for number in range(plan.rounds):
        took = time.monotonic() - start
        if number and took * (number + 1) / number > plan.budget_s:
            progress.say(f"{name}: {number} of {plan.rounds} rounds, they took {took:.0f} s")
            break
        for system in systems:
            progress.say(f"{name}: {system.name}, round {number + 1} of {plan.rounds}")
            with contextlib.ExitStack() as stack:
                generator = stack.enter_context(system.start(system))
                system.rounds.append(measure(generator, system, plan))
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
            "worst": metric([run["worst_us"] for run in runs], "us", LOWER),
            "slices": sum(run["slices"] for run in runs), "calm": sum(run["calm"] for run in runs),
            "lost": sum(run["lost"] for run in runs),
            "sent": sum(run["due"] for run in runs),
            "curve_us": runs[0]["latency_us"]}
    rate = metric([found["rate"] for found in rounds], "1/s", HIGHER)
    return {"no_loss_per_s": rate,
            "low_loss_per_s": metric([found["low_loss"] for found in rounds], "1/s", HIGHER),
            "flooded_per_s": metric([found["overload"] for found in rounds], "1/s", HIGHER),
            "latency_us": latency, "raw": rounds, **system.found}


def added(ours, ceiling):
    """What we add to the ceiling's latency at the same rates, shares of ours, round by round; nothing
    where we had no rate at no loss."""
    pairs = [(a, b) for a, b in zip(ours.rounds, ceiling.rounds) if a["rate"]]
    if not pairs:
        return {}
    return {share: {p: metric([a["latency"][share]["latency_us"][p] -
                               b["latency_same"][share]["latency_us"][p] for a, b in pairs], "us", LOWER)
                    for p in search.PERCENTILES}
            for share in map(str, search.SHARES)}


def lines(name, report):
    """For the terminal."""
    for system, found in report["systems"].items():
        rate, p = found["no_loss_per_s"], found["latency_us"]
        yield (f"{name}, {system:<12} {quantity(rate['median'], '1/s')} at no loss, "
               f"{quantity(found['low_loss_per_s']['median'], '1/s')} at 0.1 %, "
               f"{quantity(found['flooded_per_s']['median'], '1/s')} flooded; p50/p99/p99.9 at "
               + ", ".join(f"{share} %: " + "/".join(f"{p[share][q]['median']:.0f}"
                                                    for q in ("p50", "p99", "p99.9"))
                           for share in p) + " us")
