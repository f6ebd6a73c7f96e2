# SPDX-License-Identifier: BSD-3-Clause
"""A server keeps its interfaces: SIP is steered to the data plane, all else stays with the kernel.

A TCP transfer and a ping run over the very interface and address that carry the calls, from before
the data plane starts until after it was killed and stopped.
"""

import json
import os
import re
import sys

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, need_root, wait_until)
from lab import strowger
from lab.ping import Ping

TESTS_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRANSFER = os.path.join(TESTS_DIR, "lab", "transfer.py")
CALLS = 300
RATE = 100


class Transfer:
    """Bytes that flow from the caller to the balancer's own kernel, one connection, each checked."""

    def __init__(self, lab):
        address = addresses.OUTSIDE[4]
        self.server = lab.run_in(lab.balancer, "tcp-server", sys.executable, TRANSFER, "serve",
                                 address)
        self.server.wait_for(lambda: "listening" in self.server.output(), 60, "it listens")
        self.client = lab.run_in(lab.caller, "tcp-client", sys.executable, TRANSFER, "send",
                                 address)
        self.wait_more()

    def received(self):
        """Bytes that arrived in order and as sent."""
        lines = [line for line in self.server.tail().splitlines() if line.startswith("received ")]
        return int(lines[-1].split()[1]) if lines else 0

    def wait_more(self):
        before = self.received()
        for process in (self.server, self.client):
            process.wait_for(lambda: self.received() > before + 100_000, 60,
                             "the transfer goes on")

    def finish(self):
        """Bytes sent and bytes received."""
        expect_equal(self.client.stop(), 0, f"exit code of the sender\n{self.client.tail()}")
        expect_equal(self.server.wait_exit(60), 0, "exit code of the receiver")
        sent = int(self.client.tail().splitlines()[-1].split()[1])
        return sent, self.received()


def calls_pass(lab, family=4, **how):
    caller = lab.call(calls=CALLS, rate=RATE, family=family, **how)
    expect_all_answered(caller, caller.wait())


def doctor(lab, balance):
    """{check: grades of its findings}, as seen from the balancer."""
    program = strowger.program(balance.build_dir, "ctl")
    findings = json.loads(lab.balancer.run(
        program, "--socket", balance.api_socket, "doctor", "--json", check=False))["findings"]
    grades = {}
    for finding in findings:
        grades.setdefault(finding["check"], set()).add(finding["grade"])
    return grades


def interfaces(lab):
    """What `ip` shows of them, but for an XDP program: flags, MTU, MAC and addresses."""
    text = {port: lab.balancer.ip("addr", "show", "dev", lab.interface(port))
            for port in ("outside", "inside")}
    return {port: re.sub(r" xdp\S*(?=\s)| *prog/xdp.*\n", "", shown) for port, shown in text.items()}


def expect_no_program(lab):
    """No XDP program, no TAP, and what was there before."""
    ports = {lab.interface(port) for port in ("outside", "inside")}
    wait_until(lambda: set(lab.balancer.links()) == {"lo"} | ports, 60, "TAPs to go")
    wait_until(lambda: "xdp" not in lab.balancer.ip("-d", "link", "show"), 60, "XDP programs to go")


def listeners_change(lab, balance):
    """A port of the kernel's own becomes a listener by reload, and the kernel's again."""
    with open(balance.config_file, encoding="utf-8") as f:
        text = f.read()
    extra = f'  - {{name: late, address: "{addresses.OUTSIDE[4]}:5066", pool: farm4}}\n'
    rewrite(balance, text.replace("pools:\n", extra + "pools:\n", 1))
    balance.ctl("reload")
    calls_pass(lab, target=f"{addresses.OUTSIDE[4]}:5066")
    # Without health probes, whose answers the workers give to the kernel too.
    lab.configure(families=(4, 6), pool=("health: {probes: false}",))
    balance.ctl("reload")
    expect_refused_by_the_kernel(lab, balance)
    rewrite(balance, text)
    balance.ctl("reload")


def expect_refused_by_the_kernel(lab, balance):
    """What is sent to the port that is no listener any more passes the workers by. The answer to the
    last health probe may come in between, so it is shown until nothing else came."""
    def passed_by():
        before = balance.ledger()
        probe = lab.run_in(lab.caller, "udp-probe", sys.executable, TRANSFER, "refused",
                           addresses.OUTSIDE[4], "5066")
        expect_equal(probe.wait_exit(90), 0, f"the kernel answers for 5066 again\n{probe.tail()}")
        after = balance.ledger()
        return all(after.counters[name] == before.counters[name] for name in ("received", "kernel"))

    wait_until(passed_by, 60, "a probe of port 5066 that no worker receives")


def expect_discreet_logs(lab):
    """Nothing of a message's content stands in what both processes said at their normal level."""
    for name in ("dataplane", "control"):
        with open(lab.log(f"{name}.log"), encoding="utf-8") as f:
            text = f.read()
        expect("level=info" in text, f"{name} said nothing")
        told = [word for word in ("sip:", "SIP/2.0", "Call-ID", "INVITE", "level=debug")
                if word in text]
        expect(not told, f"{name}.log has {told}")


def rewrite(balance, text):
    with open(balance.config_file + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(balance.config_file + ".new", balance.config_file)


def main():
    need_root()
    with Tap() as tap, Lab("shared", tap=tap) as lab:
        lab.start_farm(families=(4, 6))
        lab.share_interfaces()
        before = interfaces(lab)
        transfer = Transfer(lab)
        pings = [Ping(lab, lab.caller, addresses.OUTSIDE[family]) for family in (4, 6)]
        balance = lab.start_strowger(families=(4, 6), shared=True)
        with tap.case("interfaces_stay_as_they_are"):
            expect_equal(interfaces(lab), before, "interfaces")
        with tap.case("doctor_finds_processes_ports_and_neighbours_well"):
            grades = doctor(lab, balance)
            for check in ("running", "ports", "neighbours"):
                expect_equal(grades[check], {"good"}, f"grades of {check}")
        with tap.case("calls_pass_beside_a_transfer"):
            calls_pass(lab)
            transfer.wait_more()
        with tap.case("calls_pass_over_ipv6"):
            calls_pass(lab, family=6)
        with tap.case("fragments_are_steered"):
            calls_pass(lab, invite_bytes=4000)
        with tap.case("ledger_balances"):
            expect_balanced_ledger(balance)
        with tap.case("a_reload_steers_other_listeners"):
            listeners_change(lab, balance)
        with tap.case("after_a_kill_the_kernel_has_everything"):
            balance.dataplane.kill()
            expect_no_program(lab)
            expect_equal(interfaces(lab), before, "interfaces")
            transfer.wait_more()
            wait_until(lambda: doctor(lab, balance)["running"] == {"bad"}, 60,
                       "the doctor to miss the data plane")
        with tap.case("after_its_start_calls_pass_again"):
            balance.start_dataplane()
            lab.wait_dataplane()
            wait_until(balance.linked, 60, "control to reach the data plane")
            calls_pass(lab)
            transfer.wait_more()
        with tap.case("a_stop_leaves_nothing_behind"):
            expect_equal(balance.stop(), {"control": 0, "dataplane": 0}, "exit codes")
            expect_no_program(lab)
            expect_equal(interfaces(lab), before, "interfaces")
            transfer.wait_more()
        with tap.case("logs_tell_nothing_of_calls"):
            expect_discreet_logs(lab)
        with tap.case("the_transfer_lost_no_byte"):
            sent, received = transfer.finish()
            tap.note(f"{sent} bytes in one connection")
            expect_equal(received, sent, "bytes received")
        with tap.case("no_ping_was_lost"):
            for ping in pings:
                sent, answered = ping.finish()
                tap.note(f"{answered} of {sent} pings")
                expect(sent - answered <= 1, f"{answered} of {sent} pings were answered")


main()
