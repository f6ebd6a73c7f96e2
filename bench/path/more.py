# SPDX-License-Identifier: BSD-3-Clause
"""
What else the path is asked, each a run or a few of the real data plane from memory:

  mixes    requests only, responses only: the two ways through the router
  bursts   messages a second against the largest burst a worker takes
  workers  two workers on two cores against one, in turn. Where a machine has two cores, the second
           worker's is the one that control, this script and the kernel use as well, so the
           figure says at least how much two make; nothing but the tables is shared between them.
"""

from measure import HIGHER, metric, quantity
from path import balancer

MIXES = ("requests", "responses")


class Plan:
    def __init__(self, quick):
        self.rounds = 1 if quick else 3
        self.bursts = (8, 32) if quick else (1, 2, 4, 8, 16, 32, 64)
        self.warm_s = 0.3 if quick else 1.0
        self.run_s = 0.7 if quick else 2.0


class More:
    def __init__(self, bench, plan):
        self.bench = bench
        self.plan = plan

    def rate(self, config):
        growth, _ = self.bench.run_once(config, self.plan.warm_s, self.plan.run_s)
        return growth.sent_per_s

    def config(self, corpus, cores, **more):
        device = balancer.from_memory(corpus, len(cores))
        return balancer.write_config(self.bench.work, device, cores, **more)

    def in_turn(self, name, variants):
        """{variant: metric} of [(variant, a function that writes its configuration)]."""
        runs = {}
        for number in range(self.plan.rounds):
            for variant, configure in variants:
                runs.setdefault(variant, []).append(self.rate(configure()))
            told = ", ".join(f"{v} {quantity(r[-1], '1/s')}" for v, r in runs.items())
            self.bench.progress.say(f"path, {name}, run {number + 1} of {self.plan.rounds}: {told}")
        return {str(variant): metric(rates, "1/s", HIGHER) for variant, rates in runs.items()}

    def mixes(self):
        variants = []
        for mix in MIXES:
            corpus = self.bench.work / f"{mix}.pcap"
            self.bench.make_corpus(corpus, "--only", mix)
            variants.append((mix, lambda c=corpus: self.config(c, [self.bench.core])))
        return {name: {"rate": rate} for name, rate in self.in_turn("mixes", variants).items()}

    def bursts(self):
        return self.in_turn("bursts", [
            (burst, lambda b=burst: self.config(self.bench.corpus, [self.bench.core], burst=b))
            for burst in self.plan.bursts])

    def workers(self):
        both = sorted({self.bench.core, self.bench.other_core})
        if len(both) < 2:
            return {"left_out": "one core only"}
        rates = self.in_turn("workers", [
            (len(cores), lambda c=cores: self.config(self.bench.corpus, c))
            for cores in ([self.bench.core], both)])
        times = [two / one for one, two in zip(rates["1"]["runs"], rates["2"]["runs"])]
        return {"rate": rates, "times": metric(times, "times", HIGHER)}


def run(bench, quick):
    """The further parts of the path's report."""
    more = More(bench, Plan(quick))
    return {"mixes": more.mixes(), "bursts": more.bursts(), "workers": more.workers()}


def summary(report):
    if "mixes" not in report:
        return
    yield "mixes               " + ", ".join(
        f"{name} {quantity(found['rate']['median'], '1/s')}"
        for name, found in report["mixes"].items())
    yield "bursts              " + ", ".join(
        f"{size}: {quantity(found['median'], '1/s')}" for size, found in report["bursts"].items())
    if "times" in report["workers"]:
        yield f"two workers         {report['workers']['times']['median']:.2f} times one's rate"
