# SPDX-License-Identifier: BSD-3-Clause
"""What is served changes while calls run: reloads, drains, weights. No call is lost."""

import signal

from _common import (Lab, Tap, expect, expect_all_answered, expect_balanced_ledger, expect_equal,
                     need_root, wait_until)

RATE = 500
RELOADS = 200
EXTRA_POOL = '  - {{name: spare, members: [{{name: s{n}, address: "198.51.100.99:5060"}}]}}\n'


def reload_by_signal(balance):
    """SIGHUP; returns when a newer generation is served."""
    before = balance.generation()
    balance.control.signal(signal.SIGHUP)
    wait_until(lambda: balance.generation() > before, 60, "the reload by SIGHUP to be served")


def reloads_under_load(lab, balance):
    """Each reload brings or takes away a pool, so that each is a new table."""
    caller = lab.call(rate=RATE, calls=8000)
    caller.wait_started(200)
    for i in range(RELOADS):
        lab.configure(extra=EXTRA_POOL.format(n=i) if i % 2 else "")
        if i % 4 < 2:
            balance.ctl("reload")
        else:
            reload_by_signal(balance)
    generation = balance.generation()
    lab.configure()
    balance.ctl("reload")
    expect_all_answered(caller, caller.wait())
    return generation


def new_calls_of(balance, name):
    return balance.members()[name].new_calls


def drain_moves_new_calls(lab, balance):
    """A drained member gets no new calls, its dialogs go on, and undrained it gets calls again."""
    caller = lab.call(rate=RATE, calls=4000)
    caller.wait_started(300)
    balance.ctl("drain", "k1v4")
    at_drain = new_calls_of(balance, "k1v4")
    caller.wait_started(caller.statistics().answered + 1000)
    # What stood in queues when the new table came may still have been counted.
    expect(new_calls_of(balance, "k1v4") - at_drain <= 2, "a drained member got new calls")
    balance.ctl("undrain", "k1v4")
    at_undrain = new_calls_of(balance, "k1v4")
    expect_all_answered(caller, caller.wait())
    expect(new_calls_of(balance, "k1v4") > at_undrain, "an undrained member got no calls")


def weight_moves_shares(lab, balance):
    caller = lab.call(rate=RATE, calls=6000)
    caller.wait_started(300)
    balance.ctl("weight", "k1v4", "30")
    first = {name: member.new_calls for name, member in balance.members().items()}
    expect_all_answered(caller, caller.wait())
    got = {name: member.new_calls - first[name] for name, member in balance.members().items()}
    share = got["k1v4"] / sum(got.values())
    expect(0.75 * 0.95 <= share <= 0.75 * 1.05, f"share of k1v4 at weight 30 to 10: {share:.3f}")
    balance.ctl("weight", "k1v4", "10")


def main():
    need_root()
    with Tap() as tap, Lab("changes", tap=tap) as lab:
        lab.start_farm()
        balance = lab.start_strowger()
        with tap.case("reloads_200_under_load_lose_no_call"):
            before = balance.generation()
            after = reloads_under_load(lab, balance)
            expect(after >= before + RELOADS, f"generations {before} to {after}")
        with tap.case("drain_and_undrain_under_load_lose_no_call"):
            drain_moves_new_calls(lab, balance)
        with tap.case("weight_under_load_loses_no_call_and_moves_shares"):
            weight_moves_shares(lab, balance)
        with tap.case("ledger_balances_after_changes"):
            expect_balanced_ledger(balance)
        with tap.case("change_of_an_unknown_member_is_refused"):
            code, text = balance.ctl("drain", "nobody", check=False)
            expect(code != 0 and "nobody" in text, f"exit code {code}: {text}")
            expect_equal(sorted(balance.members()), ["k1v4", "k2v4"], "members")


main()
