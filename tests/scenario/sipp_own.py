# SPDX-License-Identifier: BSD-3-Clause
"""The scenarios that are built into sipp, as everybody runs them first. They copy no Record-Route and
follow no Route: what keeps such a call on its proxy is the hash of its Call-ID alone."""

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, expect_one_proxy_a_call, need_root, proxies_of_calls)
from lab import sipp

CALLS = 30
RATE = 10
PORT = 20000
TALK_PORT = 21000  # between the two halves of a 3PCC controller
OWN = "127.0.0.1"


class Run:
    """Some of sipp's own scenarios of one family: called sipps in the farm, by their port, and
    callers outside."""

    def __init__(self, lab, family):
        self.lab = lab
        self.family = family
        self.called = []
        self.cut_off = 0  # calls that a called side may lose as its caller ends
        self.caller = None

    def answer(self, own, port):
        called = sipp.Called(f"{own}v{self.family}", self.lab.farm,
                             addresses.PHONES[0][self.family], self.lab.log_dir,
                             sipp.builtin(own), port)
        self.lab.processes.append(called.process)
        self.called.append(called)
        called.wait_ready()

    def call(self, own, port, calls=CALLS, more=()):
        self.caller = sipp.Caller(f"{own}v{self.family}", self.lab.caller,
                                  addresses.CALLER[self.family],
                                  addresses.host_port(addresses.OUTSIDE[self.family]),
                                  self.lab.log_dir, sipp.builtin(own), calls, RATE,
                                  PORT + port, str(port), more=more)
        self.lab.processes.append(self.caller.process)
        return self.caller

    def expect_good(self):
        expect_all_answered(self.caller, self.caller.wait())
        for called in self.called:
            s = called.wait_ended(CALLS)
            expect(s.failed <= self.cut_off and (s.answered + s.failed, s.unexpected) == (CALLS, 0),
                   f"calls answered, failed, unexpected by {called.process.name}: {s}")


def default_calls(lab, family):
    run = Run(lab, family)
    run.answer("uas", 5101)
    run.call("uac", 5101)
    return run


def third_party_calls(lab, family):
    """A controller makes two calls, which have one Call-ID, and gives each the other's session
    (RFC 3725)."""
    run = Run(lab, family)
    run.cut_off = 1  # sipp's second half ends with the first, now and then before its last ACK
    run.answer("3pcc-A", 5102)
    run.answer("3pcc-B", 5103)
    talk = ["-3pcc", f"{OWN}:{TALK_PORT + family}"]
    # This half makes its calls when it is told to, and so goes on until stopped.
    second = run.call("3pcc-C-B", 5103, 0, talk)
    second.process.wait_for(lambda: second.process.tcp_listens(TALK_PORT + family), 10,
                            "it listens to the other half")
    run.call("3pcc-C-A", 5102, CALLS, talk)
    return run


def main():
    need_root()
    with Tap() as tap, Lab("sipp-own", tap=tap) as lab:
        lab.start_proxies()
        balance = lab.start_strowger(families=(4, 6))
        capture = lab.capture("inside")
        runs = {f"{what.__name__}_ipv{family}": what(lab, family)
                for family in (4, 6) for what in (default_calls, third_party_calls)}
        for name, run in runs.items():
            with tap.case(f"sipp_own_{name}"):
                run.expect_good()
        with tap.case("sipp_own_calls_each_on_one_proxy"):
            expect_equal(capture.stop(), 0, "packets that tcpdump missed")
            messages = list(capture.messages())
            for family in (4, 6):
                expect_one_proxy_a_call(proxies_of_calls(messages, family), 2 * CALLS)
        with tap.case("sipp_own_ledger_balances"):
            expect_balanced_ledger(balance)


main()
