# SPDX-License-Identifier: BSD-3-Clause
"""Members come and weights change while calls run: who moves, call by call.

What the running tables make of each Call-ID is asked of control (replay, the workers' own code), in
the state before a change and in the state after it. Then each call must have been where that says:
in the old place until the change, in the new one from some moment on, and never again in the old
one. Shares of the hash space are exact in `plan`; that calls follow them is what is shown here.
"""

import itertools
import json
import os
import time

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, expect_one_proxy_a_call, need_root, proxies_of_calls, wait_until)
from lab.capture import extract
from lab.usage import cores_of

RATE = 1500  # keeps more than half a core busy: see what each case prints
POOL = "farm4"
OPTIONS = ("health: {interval_ms: 500, timeout_ms: 500}",)
THIRD = {4: "198.51.100.13", 6: "2001:db8:0:2::13"}
THIRD_PHONE = {4: "198.51.100.23", 6: "2001:db8:0:2::23"}
NOBODY = "198.51.100.99"
A_STEP = 2000  # calls in each state
SLOW_S = 60
TOLERANCE = 0.01
# A farm's changes: (how it is brought about, weights after it)
STEPS = (
    (None, (10, 10)),
    (("add", POOL, addresses.host_port(THIRD[4]), "--name", "k3v4", "--weight", "10"),
     (10, 10, 10)),
    (("weight", "k1v4", "20"), (20, 10, 10)),
    (("weight", "k1v4", "10"), (10, 10, 10)),
    (("weight", "k2v4", "5"), (10, 5, 10)),
    (("weight", "k2v4", "10"), (10, 10, 10)),
)


def shares(weights):
    return [weight / sum(weights) for weight in weights] + [0] * (3 - len(weights))


def must_move(before, after):
    """The part of the hash space that this change of weights is about."""
    return sum(max(0, b - a) for a, b in zip(shares(before), shares(after)))


def planned(lab, weights):
    """What control says that a configuration with @weights moves of what runs."""
    lab.configure(weights=weights, pool=OPTIONS)
    plan = json.loads(lab.balance.ctl("plan", lab.balance.config_file, "--json")[1])
    return next(row["moved_share"] for row in plan["pools"] if row["name"] == POOL)


def expect_plans_are_exact(lab):
    """From what runs now, with two members of weight 10."""
    for weights in ((10, 10, 10), (20, 10), (10, 5)):
        wanted, moved = must_move((10, 10), weights), planned(lab, weights)
        print(f"# to weights {weights}: {moved:.4f} of the hash space moves, {wanted:.4f} must")
        expect(abs(moved - wanted) <= TOLERANCE, f"{weights}: {moved:.4f}, wanted {wanted:.4f}")


class Prophet:
    """Where the calls of one capture go by the tables of each state."""

    def __init__(self, lab, path):
        self.lab = lab
        self.path = os.path.join(lab.run_dir, "invites.pcap")
        extract(path, self.path, lambda m: m.method == "INVITE")
        self.now = {call: row["verdict"]["to"] for call, row in self.others(None).items()}

    def others(self, weights):
        """{Call-ID: result} of the capture's INVITEs that a farm of @weights (None: of nobody we know) would treat
        otherwise than the running one does."""
        if weights is None:
            self.lab.configure(weights=(1,), pool=OPTIONS)
            with open(self.lab.balance.config_file, encoding="utf-8") as f:
                text = f.read()
            self.lab.balance.write(text.replace(addresses.PROXIES[0][4], NOBODY))
        else:
            self.lab.configure(weights=weights, pool=OPTIONS)
        answer = json.loads(self.lab.balance.ctl(
            "replay", self.path, "--config", self.lab.balance.config_file, "--json")[1])
        expect(not answer["damaged"], "the capture is damaged")
        return {row["message"]["call_id"]: row for row in answer["different"]
                if row["decided"]}

    def of(self, weights):
        """{Call-ID: proxy} when the farm has @weights."""
        there = {call: row["would"]["verdict"]["to"] for call, row in self.others(weights).items()}
        return {call: there.get(call, proxy).rsplit(":", 1)[0] for call, proxy in self.now.items()}


def play(lab, caller):
    """Bring about each state while calls run. Returns the moments at which they were wished for."""
    moments = []
    for change, _ in STEPS:
        moments.append(time.time() if change else 0)
        if change:
            lab.balance.ctl(*change)
        if change and change[0] == "add":
            wait_until(lambda: lab.balance.show("members")["members"][-1]["state"] == "healthy",
                       SLOW_S, "the new member to be healthy")
        caller.wait_started(caller.statistics().answered + A_STEP)
    return moments


def invites_of(capture, caller):
    """[(moment, Call-ID, proxy)] of each call's first INVITE, in the order of the farm's cable."""
    seen, rows = set(), []
    for m in capture.messages():
        if m.method == "INVITE" and m.source == addresses.INSIDE[4] and caller.made(m.call_id) \
                and m.call_id not in seen:
            seen.add(m.call_id)
            rows.append((m.time_s, m.call_id, m.target))
    return rows


def expect_one_turn(rows, before, after):
    """@rows, the calls between two wishes, are by @before until some moment and by @after from then
    on. Returns how many of those that differ are on either side."""
    differing = [(call, proxy) for _, call, proxy in rows if before[call] != after[call]]
    for _, call, proxy in rows:
        expect(proxy in (before[call], after[call]),
               f"{call} went to {proxy}: {before[call]} before the change, {after[call]} after it")
    sides = [side for side, _ in itertools.groupby(proxy == after[call]
                                                   for call, proxy in differing)]
    expect(sides in ([False, True], [True]), f"calls went to and fro: {sides}")
    n_after = sum(proxy == after[call] for call, proxy in differing)
    return len(differing) - n_after, n_after


def expect_each_where_told(lab, capture, path, caller, moments):
    rows = invites_of(capture, caller)
    prophet = Prophet(lab, path)
    told = [prophet.of(weights) for _, weights in STEPS]
    missing = [call for _, call, _ in rows if call not in prophet.now]
    expect(not missing, f"{len(missing)} calls that control was not asked about: {missing[:3]}")
    ends = moments[1:] + [float("inf")]
    first = [row for row in rows if row[0] < ends[0]]
    astray = [row for row in first if row[2] != told[0][row[1]]]
    expect(not astray, f"before any change: {len(astray)} calls elsewhere, such as {astray[:3]}")
    for i in range(1, len(STEPS)):
        weights, before = STEPS[i][1], STEPS[i - 1][1]
        part = [row for row in rows if moments[i] <= row[0] < ends[i]]
        stayed, moved = expect_one_turn(part, told[i - 1], told[i])
        sample = sum(told[i - 1][call] != told[i][call] for _, call, _ in rows) / len(rows)
        print(f"# {before} to {weights}: of {len(part)} calls {moved} went where they would not have "
              f"gone before, {stayed} came before the change; of all {len(rows)} Call-IDs "
              f"{sample:.4f} move, {must_move(before, weights):.4f} must", flush=True)
        expect(moved >= A_STEP / 20, f"only {moved} calls that the change is about")


def main():
    need_root()
    addresses.PROXIES.append(THIRD)
    addresses.PHONES.append(THIRD_PHONE)
    with Tap() as tap, Lab("moves", tap=tap) as lab:
        lab.start_farm()
        lab.start_strowger(pool=OPTIONS)
        outside, inside = lab.capture("outside"), lab.capture("inside")
        caller = lab.call(rate=RATE)
        with tap.case("no_call_is_lost_while_members_come_and_weights_change"):
            caller.wait_started(1)
            watching = [outside.process, inside.process]
            peers = cores_of([p for p in lab.processes if p not in watching])
            own = cores_of([lab.balance.dataplane, lab.balance.control])
            moments = play(lab, caller)
            theirs, ours = peers.since(), own.since()
            print(f"# {theirs + ours:.2f} cores kept busy: sipp and Kamailio {theirs:.2f}, "
                  f"Strowger {ours:.2f}", flush=True)
            caller.finish()
            statistics = caller.wait(SLOW_S)
            expect_equal((statistics.failed, statistics.unexpected), (0, 0),
                         f"calls failed, with unexpected messages ({statistics})")
        expect_equal((outside.stop(), inside.stop()), (0, 0), "packets that tcpdump missed")
        with tap.case("no_call_that_is_up_moves"):
            seen = {call: proxies for call, proxies in
                    proxies_of_calls(inside.messages(), 4).items() if caller.made(call)}
            expect_one_proxy_a_call(seen, statistics.answered)
        with tap.case("a_change_moves_the_share_it_asks_for_within_one_percent"):
            lab.balance.ctl("remove", "k3v4", "--force")  # what runs is the file's again
            expect_plans_are_exact(lab)
        with tap.case("each_new_call_goes_where_the_tables_of_its_moment_say"):
            expect_each_where_told(lab, inside, outside.path, caller, moments)
        with tap.case("ledger_balances_after_it_all"):
            expect_balanced_ledger(lab.balance)


main()
