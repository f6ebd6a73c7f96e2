# SPDX-License-Identifier: BSD-3-Clause
"""The scenarios that are built into sipp, as everybody runs them first. They copy no Record-Route and
follow no Route: what keeps such a call on its proxy is the hash of its Call-ID alone."""

from _common import (Lab, Tap, addresses, expect_balanced_ledger, expect_equal,
                     expect_one_proxy_a_call, need_root, proxies_of_calls, wait_until)
from lab import sipp

CALLS = 30
RATE = 10
PORT = 20000
CONTROL_PORT = 22000
TALK_PORT = 21000  # between the two halves of a 3PCC controller
OWN = "127.0.0.1"


class Run:
    """Some of sipp's own scenarios of one family: called sipps in the farm, by their port, and
    callers outside. Ends well when each side has had the same calls, and no other end of them than
    a good one."""

    def __init__(self, lab, family):
        self.lab = lab
        self.family = family
        self.called = []
        self.callers = []

    def answer(self, own, port):
        called = sipp.Called(f"{own}v{self.family}", self.lab.farm,
                             addresses.PHONES[0][self.family], self.lab.log_dir,
                             sipp.builtin(own), port)
        self.lab.processes.append(called.process)
        self.called.append(called)
        called.wait_ready()

    def call(self, own, port, more=()):
        """From now on, until told to pause."""
        caller = sipp.Caller(f"{own}v{self.family}", self.lab.caller,
                             addresses.CALLER[self.family],
                             addresses.host_port(addresses.OUTSIDE[self.family]),
                             self.lab.log_dir, sipp.builtin(own), 0, RATE, PORT + port,
                             str(port), more=more,
                             control_port=CONTROL_PORT + 100 * self.family + port % 100)
        self.lab.processes.append(caller.process)
        self.callers.append(caller)
        return caller

    def ended(self):
        """Each side's statistics, once no call is left in any and all have had as many."""
        sides = [side.statistics() for side in self.callers + self.called]
        made = self.callers[0].statistics().sent
        return all((s.current, s.answered + s.failed) == (0, made) for s in sides) and sides

    def expect_good(self):
        """The number of calls made. A controller that ended would take the other half's last call
        with it: the callers pause, and end when every side has ended its calls."""
        self.callers[0].wait_started(CALLS)
        self.callers[0].pause()
        for side, s in zip(self.callers + self.called,
                           wait_until(self.ended, 60, "every side to have ended its calls")):
            expect_equal((s.failed, s.unexpected), (0, 0),
                         f"calls failed, unexpected messages of {side.process.name}: {s}")
        for caller in self.callers:
            caller.process.stop()
        return self.callers[0].statistics().answered


def default_calls(lab, family):
    run = Run(lab, family)
    run.answer("uas", 5101)
    run.call("uac", 5101)
    return run


def third_party_calls(lab, family):
    """A controller makes two calls, which have one Call-ID, and gives each the other's session
    (RFC 3725)."""
    run = Run(lab, family)
    run.answer("3pcc-A", 5102)
    run.answer("3pcc-B", 5103)
    talk = ["-3pcc", f"{OWN}:{TALK_PORT + family}"]
    second = run.call("3pcc-C-B", 5103, talk)
    second.process.wait_for(lambda: second.process.tcp_listens(TALK_PORT + family), 60,
                            "it listens to the other half")
    run.call("3pcc-C-A", 5102, talk)
    run.callers.reverse()  # the half that begins comes first
    return run


def main():
    need_root()
    with Tap() as tap, Lab("sipp-own", tap=tap) as lab:
        lab.start_proxies()
        balance = lab.start_strowger(families=(4, 6))
        capture = lab.capture("inside")
        runs = {f"{what.__name__}_ipv{family}": what(lab, family)
                for family in (4, 6) for what in (default_calls, third_party_calls)}
        made = {4: 0, 6: 0}
        for name, run in runs.items():
            with tap.case(f"sipp_own_{name}"):
                made[run.family] += run.expect_good()
        with tap.case("sipp_own_calls_each_on_one_proxy"):
            expect_equal(capture.stop(), 0, "packets that tcpdump missed")
            messages = list(capture.messages())
            for family in (4, 6):
                expect_one_proxy_a_call(proxies_of_calls(messages, family), made[family])
        with tap.case("sipp_own_ledger_balances"):
            expect_balanced_ledger(balance)


main()
