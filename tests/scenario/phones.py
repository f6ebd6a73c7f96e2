# SPDX-License-Identifier: BSD-3-Clause
"""baresip and linphone register through us with a Kamailio behind us, and call each other; then two
more do so from behind a NAT, and those inside and outside of it call each other."""

from _common import Lab, Tap, addresses, expect, expect_balanced_ledger, need_root
from lab.kamailio import Way
from lab.nat import HOME, start_home
from lab.phones import Baresip, Linphone, call_and_hang_up

FAMILY = 4
DOMAIN = addresses.OUTSIDE[FAMILY]


def start(lab, kind, host, name, address, port):
    return kind(lab, host, name, address, port, DOMAIN, addresses.host_port(DOMAIN))


def call_both_ways(tap, one, other):
    for caller, called in ((one, other), (other, one)):
        for who_ends in (caller, called):
            with tap.case(f"phones_{caller.name}_calls_{called.name}_{who_ends.name}_ends"):
                call_and_hang_up(caller, called, who_ends)


def register(tap, name, phones):
    with tap.case(f"phones_{name}_register_with_password"):
        for phone in phones:
            phone.register()


def main():
    need_root()
    with Tap() as tap, Lab("phones", tap=tap) as lab:
        lab.start_proxies(Way(registrar=True), Way(registrar=True))
        balance = lab.start_strowger(weights=(1, 0))
        where = addresses.CALLER[FAMILY]
        alice = start(lab, Baresip, lab.caller, "alice", where, 5080)
        bob = start(lab, Linphone, lab.caller, "bob", where, 5090)
        register(tap, "in_the_open", (alice, bob))
        call_both_ways(tap, alice, bob)
        home = start_home(lab)
        carol = start(lab, Baresip, home, "carol", HOME, 5081)
        dave = start(lab, Linphone, home, "dave", HOME, 5091)
        register(tap, "behind_nat", (carol, dave))
        before = balance.ledger().counters["by_flow"]
        call_both_ways(tap, carol, dave)
        call_both_ways(tap, alice, dave)
        call_both_ways(tap, carol, bob)
        with tap.case("phones_behind_nat_are_reached_by_flow_tokens"):
            flows = balance.ledger().counters["by_flow"] - before
            expect(flows >= 12, f"requests by flow: {flows}")
        with tap.case("phones_ledger_balances"):
            # phones that speak outbound send empty lines to keep their flow open
            expect_balanced_ledger(balance, ("keepalive",))


main()
