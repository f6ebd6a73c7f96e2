# SPDX-License-Identifier: BSD-3-Clause
"""20 000 calls at 500 a second through two proxies: none fails, none is torn, shares are right.

    calls.py ipv4|ipv6|large
"""

import sys

from _common import (Lab, Tap, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, expect_one_proxy_a_call, expect_shares, need_root,
                     proxies_of_calls)

CALLS = 20000
RATE = 500

# name: family, size of the INVITE (0: as it comes), weights of the two proxies
KINDS = {
    "ipv4": (4, 0, (10, 10)),
    "ipv6": (6, 0, (10, 30)),
    "large": (4, 4000, (10, 10)),
}
# TAP names, by kind
NAMES = {"ipv4": "20000_calls_over_ipv4", "ipv6": "20000_calls_over_ipv6",
         "large": "20000_calls_with_invites_of_4000_bytes"}


def expect_ringing(messages, statistics):
    """A 180 passed for each call. One that a starved peer lost is not sent again (RFC 3261
    s13.3.1.1), but then the sender of the INVITE had to repeat it."""
    silent = CALLS - len({m.call_id for m in messages if m.status == 180})
    expect(silent <= statistics.retransmissions,
           f"{silent} calls had no 180, with {statistics.retransmissions} retransmissions")


def fragments_went_both_ways(balance, messages, invite_bytes):
    counters = balance.ledger().counters
    # The last INVITEs may have come again; fewer than three fragments each there cannot be.
    for name in ("fragments_received", "fragments_sent"):
        expect(counters[name] >= 3 * CALLS, f"{name}: {counters[name]}")
    invites = [m for m in messages if m.method == "INVITE"]
    expect(all(m.fragmented and m.length >= invite_bytes for m in invites),
           "INVITEs on the farm's cable are fragmented and not shorter than they were")


def main(kind):
    need_root()
    family, invite_bytes, weights = KINDS[kind]
    name = NAMES[kind]
    with Tap() as tap, Lab(f"calls-{kind}", tap=tap) as lab:
        lab.start_farm(families=(family,))
        balance = lab.start_strowger(weights=weights, families=(family,))
        capture = lab.capture("inside")
        caller = lab.call(calls=CALLS, rate=RATE, family=family, invite_bytes=invite_bytes)
        statistics = caller.wait()
        lost = capture.stop()
        messages = list(capture.messages())
        seen = proxies_of_calls(messages, family)
        tap.note(str(statistics))
        with tap.case(f"{name}_all_end_well"):
            expect_all_answered(caller, statistics)
        with tap.case(f"{name}_ring"):
            expect_ringing(messages, statistics)
        with tap.case(f"{name}_each_on_one_proxy"):
            expect_equal(lost, 0, "packets that tcpdump missed")
            expect_one_proxy_a_call(seen, CALLS)
        with tap.case(f"{name}_shares_within_5_percent_of_weights"):
            expect_shares(seen, family, weights)
        with tap.case(f"{name}_every_packet_accounted_for"):
            expect_balanced_ledger(balance)
        if invite_bytes:
            with tap.case(f"{name}_fragments_in_and_out"):
                fragments_went_both_ways(balance, messages, invite_bytes)


main(sys.argv[1])
