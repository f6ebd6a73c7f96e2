# SPDX-License-Identifier: BSD-3-Clause
"""The design's targets, one row each, held against a report."""

from measure import HIGHER, LOWER, quantity


def dig(report, path):
    """The value at a dotted path, a metric's median; None when it is not there."""
    for key in path.split("."):
        if not isinstance(report, dict) or key not in report:
            return None
        report = report[key]
    return report.get("median") if isinstance(report, dict) else report


def divided(above, below):
    def get(report):
        a, b = dig(report, above), dig(report, below)
        return a / b if a is not None and b else None
    return get


def at(path):
    return lambda report: dig(report, path)


def all_lost(report):
    rows = [row["lost"] for row in report.get("tables", {}).values()]
    return sum(rows) if rows else None


def of_a_million(report):
    """A quick report has fewer bindings."""
    restart = report.get("registrar", {}).get("restart", {})
    return dig(restart, "read_s") if restart.get("bindings") == 1000000 else None


class Target:
    """@hindrance: what stands in the way where it is missed. @least: a smaller value is no figure
    but noise, and not judged."""

    def __init__(self, name, get, bound, unit, better, hindrance="", least=None):
        self.name = name
        self.hindrance = hindrance or "nothing known: it held when it was last looked into"
        self.least = least
        self.get = get
        self.bound = bound
        self.unit = unit
        self.better = better

    def holds(self, value):
        return value >= self.bound if self.better == HIGHER else value <= self.bound

    def judge(self, value):
        """True, False, or None where there is nothing to judge."""
        if value is None or (self.least is not None and value < self.least):
            return None
        return self.holds(value)

    def off_percent(self, value):
        """How far @value is on the wrong side, against the bound; negative when it holds."""
        if not self.bound:
            return 0.0 if self.holds(value) else 100.0
        off = 100 * (value - self.bound) / self.bound
        return -off if self.better == HIGHER else off

    def text(self):
        return ("at least " if self.better == HIGHER else "at most ") + \
            quantity(self.bound, self.unit)


# With next to no loss: sockets always lose something at any rate worth the name.
NATIVE = divided("memif.systems.strowger.low_loss_per_s", "veth.systems.kamailio.low_loss_per_s")

TARGETS = (
    Target("whole path from memory, one core", at("path.proxy.msg_per_s_per_core"), 5e6, "1/s",
           HIGHER, "instructions, branches that messages of many kinds leave to guesses, and the "
           "driver's copy of each frame from a far cache"),
    # The target asks for headers located; the whole parse is held against the same bound.
    *(Target(f"{stage}, {name}, shuffled", at(f"micro.parse.{key}.ns_per_msg.shuffled"), bound,
             "ns", LOWER, hindrance)
      for name, kernel, bound in (("AVX-512", "avx512", 60), ("AVX2", "avx2", 90))
      for stage, key, hindrance in (
          ("headers located", kernel + "_located", ""),
          ("parsed and judged", kernel, "the bound is for locating; to judge the values takes as "
                                        "much again"))),
    Target("two workers against one", at("path.workers.times"), 1.9, "times", HIGHER,
           "with two cores the second worker's is everything else's, too"),
    Target("one queue, two workers against one", at("path.steering.times"), 1.6, "times", HIGHER,
           "where the host has the two cores: path.steering.hop_ns"),
    Target("Kamailio's rate, each by its own way in", NATIVE, 50, "times", HIGHER,
           "the path itself (above), and memif's copies in and out"),
    Target("testpmd's rate over the same cable", at("veth.of_testpmd"), 0.95, "times", HIGHER,
           "what is done for a message comes on top of what the kernel does for its frame"),
    Target("p99 added over memif at 90 %", at("memif.added_us.90.p99"), 20, "us", LOWER,
           "pauses of the machine are worked off with the tenth of the rate that is left", least=0),
    Target("table image of 1000 members, build", at("tables.1000.build_ms"), 5, "ms", LOWER),
    Target("the same, until visible", at("tables.1000.visible_us"), 100, "us", LOWER),
    Target("messages lost by changes of tables", all_lost, 0, "", LOWER),
    Target("a binding in the data plane, of 10 million", at("location.10000000.bytes_a_binding"),
           100, "bytes", LOWER),
    Target("a look-up among 10 million bindings", at("location.10000000.hit_ns"), 30, "ns", LOWER,
           "two lines of memory, the bucket's and the record's"),
    Target("REGISTERs on disk, of Kamailio's", at("registrar.disk.none.times_kamailio"), 3,
           "times", HIGHER),
    Target("REGISTERs in memory, of Kamailio's", at("registrar.memory.none.lane_times_kamailio"), 3,
           "times", HIGHER),
    Target("the same with passwords (MD5)", at("registrar.memory.md5.lane_times_kamailio"), 3,
           "times", HIGHER, "the hash itself, which is libcrypto's, and reading what is hashed"),
    Target("a million bindings read after a restart", of_a_million, 3, "s", LOWER),
    Target("an idle worker's share of a core", at("memif.idle_cpu_percent"), 5, "%", LOWER),
    Target("what the generator can, against us", at("memif.generator_headroom"), 1.5, "times",
           HIGHER),
    Target("growth faster than designed", at("growth.too_fast"), 0, "", LOWER),
    Target("sipp: calls or messages wrong", at("sipp.wrong"), 0, "", LOWER),
)


def judge(report):
    """[(target, value or None, True, False or None)]: None where the report has no such figure."""
    found = []
    for target in TARGETS:
        value = target.get(report)
        found.append((target, value, target.judge(value)))
    return found


def verdict(target, value, holds):
    if holds is None and value is not None:
        return "not judged: less than nothing is noise"
    if holds is None:
        return "not measured"
    return "held" if holds else f"missed by {target.off_percent(value):.0f} %"


def lines(report):
    """For the terminal."""
    for target, value, holds in judge(report):
        shown = "-" if value is None else quantity(value, target.unit)
        yield f"target  {target.name:<42} {target.text():>20}  {shown:>12}  " \
              f"{verdict(target, value, holds)}"
