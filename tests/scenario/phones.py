# SPDX-License-Identifier: BSD-3-Clause
"""baresip and linphone register through us with a Kamailio behind us, and call each other."""

from _common import Lab, Tap, addresses, expect_balanced_ledger, need_root
from lab.kamailio import Way
from lab.phones import Baresip, Linphone

FAMILY = 4


def start_phones(lab):
    domain = addresses.OUTSIDE[FAMILY]
    outbound = addresses.host_port(domain)
    where = addresses.CALLER[FAMILY]
    return (Baresip(lab, lab.caller, "alice", where, 5080, domain, outbound),
            Linphone(lab, lab.caller, "bob", where, 5090, domain, outbound))


def call_and_hang_up(caller, called, who_ends):
    caller.call(called.identity)
    for phone in (caller, called):
        phone.wait("in_call")
    who_ends.hang_up()
    for phone in (caller, called):
        phone.wait("idle")


def main():
    need_root()
    with Tap() as tap, Lab("phones", tap=tap) as lab:
        lab.start_proxies(Way(registrar=True), Way(registrar=True))
        balance = lab.start_strowger(weights=(1, 0))
        alice, bob = start_phones(lab)
        with tap.case("phones_register_with_password"):
            for phone in (alice, bob):
                phone.register()
        for caller, called in ((alice, bob), (bob, alice)):
            for who_ends in (caller, called):
                with tap.case(f"phones_{caller.name}_calls_{called.name}_{who_ends.name}_ends"):
                    call_and_hang_up(caller, called, who_ends)
        with tap.case("phones_ledger_balances"):
            expect_balanced_ledger(balance)


main()
