# SPDX-License-Identifier: BSD-3-Clause
"""The lab alone: callers reach the farm by the balancer's kernel, without Strowger. When this
fails, so will every other scenario, and Strowger is not to blame."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import Lab, addresses  # noqa: E402
from support.tap import Tap, expect, expect_equal, skip_all  # noqa: E402

CALLS = 200


def calls_end_well(lab, family, proxy):
    target = addresses.host_port(addresses.PROXIES[proxy][family])
    statistics = lab.call(calls=CALLS, rate=100, family=family, target=target).wait()
    expect_equal((statistics.answered, statistics.failed), (CALLS, 0), "answered and failed")


def large_invites_arrive(lab):
    capture = lab.capture("inside")
    target = addresses.host_port(addresses.PROXIES[0][4])
    statistics = lab.call(calls=CALLS, rate=100, invite_bytes=4000, target=target).wait()
    lost = capture.stop()
    expect_equal((statistics.answered, statistics.failed), (CALLS, 0), "answered and failed")
    expect_equal(lost, 0, "packets tcpdump missed")
    invites = [m for m in capture.messages() if m.method == "INVITE"]
    expect_equal(len({m.call_id for m in invites}), CALLS, "calls seen on the cable")
    expect(all(m.fragmented and m.length >= 4000 for m in invites), "INVITEs of 4000 bytes")


def main():
    if os.geteuid() != 0:
        skip_all("the lab needs root")
    with Tap() as tap, Lab("lab-itself", tap=tap) as lab:
        lab.start_farm(families=(4, 6))
        lab.start_kernel_router()
        for family in addresses.FAMILIES:
            for proxy in range(len(addresses.PROXIES)):
                with tap.case(f"lab_calls_pass_ipv{family}_proxy{proxy}"):
                    calls_end_well(lab, family, proxy)
        with tap.case("lab_calls_with_invites_of_4000_bytes_pass"):
            large_invites_arrive(lab)


main()
