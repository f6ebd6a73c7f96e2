# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of dialog (tests/lab/dialogs.py) through two Kamailio proxies: from outside in and from
inside out, over IPv4, IPv6 and from one to the other. No call fails, no message is unexpected.

    dialogs.py in4|in6|out
"""

import sys

from _common import Lab, Tap, expect_balanced_ledger, need_root
from _dialogs import called_inside, called_outside, expect_good, expect_one_proxy
from lab.kamailio import Way

CALLS = 6
# families of the proxies, and what happens
WAYS = {
    "in4": ((4,), lambda lab: called_inside(lab, 4, (4, 6), CALLS)),
    "in6": ((6,), lambda lab: called_inside(lab, 6, (4, 6), CALLS)),
    "out": ((4, 6), lambda lab: called_outside(lab, (4, 6), (4, 6), CALLS)),
}


def main(way):
    need_root()
    farms, start = WAYS[way]
    with Tap() as tap, Lab(f"dialogs-{way}", tap=tap) as lab:
        lab.start_proxies(Way(patient=True), Way(patient=True))
        balance = lab.start_strowger(families=(4, 6), crossed=True)
        capture = lab.capture("inside")
        parties = start(lab)
        expect_good(tap, f"dialogs_{way}", parties)
        with tap.case(f"dialogs_{way}_each_on_one_proxy"):
            expect_one_proxy(capture, farms, sum(party.n_calls() for party in parties))
        with tap.case(f"dialogs_{way}_ledger_balances"):
            expect_balanced_ledger(balance)


main(sys.argv[1])
