# SPDX-License-Identifier: BSD-3-Clause
"""Members come, go, drain, die, flap and lie while calls run. Three Kamailio proxies in one lab."""

import json
import os
import signal
import sys
import time

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, need_root, proxies_of_calls, wait_until)
from lab import dns
from lab.usage import cores_of

RATE = 1500  # keeps more than half a core busy: see what each case prints
FLAP_S = 60
POOL = "farm4"
THIRD = {4: "198.51.100.13", 6: "2001:db8:0:2::13"}
THIRD_PHONE = {4: "198.51.100.23", 6: "2001:db8:0:2::23"}
ODDLY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab",
                     "oddly.py")
# Times are shorter than the defaults, and of the same proportions.
OPTIONS = ("quiet_s: 3",
           "health: {interval_ms: 500, timeout_ms: 500, backoff_ms: 1000, hold_down_s: 3, "
           "hold_down_max_s: 12, slow_start_s: 4, window_s: 5, min_calls: 10}")
FORGED = 2000
FORGED_AT_ONCE = 100  # a veth's queue holds 256: what is sent is received
SLOW_S = 60  # a condition on a slow and shared machine
# Drops that dead members bring: nobody is there to be sent to, or they speak too late.
DEAD_DROPS = ("neighbour_timeout", "response_stranger", "response_forged", "no_route")


class Farm:
    """The lab's proxies as members, and what is known of them."""

    def __init__(self, lab):
        self.lab = lab
        self.balance = lab.balance

    def rows(self):
        return {row["name"]: row for row in self.balance.show("members")["members"]}

    def observed(self, name):
        return self.rows()[name]["pools"][0]["observed"]

    def state(self, name):
        return self.rows()[name]["state"]

    def counter(self, name, counter="new_calls"):
        return self.rows()[name]["counters"][counter]

    def wait_state(self, name, state):
        """Seconds until the member is in @state."""
        start = time.monotonic()
        wait_until(lambda: self.state(name) == state, SLOW_S, f"{name} to be {state}")
        return time.monotonic() - start

    def wait_all_healthy(self, names):
        for name in names:
            self.wait_state(name, "healthy")

    def ctl(self, *arguments):
        return self.balance.ctl(*arguments)

    def proxy(self, index):
        return self.lab.proxies[index]

    def odd_member(self, index, *how):
        """In place of a proxy: what is not quite one. It waits for the proxy's end, so that there
        is no time without either, in which probes would find the member dead."""
        mode, *rest = how
        odd = self.lab.run_in(self.lab.farm, f"odd-{mode}", sys.executable, ODDLY, mode,
                              addresses.PROXIES[index][4], *rest)
        odd.wait_for(lambda: "waiting" in odd.output(), SLOW_S, "it waits for its address")
        self.proxy(index).stop()
        odd.wait_for(lambda: "serving" in odd.output(), SLOW_S, "it has its address")
        return odd

    def lie(self, *how):
        """Say @how from the farm what is not true."""
        code = self.lab.run_in(self.lab.farm, f"liar-{how[0]}", sys.executable, ODDLY,
                               *how).wait_exit(SLOW_S)
        expect_equal(code, 0, f"exit code of {how}")

    def shares(self, before):
        """{member: its part of the new calls since @before}."""
        got = {name: self.counter(name) - before.get(name, 0) for name in self.rows()}
        return {name: n / sum(got.values()) for name, n in got.items()}

    def new_calls(self):
        return {name: self.counter(name) for name in self.rows()}


def probes_go_the_way_of_calls(farm):
    farm.wait_all_healthy(["k1v4", "k2v4"])
    probes = farm.observed("k1v4")["probes"]
    expect(probes["answered"] > 0 and probes["last_status"] == 200, f"probes: {probes}")
    slow = farm.balance.show("names")["slow_path"]
    expect(slow["own"] > 0 and slow["dropped"] == 0, f"slow path: {slow}")


def moved_by(farm, weights):
    """Share of the hash space that a configuration with @weights would move from what runs."""
    farm.lab.configure(weights=weights, pool=OPTIONS)
    plan = json.loads(farm.ctl("plan", farm.balance.config_file, "--json")[1])
    farm.lab.configure(pool=OPTIONS)
    pools = [row for row in plan["pools"] if row["name"] == POOL]
    return pools[0]["moved_share"]


def add_under_load(farm):
    """A third member takes its third, and no more moves than that."""
    moved = moved_by(farm, (10, 10, 10))
    expect(abs(moved - 1 / 3) <= 0.01, f"moved share {moved:.4f}, wanted 1/3")
    caller = farm.lab.call(rate=RATE, calls=10 * RATE)
    caller.wait_started(100)
    farm.ctl("add", POOL, addresses.host_port(THIRD[4]), "--name", "k3v4", "--weight", "10")
    farm.wait_state("k3v4", "healthy")
    wait_until(lambda: farm.counter("k3v4") > 0, SLOW_S, "its first call")
    before = farm.new_calls()
    expect_all_answered(caller, caller.wait())
    shares = farm.shares(before)
    print(f"# shares of {sum(farm.new_calls().values()) - sum(before.values())} calls once it "
          f"served: {shares}", flush=True)
    expect(abs(shares["k3v4"] - 1 / 3) <= 0.05, f"shares: {shares}, {farm.observed('k3v4')}")
    code, text = farm.balance.ctl("diff")
    expect("k3v4" in text, f"diff: {text}")


def reweigh_under_load(farm):
    """Doubled and halved weights move what they must: exact shares, by rounding of slots."""
    caller = farm.lab.call(rate=RATE, calls=12 * RATE)
    caller.wait_started(100)
    farm.ctl("weight", "k1v4", "20")
    before = farm.new_calls()
    caller.wait_started(caller.statistics().answered + 4 * RATE)
    shares = farm.shares(before)
    expect(abs(shares["k1v4"] - 0.5) <= 0.06, f"shares at 20:10:10: {shares}")
    farm.ctl("weight", "k1v4", "10")
    expect_all_answered(caller, caller.wait())
    for weight, wanted in ((20, 1 / 2 - 1 / 3), (5, 1 / 3 - 1 / 5)):
        moved = moved_by(farm, (weight, 10))  # and 10 for the one that was added
        expect(abs(moved - wanted) <= 0.01, f"weight {weight}: moved share {moved:.4f}, "
               f"wanted {wanted:.4f}")


def drain_and_remove(farm):
    caller = farm.lab.call(rate=RATE, calls=20 * RATE)
    caller.wait_started(200)
    farm.ctl("drain", "k3v4")
    at_drain = farm.counter("k3v4")
    farm.ctl("wait", "member", "k3v4", "empty", "--timeout", "45")
    expect(farm.counter("k3v4") - at_drain <= 2, "a drained member got new calls")
    expect(caller.running(), "the calls ended before the member was empty")
    farm.ctl("remove", "k3v4")
    expect("k3v4" not in farm.rows(), "the member is still there")
    expect_all_answered(caller, caller.wait())
    code, _ = farm.balance.ctl("remove", "k1v4", check=False)
    expect(code != 0, "a member that takes new calls was removed")


def add_third(farm):
    farm.ctl("add", POOL, addresses.host_port(THIRD[4]), "--name", "k3v4", "--weight", "10")
    farm.wait_all_healthy(["k1v4", "k2v4", "k3v4"])


def expect_no_other_lost(capture, caller, member):
    """Each call that @caller lost met @member. There were others, which is what this is about."""
    lost = caller.lost()
    expect_equal(len(lost), caller.statistics().failed, "lost calls that the caller names")
    expect_equal(capture.stop(), 0, "packets that tcpdump missed")
    met = {call: proxies for call, proxies in proxies_of_calls(capture.messages(), 4).items()
           if caller.made(call)}
    others = {call for call, proxies in met.items() if member not in proxies}
    print(f"# of {len(met)} calls {len(met) - len(others)} met {member}, {len(lost)} of these lost",
          flush=True)
    expect(0 < len(others) < len(met), f"{len(others)} of {len(met)} calls met only others")
    strange = {call: sorted(met.get(call, ())) for call in lost
               if member not in met.get(call, ())}
    expect(not strange, f"{len(strange)} calls lost that never met {member}, such as "
           f"{list(strange.items())[:3]}")


def kill_a_member(farm):
    """What it had set up may be lost with it; what it had not answered ends elsewhere, and nothing
    is lost that it had no part in."""
    capture = farm.lab.capture("inside")
    caller = farm.lab.call(rate=RATE, calls=15 * RATE)
    caller.wait_started(600)
    before = farm.counter("k2v4")
    farm.proxy(1).kill_all()
    took = farm.wait_state("k2v4", "failed")
    detected = farm.counter("k2v4")
    statistics = caller.wait()
    lost, after = statistics.failed, farm.counter("k2v4") - detected
    print(f"# member killed: found after {took:.1f} s; of {caller.calls} calls {lost} lost "
          f"({100 * lost / caller.calls:.2f} %), {detected - before} were sent to it meanwhile",
          flush=True)
    expect(after <= 2, f"{after} new calls went to a member that is known to be dead")
    # Established at the kill: a third of what runs, which is 0.3 s of calls. Twice that is borne.
    expect(lost <= 2 * RATE / 3 * (0.3 + 0.5), f"{lost} calls lost")
    expect_no_other_lost(capture, caller, addresses.PROXIES[1][4])
    farm.lab.restart_proxy(1)
    farm.wait_state("k2v4", "healthy")


def most_changes():
    """Of state in FLAP_S: each failure brings three, and each holds down twice as long as the one
    before (0, 3, 6, 12, 12 ... s)."""
    failures, at, hold_s = 0, 0, 0
    while at <= FLAP_S:
        failures, at = failures + 1, at + max(1, hold_s)
        hold_s = min(max(3, 2 * hold_s), 12)
    return 3 * failures


def flap(farm):
    """Up and down each second for a minute: few changes of state, and calls of others are not lost.
    Its own may be: they move away from it, and find it back while it stands still."""
    capture = farm.lab.capture("inside")
    caller = farm.lab.call(rate=RATE)
    caller.wait_started(100)
    changes, last = 0, farm.state("k3v4")
    until = time.monotonic() + FLAP_S
    while time.monotonic() < until:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            end = time.monotonic() + 1
            farm.proxy(2).signal_all(number)
            wait_until(lambda: time.monotonic() >= end, SLOW_S, "a second to pass")
            state = farm.state("k3v4")
            changes += state != last
            last = state
    caller.finish()
    caller.wait(SLOW_S)
    print(f"# flap: {changes} changes of state in {FLAP_S} s", flush=True)
    expect(changes <= most_changes(), f"{changes} changes of state in {FLAP_S} s")
    expect_no_other_lost(capture, caller, THIRD[4])
    farm.wait_state("k3v4", "healthy")


def half_dead(farm):
    """It answers OPTIONS and drops INVITEs: its traffic tells, and probation brings it back."""
    odd = farm.odd_member(2, "silent")
    caller = farm.lab.call(rate=RATE, calls=15 * RATE)
    took = farm.wait_state("k3v4", "failed")
    seen = farm.observed("k3v4")
    expect_equal(seen["cause"], "unanswered", "cause")
    at = farm.counter("k3v4")
    print(f"# half-dead member: thrown out after {took:.1f} s", flush=True)
    odd.stop()
    farm.lab.restart_proxy(2)
    statistics = caller.wait()
    expect_equal(statistics.failed, 0, "calls lost")
    expect(farm.counter("k3v4") >= at, "counters survive")
    farm.wait_state("k3v4", "healthy")


def retry_after(farm):
    """503 with Retry-After: no new calls for that long, then again."""
    odd = farm.odd_member(2, "busy", "5")
    caller = farm.lab.call(rate=RATE, scenario="uac.xml")
    wait_until(lambda: "Retry-After" in farm.observed("k3v4")["reason"] or
               farm.state("k3v4") == "failed", SLOW_S, "Retry-After to be seen")
    wait_until(lambda: farm.observed("k3v4")["share_percent"] == 0, SLOW_S, "no share")
    at = farm.counter("k3v4")
    caller.wait_started(caller.statistics().answered + 200)
    expect(farm.counter("k3v4") - at <= RATE, "new calls to a member that asked for none")
    caller.finish()
    caller.wait(SLOW_S)
    odd.stop()
    farm.lab.restart_proxy(2)
    farm.wait_state("k3v4", "healthy")


def forge_answers(farm, member, target):
    """Each of them is dropped for what it is."""
    def dropped():
        return farm.balance.ledger().drops["response_forged"]

    before = dropped()
    for first in range(0, FORGED, FORGED_AT_ONCE):
        farm.lie("forge", member, target, str(first), str(FORGED_AT_ONCE))
        wanted = before + first + FORGED_AT_ONCE
        wait_until(lambda: dropped() >= wanted, SLOW_S, f"{wanted} forged answers to be dropped")


def lies(farm):
    """Forged answers and ICMP errors change nothing: of one that is dead, of two that live."""
    farm.proxy(2).kill_all()
    farm.wait_state("k3v4", "failed")
    states = {name: row["pools"][0]["observed"]["since_unix_s"]
              for name, row in farm.rows().items()}
    sent = farm.observed("k3v4")["probes"]["sent"]
    inside = addresses.INSIDE[4]
    forge_answers(farm, THIRD[4], inside)
    for member in (addresses.PROXIES[0][4], addresses.PROXIES[1][4]):
        farm.lie("unreachable", addresses.PHONES[0][4], inside, member, "500")
    # Two more probes of the dead one went by: what the lies could do, they have done.
    wait_until(lambda: farm.observed("k3v4")["probes"]["sent"] >= sent + 2, SLOW_S, "two probes")
    now = {name: row["pools"][0]["observed"]["since_unix_s"] for name, row in farm.rows().items()}
    expect(all(abs(now[name] - states[name]) <= 1 for name in states),
           f"states changed: {states} to {now}")
    expect_equal([farm.state(name) for name in sorted(now)], ["healthy", "healthy", "failed"],
                 "states")
    farm.lab.restart_proxy(2)
    farm.wait_state("k3v4", "healthy")


def control_restarts(farm):
    """What is known survives: nobody is down or new because control was."""
    farm.proxy(2).kill_all()
    farm.wait_state("k3v4", "failed")
    before = farm.observed("k3v4")["since_unix_s"]
    farm.balance.control.kill()
    farm.balance.start_control()
    farm.balance.wait_control()
    expect_equal([farm.state(name) for name in sorted(farm.rows())],
                 ["healthy", "healthy", "failed"], "states after a restart of control")
    expect(abs(farm.observed("k3v4")["since_unix_s"] - before) <= SLOW_S, "its age")


def all_down(farm):
    """Panic: with nobody left all serve, so that calls flow once the first is back."""
    for index in (0, 1):
        farm.proxy(index).kill_all()
    for name in ("k1v4", "k2v4", "k3v4"):
        farm.wait_state(name, "failed")
    wait_until(lambda: farm.observed("k1v4")["panic"], SLOW_S, "panic")
    for index in range(3):
        farm.lab.restart_proxy(index)
    caller = farm.lab.call(rate=RATE, calls=300)
    expect_all_answered(caller, caller.wait())
    for name in ("k1v4", "k2v4", "k3v4"):
        farm.wait_state(name, "healthy")
    expect(not farm.observed("k1v4")["panic"], "still panic")


def names_are_members(farm):
    """A pool by name; its last answer outlives both the server and control."""
    zone = {"farm.example": [["A", 1, addresses.PROXIES[0][4]], ["A", 1, addresses.PROXIES[1][4]]]}
    server = dns.start(farm.lab, farm.lab.balancer, zone)
    farm.lab.configure(pool=OPTIONS, extra="  - {name: named, dns: [farm.example]}\n"
                       'resolver: {servers: ["127.0.0.1:5353"], min_ttl_s: 1}\n')
    farm.ctl("reload")

    def found():
        return sorted(name for name, row in farm.rows().items()
                      for place in row["pools"] if place["pool"] == "named")
    wait_until(lambda: found() == ["k1v4", "k2v4"], SLOW_S, "the name's members")
    server.stop()
    farm.balance.control.kill()
    farm.balance.start_control()
    farm.balance.wait_control()
    expect_equal(found(), ["k1v4", "k2v4"], "members without DNS")
    farm.lab.configure(pool=OPTIONS)
    farm.ctl("reload")
    expect_equal(found(), [], "members once the file has no such pool")


CASES = (
    ("probes_go_the_way_of_calls", probes_go_the_way_of_calls),
    ("add_a_member_under_load_moves_its_share_only", add_under_load),
    ("double_and_halve_a_weight_under_load_loses_no_call", reweigh_under_load),
    ("drained_member_empties_and_is_removed_without_a_call_lost", drain_and_remove),
    ("kill_9_of_a_member_is_found_and_its_calls_end_elsewhere", kill_a_member),
    ("flapping_member_disturbs_nobody", flap),
    ("half_dead_member_is_found_by_its_traffic", half_dead),
    ("retry_after_is_obeyed", retry_after),
    ("forged_answers_and_icmp_errors_change_nothing", lies),
    ("health_survives_a_restart_of_control", control_restarts),
    ("all_members_down_is_panic_and_recovers", all_down),
    ("members_by_name_outlive_dns_and_control", names_are_members),
)


def main():
    need_root()
    addresses.PROXIES.append(THIRD)
    addresses.PHONES.append(THIRD_PHONE)
    wanted = sys.argv[1:]
    with Tap() as tap, Lab("health", tap=tap) as lab:
        lab.start_farm()
        lab.start_strowger(pool=OPTIONS)
        farm = Farm(lab)
        for name, case in CASES:
            if wanted and not any(word in name for word in wanted):
                continue
            with tap.case(name):
                if case is not probes_go_the_way_of_calls and len(farm.rows()) < 3 and \
                        case not in (add_under_load,):
                    add_third(farm)
                start = time.monotonic()
                peers, own = cores_of(lab.processes), cores_of([lab.balance.dataplane])
                case(farm)
                theirs, ours = peers.since(), own.since()
                print(f"# {name}: {time.monotonic() - start:.0f} s, {theirs + ours:.2f} cores kept "
                      f"busy: sipp and Kamailio {theirs:.2f}, the data plane {ours:.2f}", flush=True)
        with tap.case("ledger_balances_after_it_all"):
            expect_balanced_ledger(lab.balance, DEAD_DROPS)


main()
