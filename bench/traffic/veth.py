# SPDX-License-Identifier: BSD-3-Clause
"""
Level (d), a cable with the kernel in between: two namespaces, a veth pair, the generator at one end.
At the other in turn, on one core: the balancer (net_af_xdp), testpmd (the same device, mode "mac": the
ceiling), and Kamailio as a stateless dispatcher behind the kernel's own sockets.

All get the same frames from the same generator and choose among the same eight members. What the kernel
does for a frame it does on the core that sends it: the way in costs the generator's core, the way out
the system's.
"""

import contextlib
import os
import shutil

import machine
from lab import netns
from measure import HIGHER, metric, quantity
from path import balancer, testpmd
from traffic import kamailio, level, search, wire
from traffic.generator import Generator

HUGEPAGES = 384
OVERLOAD = 1.2e6
BUDGET_S = 480
CHILDREN = (1, 2, 4, 8)
MEMBERS = tuple(f"192.0.2.{n}" for n in range(11, 19))
PEERS = (254, *range(11, 19))  # whose hardware address ends in their own number, as configured
SUT, GENERATOR = "sut0", "gen0"


def names():
    return [f"stwb{os.getpid()}{letter}" for letter in "gs"]


class Cable:
    """Two hosts and the cable; the kernel's side is as Kamailio needs it, others do not look."""

    def __init__(self):
        self.far, self.near = (netns.Host(name) for name in names())
        for host in (self.far, self.near):
            host.create()
        netns.cable(self.near, SUT, self.far, GENERATOR)
        self.near.ip("link", "set", SUT, "address", wire.MAC)
        for host, interface in ((self.near, SUT), (self.far, GENERATOR)):
            host.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            host.ip("link", "set", interface, "up")
        self.near.sysctl("net.ipv4.conf.all.rp_filter", 0)
        self.near.sysctl(f"net.ipv4.conf.{SUT}.rp_filter", 0)

    @contextlib.contextmanager
    def kernel_addresses(self):
        """The kernel has the address and knows everybody; taken away again for the others."""
        near = self.near
        near.ip("addr", "add", "192.0.2.1/24", "dev", SUT)
        for n in PEERS:
            near.ip("neigh", "replace", f"192.0.2.{n}", "lladdr",
                    "02:00:00:00:00:fe" if n == 254 else f"02:00:00:00:00:{n}", "dev", SUT)
        near.ip("route", "add", "198.18.0.0/15", "via", "192.0.2.254", "dev", SUT)
        try:
            yield
        finally:
            near.ip("addr", "flush", "dev", SUT)
            near.ip("neigh", "flush", "all", check=False)


class Veth:
    def __init__(self, build, work, core, affinity, huge):
        self.build = build
        self.work = work
        self.core = core
        self.affinity = affinity
        self.huge = huge
        self.other = min(affinity - {core} or {core})
        self.cable = Cable()
        self.device = f"net_af_xdp0,iface={SUT}"
        self.config = balancer.write_config(work, self.device, [core],
                                            descriptors=testpmd.DESCRIPTORS)
        self.corpus, self.summary = wire.make_corpus(build, self.config, work)
        self.children = None

    def generator(self, expect):
        return Generator(self.build, f"net_af_xdp1,iface={GENERATOR}", self.corpus, self.other,
                         self.huge, expect, self.work / "generator.log",
                         self.cable.far.argv())

    @contextlib.contextmanager
    def ours(self, level_system):
        with balancer.Balancer(self.build, self.config, self.work, self.affinity, fed=False,
                               prefix=self.cable.near.argv()) as system, \
                self.generator(self.config) as generator:
            level_system.worker = system.dataplane.pid
            yield generator
            system.check_alive()

    @contextlib.contextmanager
    def testpmd(self, level_system):
        with testpmd.Testpmd(self.device, "mac", self.core, self.other, self.huge,
                             self.work / "testpmd.log", self.cable.near.argv()) as system, \
                self.generator("echo") as generator:
            level_system.worker = system.pid()
            yield generator

    @contextlib.contextmanager
    def kamailio(self, system):
        with self.kamailio_of(system.found["children"]) as generator:
            yield generator

    @contextlib.contextmanager
    def kamailio_of(self, children):
        with kamailio.large_buffers(), self.cable.kernel_addresses(), \
                kamailio.running(self.work, self.cable.near, MEMBERS, children, self.core), \
                self.generator("any") as generator:
            yield generator

    def sweep(self, numbers, seconds, progress):
        """What each number of children lets through when flooded; the best is used."""
        found = {}
        for children in numbers:
            with self.kamailio_of(children) as generator:
                generator.run(OVERLOAD / 100, seconds)
                found[str(children)] = search.received_per_s(generator.run(OVERLOAD / 2, seconds))
            progress.say(f"veth: Kamailio, {children} children: "
                         f"{quantity(found[str(children)], '1/s')} flooded")
        return found


def missing():
    """Why this cannot run here; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("dpdk-testpmd", "kamailio", "ip"):
        if not shutil.which(program):
            return f"needs {program}"
    return None


def run(build, quick, progress):
    if missing():
        progress.say(f"veth: left out: {missing()}")
        return {"left_out": missing()}
    core = machine.worker_core()
    with machine.stand_aside(core) as affinity, \
            machine.workspace(HUGEPAGES, names()) as (work, huge):
        veth = Veth(build, work, core, affinity, huge)
        swept = veth.sweep(CHILDREN[1:2] if quick else CHILDREN, 0.3 if quick else 1.5, progress)
        ours = level.System("strowger", veth.ours)
        ceiling = level.System("testpmd", veth.testpmd)
        peer = level.System("kamailio", veth.kamailio)
        peer.found = {"tuning": kamailio.TUNING, "children": int(max(swept, key=swept.get)),
                      "flooded_by_children": swept}
        level.run("veth", [ours, ceiling, peer], level.Plan(quick, OVERLOAD, BUDGET_S), progress)
    return report(veth, ours, ceiling, peer)


def ratio(a, b):
    """Of rates that lose next to nothing, round by round; None when one side never reached such a rate.
    At none at all it would be one of chances: a pause of the machine, and which core it took."""
    runs = [x["low_loss"] / y["low_loss"] for x, y in zip(a.rounds, b.rounds)
            if x["low_loss"] and y["low_loss"]]
    return metric(runs, "times", HIGHER) if runs else None


def report(veth, ours, ceiling, peer):
    return {"corpus": veth.summary, "worker_core": veth.core, "generator_core": veth.other,
            "systems": {s.name: level.entry(s) for s in (ours, ceiling, peer)},
            "times_kamailio": ratio(ours, peer), "of_testpmd": ratio(ours, ceiling)}


def summary(found):
    if "left_out" in found:
        yield f"veth                left out: {found['left_out']}"
        return
    yield from level.lines("veth", found)
    for name, text in (("times_kamailio", "times Kamailio's rate"), ("of_testpmd", "of testpmd's")):
        if found[name]:
            yield f"veth                {found[name]['median']:.2f} {text}"
