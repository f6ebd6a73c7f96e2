# SPDX-License-Identifier: BSD-3-Clause
"""Two labs side by side: two balancers on one machine, each with its own calls."""

from _common import Lab, Tap, expect_all_answered, expect_balanced_ledger, need_root

CALLS = 1000


def main():
    need_root()
    with Tap() as tap, Lab("side-a", tap=tap) as a, Lab("side-b", tap=tap) as b:
        labs = (a, b)
        for lab in labs:
            lab.start_farm()
        for lab in labs:
            lab.start_strowger()
        callers = [lab.call(calls=CALLS, rate=100) for lab in labs]
        for name, lab, caller in zip("ab", labs, callers):
            with tap.case(f"two_labs_side_by_side_calls_of_{name}_all_end_well"):
                expect_all_answered(caller, caller.wait())
            with tap.case(f"two_labs_side_by_side_ledger_of_{name}_balances"):
                expect_balanced_ledger(lab.balance)


main()
