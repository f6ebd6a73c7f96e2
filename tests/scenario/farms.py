# SPDX-License-Identifier: BSD-3-Clause
"""Kamailio in its ways: calling our address its own, or hiding the topology behind ours. Every kind of
dialog still holds, in and out, and stays on its proxy.

    farms.py advertise|topoh
"""

import sys

from _common import Lab, Tap, addresses, expect_balanced_ledger, need_root
from _dialogs import called_inside, called_outside, expect_good, expect_one_proxy
from lab.kamailio import Way

# of each of the two proxies
WAYS = {
    "advertise": (Way(advertise=addresses.OUTSIDE, patient=True), Way(patient=True)),
    # behind our address, and behind what is topoh's default, which nobody could reach
    "topoh": (Way(mask=addresses.OUTSIDE[4], patient=True),
              Way(mask="127.0.0.8", patient=True)),
}
CALLS = 6


def main(name):
    need_root()
    with Tap() as tap, Lab(f"farms-{name}", tap=tap) as lab:
        lab.start_proxies(*WAYS[name])
        balance = lab.start_strowger()
        capture = lab.capture("inside")
        parties = called_inside(lab, 4, (4,), CALLS) + called_outside(lab, (4,), (4, 4), CALLS)
        expect_good(tap, f"farm_{name}", parties)
        with tap.case(f"farm_{name}_each_on_one_proxy"):
            expect_one_proxy(capture, (4,), sum(party.n_calls() for party in parties))
        with tap.case(f"farm_{name}_ledger_balances"):
            expect_balanced_ledger(balance)


main(sys.argv[1])
