# SPDX-License-Identifier: BSD-3-Clause
"""Ports that are DPDK's alone, with no kernel side: probes, REGISTERs and calls go by the workers'
lanes and the workers."""

import os

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, need_root, wait_until)
from lab import sipp

USERS = 2000
RATE = 400
CALLS = 1000
HEALTHY_S = 60
REGISTRAR = "registrar: {domains: [example.com], source_rate: 0, store_mb: 64}\n"


def members_are_probed(balance):
    def healthy():
        states = {m["name"]: m["state"] for m in balance.show("members")["members"]}
        return set(states.values()) == {"healthy"} and len(states) == 2
    wait_until(healthy, HEALTHY_S, "both proxies to be healthy")


def register(lab, name, users):
    caller = sipp.Caller(name, lab.caller, addresses.CALLER[4],
                         addresses.host_port(addresses.OUTSIDE[4]), lab.log_dir,
                         sipp.from_file("register.xml", lab.run_dir), USERS, RATE, port=5080,
                         keys={"expires": "600"}, more=["-inf", users])
    lab.processes.append(caller.process)
    return caller


def users_file(lab, balance):
    balance.ctl("subscriber", "import", "-",
                text="".join(f"u{i}@example.com secret\n" for i in range(USERS)))
    path = os.path.join(lab.run_dir, "users.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("SEQUENTIAL\n" + "".join(f"u{i};[authentication username=u{i} password=secret]\n"
                                         for i in range(USERS)))
    return path


def users_register(lab, balance, users):
    caller = register(lab, "register", users)
    expect_all_answered(caller, caller.wait())
    expect_equal(balance.show("registrar")["users_registered"], USERS, "users registered")
    counters = balance.ledger().counters
    expect(counters["control"] >= 2 * USERS, f"by the lane: {counters['control']}")
    expect(counters["control_sent"] >= 2 * USERS, f"from the lane: {counters['control_sent']}")
    expect_equal(counters["kernel"], 0, "messages given to a kernel")


def control_is_killed_meanwhile(lab, balance, users):
    """Without it nobody answers; the senders ask again, and the new one's lanes are taken."""
    caller = register(lab, "storm", users)
    caller.wait_started(USERS // 4)
    balance.control.kill()
    balance.start_control()
    balance.wait_control()
    expect_all_answered(caller, caller.wait())
    expect_equal(balance.show("registrar")["users_registered"], USERS, "users registered")


def farm_is_called(lab):
    caller = lab.call(calls=CALLS, rate=200)
    expect_all_answered(caller, caller.wait())


def main():
    need_root()
    with Tap() as tap, Lab("bare", tap=tap) as lab:
        lab.start_farm()
        balance = lab.start_strowger(bare=True, extra=REGISTRAR)
        with tap.case("members_are_probed_by_a_lane"):
            members_are_probed(balance)
        users = users_file(lab, balance)
        with tap.case(f"{USERS}_users_register_by_the_lane"):
            users_register(lab, balance, users)
        with tap.case("no_register_is_lost_when_control_is_killed"):
            control_is_killed_meanwhile(lab, balance, users)
        with tap.case(f"{CALLS}_calls_through_the_farm"):
            farm_is_called(lab)
        with tap.case("ledger_balances"):
            expect_balanced_ledger(balance, allowed=("no_kernel",))


main()
