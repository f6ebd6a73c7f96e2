# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of dialog (tests/lab/dialogs.py) through two Kamailio proxies: from outside in and from
inside out, over IPv4, IPv6 and from one to the other. No call fails, no message is unexpected.

    dialogs.py in4|in6|out
"""

import collections
import sys

from _common import (Lab, Tap, addresses, expect, expect_balanced_ledger, expect_equal,
                     expect_one_proxy_a_call, need_root, proxies_of_calls)
from lab import dialogs
from lab.parties import Party, Side

CALLS = 20
RATE = 10
# sipp itself takes ports from 6000 on for media
FIRST_PORT = 20000


def outside(lab, family):
    return Side(lab.caller, f"outside{family}", addresses.CALLER[family])


def phone(lab, family):
    return Side(lab.farm, f"phone{family}", addresses.PHONES[0][family])


def called_inside(lab, farm):
    """Callers of both families; those of the other one come in at the crossed listener."""
    party = Party(lab, phone(lab, farm), dialogs.KINDS)
    for family in (4, 6):
        port = addresses.SIP_PORT if family == farm else addresses.CROSS_PORT
        target = addresses.host_port(addresses.OUTSIDE[family], port)
        party.call(outside(lab, family), target, lambda kind, to=target: f"{party.user(kind)}@{to}",
                   CALLS, RATE, FIRST_PORT)
    return [party]


def called_outside(lab):
    """Phones behind the proxies call; forking is for the inside, and so left out."""
    kinds = [kind for kind in dialogs.KINDS if dialogs.n_called(kind) == 1]
    parties = []
    for family in (4, 6):
        party = Party(lab, outside(lab, family), kinds)
        host = addresses.bracketed(addresses.CALLER[family])
        for i, farm in enumerate((4, 6)):
            caller = phone(lab, farm)
            party.call(caller, addresses.host_port(addresses.PROXIES[i][farm]),
                       lambda kind, p=party, h=host: f"out{p.user(kind)}@{h}:{p.ports[kind]}",
                       CALLS, RATE, FIRST_PORT + 100 * family)
        parties.append(party)
    return parties


# families of the proxies, and what happens
WAYS = {
    "in4": ((4,), lambda lab: called_inside(lab, 4)),
    "in6": ((6,), lambda lab: called_inside(lab, 6)),
    "out": ((4, 6), called_outside),
}


def results_by_kind(parties):
    """{kind: [what is wrong]}."""
    wrong = collections.defaultdict(list)
    for party in parties:
        for kind, name, s, wanted in party.results():
            wrong[kind] += [] if (s.answered, s.failed, s.unexpected) == (wanted, 0, 0) else \
                [f"{name}: of {wanted} calls: {s}"]
    return wrong


def expect_one_proxy(capture, farms, n_calls):
    """Whatever the dialog, all of its messages met the same proxy."""
    expect_equal(capture.stop(), 0, "packets that tcpdump missed")
    messages = list(capture.messages())
    seen = {}
    for farm in farms:
        seen |= proxies_of_calls(messages, farm)
    expect_one_proxy_a_call(seen, n_calls)


def main(way):
    need_root()
    farms = WAYS[way][0]
    with Tap() as tap, Lab(f"dialogs-{way}", tap=tap) as lab:
        lab.start_proxies()
        balance = lab.start_strowger(families=(4, 6), crossed=True)
        capture = lab.capture("inside")
        parties = WAYS[way][1](lab)
        wrong = results_by_kind(parties)
        for kind in wrong:
            with tap.case(f"dialogs_{way}_{kind}"):
                expect(not wrong[kind], "\n".join(wrong[kind]))
        with tap.case(f"dialogs_{way}_each_on_one_proxy"):
            expect_one_proxy(capture, farms, CALLS * sum(len(p.callers) for p in parties))
        with tap.case(f"dialogs_{way}_ledger_balances"):
            expect_balanced_ledger(balance)


main(sys.argv[1])
