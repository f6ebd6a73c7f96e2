# SPDX-License-Identifier: BSD-3-Clause
"""Dialogs of all kinds side by side, for scenarios that differ in what stands between the two ends."""

import collections

from _common import (addresses, expect, expect_equal, expect_one_proxy_a_call, proxies_of_calls)
from lab import dialogs
from lab.parties import Party, Side

# of each kind and direction; all of them together are a hundred calls a second
RATE = 2
# sipp itself takes ports from 6000 on for media
FIRST_PORT = 20000


def outside(lab, family):
    return Side(lab.caller, f"outside{family}", addresses.CALLER[family])


def called_inside(lab, farm, callers, calls):
    """Phones behind proxies of family @farm, called from outside by both families of @callers. The
    other family comes in at the crossed listener."""
    phone = Side(lab.farm, f"phone{farm}", addresses.PHONES[0][farm])
    party = Party(lab, phone, dialogs.KINDS)
    for family in callers:
        port = addresses.SIP_PORT if family == farm else addresses.CROSS_PORT
        target = addresses.host_port(addresses.OUTSIDE[family], port)
        party.call(outside(lab, family), target, lambda kind, to=target: f"{party.user(kind)}@{to}",
                   calls, RATE, FIRST_PORT)
    return [party]


def called_outside(lab, families, farms, calls):
    """Phones behind the proxies, which are of families @farms, call @families outside. Forking is
    for the inside, so it is left out."""
    kinds = [kind for kind in dialogs.KINDS if dialogs.n_called(kind) == 1]
    parties = []
    for family in families:
        party = Party(lab, outside(lab, family), kinds)
        host = addresses.bracketed(addresses.CALLER[family])
        for i, farm in enumerate(farms):
            caller = Side(lab.farm, f"phone{i}v{farm}", addresses.PHONES[i][farm])
            party.call(caller, addresses.host_port(addresses.PROXIES[i][farm]),
                       lambda kind, p=party, h=host: f"out{p.user(kind)}@{h}:{p.ports[kind]}",
                       calls, RATE, FIRST_PORT + 100 * family)
        parties.append(party)
    return parties


def expect_good(tap, prefix, parties):
    """A case for each kind: every call of its callers and called sides went as written."""
    wrong = collections.defaultdict(list)
    for party in parties:
        for kind, name, s, wanted in party.results():
            wrong[kind] += [] if (s.answered, s.failed, s.unexpected) == (wanted, 0, 0) else \
                [f"{name}: of {wanted} calls: {s}"]
    for kind, what in wrong.items():
        with tap.case(f"{prefix}_{kind}"):
            expect(not what, "\n".join(what))


def expect_one_proxy(capture, farms, n_calls):
    """Whatever the dialog, all of its messages met the same proxy."""
    expect_equal(capture.stop(), 0, "packets that tcpdump missed")
    messages = list(capture.messages())
    seen = {}
    for farm in farms:
        seen |= proxies_of_calls(messages, farm)
    expect_one_proxy_a_call(seen, n_calls)
