# SPDX-License-Identifier: BSD-3-Clause
"""A member calls a host name: the first message takes the slow path, the rest go by the worker."""

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, need_root, wait_until)
from lab import dns, sipp

NAME = "callee.example"
OTHER_NAME = "other.example"
TTL_S = 5
ZONE = {
    NAME: [["NAPTR", TTL_S, 10, 1, "s", "SIP+D2U", f"_sip._udp.{NAME}"]],
    f"_sip._udp.{NAME}": [["SRV", TTL_S, 10, 1, addresses.SIP_PORT, f"phone.{NAME}"]],
    f"phone.{NAME}": [["A", TTL_S, addresses.CALLER[4]]],
    OTHER_NAME: [["A", TTL_S, addresses.CALLER[4]]],
}
CALLS = 2000
RATE = 200


class Member:
    """In place of the farm's first proxy: a sipp on its address that calls by the balancer."""

    def __init__(self, lab):
        self.lab = lab
        self.runs = 0

    def call(self, calls, name=NAME, invite_bytes=0):
        self.runs += 1
        script = sipp.from_file("uac_name.xml", self.lab.run_dir, invite_bytes)
        caller = sipp.Caller(f"member{self.runs}", self.lab.farm, addresses.PROXIES[0][4],
                             addresses.host_port(addresses.INSIDE[4]), self.lab.log_dir, script,
                             calls, RATE, addresses.SIP_PORT, keys={"callee": name})
        self.lab.processes.append(caller.process)
        statistics = caller.wait()
        expect_all_answered(caller, statistics)
        return statistics


def start_callee(lab):
    phone = sipp.Called("callee", lab.caller, addresses.CALLER[4], lab.log_dir,
                        sipp.from_file("uas.xml", lab.run_dir))
    lab.processes.append(phone.process)
    phone.wait_ready()


def use_our_dns(lab, balance):
    dns.start(lab, lab.balancer, ZONE)
    lab.configure(extra='resolver: {servers: ["127.0.0.1:5353"]}\n')
    balance.ctl("reload")


def slow_path(balance):
    return balance.show("names")["slow_path"]


def first_message_is_not_lost(balance, member):
    statistics = member.call(1)
    expect_equal(statistics.retransmissions, 0, "retransmissions")
    slow = slow_path(balance)
    expect_equal((slow["received"], slow["sent"], slow["waiting"]), (1, 1, 0),
                 "messages of the slow path received, sent, waiting")
    expect_equal(balance.ledger().counters["by_uri"] > 0, True, "the rest went by the worker")


def a_large_one_is_not_lost_either(balance, member):
    """An INVITE in fragments, and a name that has nothing but an address."""
    before = slow_path(balance)["sent"]
    statistics = member.call(1, OTHER_NAME, 4000)
    expect_equal(statistics.retransmissions, 0, "retransmissions")
    expect_equal(slow_path(balance)["sent"], before + 1, "messages of the slow path sent")


def published(balance):
    """What the name stands for, once a table with it is served."""
    rows = [row for row in balance.show("names")["names"] if row["name"] == NAME]
    return rows and rows[0]["state"] == "known" and \
        balance.show("status")["tables"]["changes_waiting"] == 0 and rows[0]


def following_go_by_the_worker(balance, member):
    row = wait_until(lambda: published(balance), 60, "the name to be published")
    expect_equal([target["address"] for target in row["targets"]],
                 [addresses.host_port(addresses.CALLER[4])], "targets")
    before = slow_path(balance)["received"]
    # Longer than the TTL: refreshed meanwhile, no message has to wait again.
    member.call(CALLS)
    expect_equal(slow_path(balance)["received"], before, "messages of the slow path")
    slow = slow_path(balance)
    expect(slow["answered"] == slow["dropped"] == 0, f"slow path: {slow}")


def names_outlive_control(balance, member):
    """Without control the worker goes on; a new control takes the names over."""
    balance.control.kill()
    member.call(100)
    balance.start_control()
    balance.wait_control()
    member.call(100)
    wait_until(lambda: published(balance), 60, "the name to be in the new control's tables")
    expect_equal(slow_path(balance)["received"], 0, "messages of the slow path")


def by_the_inlet_of_a_shared_port(lab):
    """The kernel takes it in although it looks hard where it comes from."""
    lab.share_interfaces()
    start_callee(lab)
    balance = lab.start_strowger(shared=True)
    lab.balancer.sysctl("net.ipv4.conf.all.rp_filter", 1)
    use_our_dns(lab, balance)
    member = Member(lab)
    first_message_is_not_lost(balance, member)
    a_large_one_is_not_lost_either(balance, member)
    expect_balanced_ledger(balance)


def main():
    need_root()
    with Tap() as tap, Lab("names", tap=tap) as lab:
        start_callee(lab)
        balance = lab.start_strowger()
        use_our_dns(lab, balance)
        member = Member(lab)
        with tap.case("first_message_to_a_name_is_not_lost"):
            first_message_is_not_lost(balance, member)
        with tap.case("2000_calls_to_a_name_go_by_the_worker"):
            following_go_by_the_worker(balance, member)
        with tap.case("first_message_in_fragments_is_not_lost"):
            a_large_one_is_not_lost_either(balance, member)
        with tap.case("names_outlive_control"):
            names_outlive_control(balance, member)
        with tap.case("ledger_balances_after_names"):
            expect_balanced_ledger(balance)
        with tap.case("first_message_is_not_lost_on_a_shared_port"), \
                Lab("names-shared", tap=tap) as other:
            by_the_inlet_of_a_shared_port(other)


main()
