# SPDX-License-Identifier: BSD-3-Clause
"""
What else the path is asked, each a run or a few of the real data plane from memory:

  mixes    requests only, responses only: the two ways through the router; INVITEs that a rule
           answers with a redirection to a member of the pool, made in place; INVITEs to users who
           are registered, each found in the location table; requests with a hosted domain and two
           rules that are for none of them
  bursts   messages a second against the largest burst a worker takes
  workers  two workers on two cores against one, in turn. Where a machine has two cores, the second
           worker's is the one that control, this script and the kernel use as well, so the
           figure says at least how much two make; nothing but the tables is shared between them.
  steering the same with one queue for both, as of a trunk: the first hands messages to the second by
           Call-ID (dataplane.steering); and what it costs two with a queue each to be ready for it
"""

import time

import machine
from measure import HIGHER, LOWER, metric, quantity, reason
from path import balancer, users

INVITES = "invite,invite_long,invite_compact"
REDIRECT = "rules:\n  - {name: away, methods: [INVITE], redirect: {to: member, pool: farm}}\n"
ELSEWHERE = """rules:
  - {name: hosted, domains: [elsewhere.example], to: location}
  - {name: numbers, numbers: [{prefix: "+999"}], reject: {code: 404}}
"""


class Mix:
    """@shapes: of the corpus. @end: what becomes of each message. @rules: what the configuration has
    more. @registered: whom the messages are for is registered, and each is located."""

    def __init__(self, shapes, end="sent", rules="", registered=False):
        self.shapes = shapes
        self.end = end
        self.rules = rules
        self.registered = registered


MIXES = {
    "requests": Mix("requests"),
    "responses": Mix("responses"),
    "redirect": Mix(INVITES, "answered", REDIRECT),
    "located": Mix(INVITES, registered=True),
    "unconcerned": Mix("requests", rules=ELSEWHERE + users.registrar(["elsewhere.example"])),
}


class Plan:
    def __init__(self, quick):
        self.rounds = 1 if quick else 3
        self.bursts = (8, 32) if quick else (1, 2, 4, 8, 16, 32, 64)
        self.warm_s = 0.2 if quick else 1.0
        self.run_s = 0.5 if quick else 2.0


class More:
    def __init__(self, bench, plan):
        self.bench = bench
        self.plan = plan

    def rate(self, config, end="sent", located=False):
        growth, _ = self.bench.run_once(config, self.plan.warm_s, self.plan.run_s, end=end)
        found = growth.counters["located"]
        # Both are read while the worker goes on.
        if found < 0.99 * growth.counters[end] if located else found:
            raise balancer.BalancerError(f"{found} of {growth.counters[end]} messages were located")
        return growth.per_s(end)

    def config(self, corpus, cores, **more):
        device = balancer.from_memory(corpus, len(cores))
        return balancer.write_config(self.bench.work, device, cores, **more)

    def in_turn(self, name, variants):
        """{variant: metric} of [(variant, a function that measures a rate)]."""
        runs = {}
        for number in range(self.plan.rounds):
            for variant, rate in variants:
                runs.setdefault(variant, []).append(rate())
            told = ", ".join(f"{v} {quantity(r[-1], '1/s')}" for v, r in runs.items())
            self.bench.progress.say(f"path, {name}, run {number + 1} of {self.plan.rounds}: {told}")
        return {str(variant): metric(rates, "1/s", HIGHER) for variant, rates in runs.items()}

    def mixes(self):
        variants = [(name, self.prepared(name, mix)) for name, mix in MIXES.items()]
        return {name: {"rate": rate} for name, rate in self.in_turn("mixes", variants).items()}

    def prepared(self, name, mix):
        """A function that measures @mix's rate; its corpus is made and its users are registered."""
        corpus = self.bench.work / f"{name}.pcap"
        # By the configuration without rules, whatever the mix before left there.
        self.config(corpus, [self.bench.core])
        made = self.bench.make_corpus(corpus, "--only", mix.shapes)
        rules = mix.rules + (users.registrar(made["domains"]) if mix.registered else "")

        def config():
            return self.config(corpus, [self.bench.core], rules=rules)
        if mix.registered:
            users.bind(self.bench, config(), corpus)
        return lambda: self.rate(config(), mix.end, mix.registered)

    def bursts(self):
        return self.in_turn("bursts", [
            (burst, lambda b=burst: self.rate(
                self.config(self.bench.corpus, [self.bench.core], burst=b)))
            for burst in self.plan.bursts])

    def workers(self):
        both = sorted({self.bench.core, self.bench.other_core})
        if len(both) < 2:
            return {"left_out": "one core only"}
        rates = self.in_turn("workers", [
            (len(cores), lambda c=cores: self.rate(self.config(self.bench.corpus, c)))
            for cores in ([self.bench.core], both)])
        times = [two / one for one, two in zip(rates["1"]["runs"], rates["2"]["runs"])]
        return {"rate": rates, "times": metric(times, "times", HIGHER)}

    def spread_rate(self, config, must=True):
        """As rate(), but messages may go from worker to worker; @must: they have to."""
        with balancer.Balancer(self.bench.build, config, self.bench.work,
                               self.bench.affinity) as system:
            time.sleep(self.plan.warm_s)
            before = system.sample()
            time.sleep(self.plan.run_s)
            growth = system.sample().since(before)
            system.check_alive()
        if growth.drops or (must and not growth.counters["handed_over"]):
            raise balancer.BalancerError(f"steering does not count: {growth.drops} dropped, "
                                         f"{growth.counters['handed_over']} handed over")
        return growth.per_s()

    def steering(self):
        """One queue, as a trunk's: one worker, and two that steer. And two that have a queue each, for
        what this machine's two cores can do just then: without, and with the readiness to steer."""
        core, other = self.bench.core, self.bench.other_core
        if core == other:
            return {"left_out": "one core only"}
        ways = (("off", [core], 1, "off", self.rate),
                ("two", [core, other], 1, "always", self.spread_rate),
                ("apart", [core, other], 2, "off", self.rate),
                ("auto", [core, other], 2, "auto", lambda c: self.spread_rate(c, must=False)))
        runs, hops = {name: [] for name, *_ in ways}, []
        for number in range(self.plan.rounds):
            hops.append(machine.hop_ns(self.bench.tool("stw-bench-hop"), core, other))
            for name, cores, queues, how, measure in ways:
                runs[name].append(measure(balancer.write_config(
                    self.bench.work, balancer.from_memory(self.bench.corpus, queues), cores,
                    steering=how, way_out=balancer.WAY_OUT)))
            self.bench.progress.say(f"path, steering, run {number + 1} of {self.plan.rounds}: " +
                                    ", ".join(f"{name} {quantity(rates[-1], '1/s')}"
                                              for name, rates in runs.items()) +
                                    f"; a line from core to core {hops[-1]:.0f} ns")
        times = {name: metric([rate / base for base, rate in zip(runs[of], runs[name])], "times",
                              HIGHER) for name, of in (("two", "off"), ("apart", "off"),
                                                       ("auto", "apart"))}
        return {"rate": {name: metric(rates, "1/s", HIGHER) for name, rates in runs.items()},
                "times": times["two"], "auto_times": times["auto"], "apart_times": times["apart"],
                "hop_ns": metric(hops, "ns", LOWER)}


def run(bench, quick):
    """The further parts of the path's report; one that fails is named in "failed", with the reason."""
    more = More(bench, Plan(quick))
    found = {}
    for name in ("mixes", "bursts", "workers", "steering"):
        try:
            found[name] = getattr(more, name)()
        except Exception as error:  # pylint: disable=broad-except
            why = found.setdefault("failed", {})[name] = reason(error)
            bench.progress.say(f"path, {name} FAILED: {why}")
    return found


def summary(report):
    if "mixes" in report:
        yield "mixes               " + ", ".join(
            f"{name} {quantity(found['rate']['median'], '1/s')}"
            for name, found in report["mixes"].items())
    if "bursts" in report:
        yield "bursts              " + ", ".join(
            f"{size}: {quantity(found['median'], '1/s')}"
            for size, found in report["bursts"].items())
    if "times" in report.get("workers", {}):
        yield f"two workers         {report['workers']['times']['median']:.2f} times one's rate"
    if "times" in report.get("steering", {}):
        yield (f"one queue, two      {report['steering']['times']['median']:.2f} times one's rate; "
               f"two with a queue each {report['steering']['apart_times']['median']:.2f}, and "
               f"{report['steering']['auto_times']['median']:.3f} of that when they might steer; a line "
               f"from core to core {quantity(report['steering']['hop_ns']['median'], 'ns')}")
