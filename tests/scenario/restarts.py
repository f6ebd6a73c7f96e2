# SPDX-License-Identifier: BSD-3-Clause
"""Either process is killed and comes back while calls run."""

import os
import time

from _common import (Lab, Tap, expect, expect_all_answered, expect_balanced_ledger, expect_equal,
                     need_root, wait_until)

RATE = 500
FLOW_AGAIN_S = 2.0


def control_is_killed_and_restarted(lab, balance):
    caller = lab.call(calls=6000, rate=RATE)
    caller.wait_started(500)
    balance.control.kill()
    without = caller.statistics().answered
    caller.wait_started(without + 1500)
    balance.start_control()
    balance.wait_control()
    expect_all_answered(caller, caller.wait())


def serves_the_same_after(balance, before):
    """A restarted control goes on with what is served, instead of starting afresh."""
    after = balance.members()
    expect_equal(sorted(after), sorted(before), "members after the restart of control")
    for name, member in after.items():
        expect_equal(member.number, before[name].number, f"number of {name}")
        expect(member.new_calls >= before[name].new_calls, f"{name} forgot its calls")


def expect_bare_interfaces(lab):
    """What hung on the interfaces went with the process."""
    for port in ("outside", "inside"):
        def shown(name=lab.interface(port)):
            return lab.balancer.ip("-d", "link", "show", "dev", name)
        wait_until(lambda: "xdp" not in shown(), 60, "the XDP program to go")
        expect("promiscuity 0" in shown() and "PROMISC" not in shown(), f"promiscuous: {shown()}")
        expect("allmulti 0" in shown() and "ALLMULTI" not in shown(), f"all groups: {shown()}")


def dataplane_is_killed_and_restarted(lab, balance):
    """How long after its start the first INVITE went on to the farm."""
    capture = lab.capture("inside")
    caller = lab.call(calls=2000, rate=200)
    caller.wait_started(200)
    balance.dataplane.kill()
    expect_bare_interfaces(lab)
    began = time.time()
    balance.start_dataplane()
    lab.wait_dataplane()
    answered = caller.statistics().answered
    caller.wait_started(answered + 200)
    statistics = caller.wait()
    capture.stop()
    after = [m.time_s for m in capture.messages() if m.method == "INVITE" and m.time_s >= began]
    expect(after, "no INVITE reached the farm after the restart")
    return after[0] - began, statistics


def control_starts_first(lab, balance):
    """Control answers without a data plane, says so, and serves as soon as there is one."""
    balance.start_control()
    balance.control.wait_for(lambda: balance.ctl("show", "version", check=False)[0] == 0, 60,
                             "its API answers")
    expect_equal(balance.show("version")["dataplane"], "waiting", "state of the data plane")
    balance.start_dataplane()
    lab.wait_dataplane()
    balance.wait_control()
    caller = lab.call(calls=200, rate=200)
    expect_all_answered(caller, caller.wait())


def expect_all_restored(lab, balance):
    """No twin, no socket, no XDP program is left where the processes ran."""
    ports = {lab.interface(port) for port in ("outside", "inside")}
    expect_equal(set(lab.balancer.links()), {"lo"} | ports, "interfaces of the balancer")
    expect("xdp" not in lab.balancer.ip("-d", "link", "show"), "an XDP program is left")
    for socket in (balance.api_socket, balance.dataplane_socket):
        expect(not os.path.exists(socket), f"{socket} is left")


def main():
    need_root()
    with Tap() as tap, Lab("restarts", tap=tap) as lab:
        lab.start_farm()
        balance = lab.start_strowger()
        with tap.case("control_killed_and_restarted_loses_no_call"):
            control_is_killed_and_restarted(lab, balance)
        before = balance.members()
        with tap.case("control_killed_between_calls_keeps_numbers_and_counters"):
            balance.control.kill()
            balance.start_control()
            balance.wait_control()
            wait_until(balance.linked, 60, "control to reach the data plane")
            serves_the_same_after(balance, before)
        with tap.case("ledger_balances_after_restarts_of_control"):
            expect_balanced_ledger(balance)
        with tap.case("dataplane_killed_and_restarted_calls_flow_within_2_s"):
            gap_s, statistics = dataplane_is_killed_and_restarted(lab, balance)
            tap.note(f"first INVITE {gap_s:.2f} s after the start; {statistics}")
            expect(gap_s <= FLOW_AGAIN_S, f"first INVITE only {gap_s:.2f} s after the start")
            expect_equal(statistics.failed, 0, "calls that failed")
        with tap.case("control_may_start_long_before_the_dataplane"):
            balance.stop()
            control_starts_first(lab, balance)
        with tap.case("both_processes_end_cleanly_on_sigterm"):
            expect_equal(balance.stop(), {"control": 0, "dataplane": 0}, "exit codes")
            expect_all_restored(lab, balance)


main()
