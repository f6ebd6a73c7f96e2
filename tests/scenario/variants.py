# SPDX-License-Identifier: BSD-3-Clause
"""The same calls on other ground: without hugepages, with packet sockets, with two workers, large
over IPv6."""

import os

from _common import (Lab, Tap, expect, expect_all_answered, expect_balanced_ledger, expect_equal,
                     need_root)
from support.tap import Skip

CALLS = 500
RATE = 100
# The kernel hashes flows to queues with a key of each boot: of so many, all meet in one of two queues
# once in millions of boots.
CALLERS = 25


def calls_pass(lab, balance, n_callers=1, **how):
    callers = [lab.call(calls=CALLS // n_callers, rate=RATE // n_callers, **how)
               for _ in range(n_callers)]
    for caller in callers:
        expect_all_answered(caller, caller.wait())
    expect_balanced_ledger(balance)


def without_hugepages(tap):
    with Lab("variants-no-hugepages", tap=tap) as lab:
        lab.start_farm()
        calls_pass(lab, lab.start_strowger(hugepages="no"))


def with_packet_sockets(tap):
    with Lab("variants-af-packet", tap=tap) as lab:
        lab.start_farm()
        calls_pass(lab, lab.start_strowger(driver="net_af_packet"))


def with_two_workers(tap):
    """Flows of several callers spread over the queues of both workers. With packet sockets, since
    DPDK 22.11 sees but one AF_XDP queue on a veth; and without fragments, since it has the kernel
    put them together (PACKET_FANOUT_FLAG_DEFRAG) and then does not take what is over a frame."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs two CPUs")
    with Lab("variants-two-workers", tap=tap, n_workers=2) as lab:
        lab.start_farm()
        balance = lab.start_strowger(driver="net_af_packet")
        calls_pass(lab, balance, n_callers=CALLERS)
        workers = balance.show("workers")["workers"]
        expect_equal(len(workers), 2, "workers")
        expect(all(worker["received"] > 0 for worker in workers), f"an idle worker: {workers}")


def large_over_ipv6(tap):
    with Lab("variants-large-ipv6", tap=tap) as lab:
        lab.start_farm(families=(6,))
        balance = lab.start_strowger(families=(6,))
        capture = lab.capture("inside")
        calls_pass(lab, balance, family=6, invite_bytes=4000)
        capture.stop()
        invites = [m for m in capture.messages() if m.method == "INVITE"]
        expect_equal(len({m.call_id for m in invites}), CALLS, "calls on the farm's cable")
        expect(all(m.fragmented and m.length >= 4000 for m in invites), "INVITEs in fragments")


def main():
    need_root()
    with Tap() as tap:
        with tap.case("calls_pass_without_hugepages"):
            without_hugepages(tap)
        with tap.case("calls_pass_with_packet_sockets"):
            with_packet_sockets(tap)
        with tap.case("calls_pass_over_ipv6_with_invites_of_4000_bytes"):
            large_over_ipv6(tap)
        with tap.case("calls_pass_with_two_workers"):
            with_two_workers(tap)


main()
