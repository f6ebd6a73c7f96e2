# SPDX-License-Identifier: BSD-3-Clause
"""Calls that end otherwise: the called side hangs up, is busy, or the caller gives up."""

from _common import (Lab, Tap, expect_all_answered, expect_balanced_ledger, expect_equal,
                     expect_one_proxy_a_call, need_root, proxies_of_calls)

CALLS = 300
RATE = 100

# case, scenario of the called side, scenario of the caller
KINDS = [
    ("called_side_hangs_up_against_the_route_set", "uas_hangup.xml", "uac_hungup.xml"),
    ("busy_is_acknowledged_on_the_same_proxy", "uas_busy.xml", "uac_busy.xml"),
    ("cancel_reaches_the_proxy_of_its_invite", "uas_cancel.xml", "uac_cancel.xml"),
]


def calls_end(lab, family, called, caller):
    lab.start_phones((family,), called)
    capture = lab.capture("inside")
    calls = lab.call(calls=CALLS, rate=RATE, family=family, scenario=caller)
    expect_all_answered(calls, calls.wait())
    lost = capture.stop()
    expect_equal(lost, 0, "packets that tcpdump missed")
    expect_one_proxy_a_call(proxies_of_calls(capture.messages(), family), CALLS)
    expect_equal(sum(phone.statistics().failed for phone in lab.phones), 0,
                 "calls that failed at the called side")


def main():
    need_root()
    with Tap() as tap, Lab("ends", tap=tap) as lab:
        lab.start_farm(families=(4, 6))
        balance = lab.start_strowger(families=(4, 6))
        for family in (4, 6):
            for name, called, caller in KINDS:
                with tap.case(f"{name}_ipv{family}"):
                    calls_end(lab, family, called, caller)
        with tap.case("ledger_balances_after_calls_of_all_ends"):
            expect_balanced_ledger(balance)


main()
