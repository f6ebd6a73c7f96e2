# SPDX-License-Identifier: BSD-3-Clause
"""A trunk: one pair of addresses and ports, so one queue and one worker. With steering two do its
work, each call's messages leave in the order in which they came, and no call notices."""

import collections
import os

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, expect_one_proxy_a_call, need_root, proxies_of_calls, skip_all)

CALLS = 2000
RATE = 250


def order_of_calls(messages, source, target):
    """{Call-ID: [what, in order]} of what went from @source to @target, without repetitions."""
    found = collections.defaultdict(list)
    for m in messages:
        what = (m.method or m.status, m.cseq_method)
        if m.source in source and m.target in target and what not in found[m.call_id]:
            found[m.call_id].append(what)
    return found


def expect_order(outside, inside, caller):
    """The farm sees each call's requests in the order in which the caller sent them."""
    proxies = {proxy[4] for proxy in addresses.PROXIES}
    came = order_of_calls(outside.messages(), {addresses.CALLER[4]}, {addresses.OUTSIDE[4]})
    went = order_of_calls(inside.messages(), {addresses.INSIDE[4]}, proxies)
    calls = [call for call in came if caller.made(call)]
    expect_equal(len(calls), CALLS, "calls seen")
    turned = {call: went[call] for call in calls if went[call] != came[call]}
    expect(not turned, f"{len(turned)} calls in another order, such as {list(turned.items())[:2]}")


def workers_of(balance):
    return balance.show("counters")["workers"]


def main():
    need_root()
    if len(os.sched_getaffinity(0)) < 2:
        skip_all("two workers need two CPUs")
    # With packet sockets, since DPDK 22.11 sees but one AF_XDP queue on a veth.
    with Tap() as tap, Lab("steering", tap=tap, n_workers=2) as lab:
        lab.start_farm()
        balance = lab.start_strowger(driver="net_af_packet", dataplane=("steering: always",))
        outside, inside = lab.capture("outside"), lab.capture("inside")
        with tap.case("a_trunk_of_one_queue_loses_no_call"):
            caller = lab.call(calls=CALLS, rate=RATE)
            expect_all_answered(caller, caller.wait())
        expect_equal((outside.stop(), inside.stop()), (0, 0), "packets that tcpdump missed")
        with tap.case("both_workers_do_its_work"):
            rows = workers_of(balance)
            requests = [row["counters"]["requests"] for row in rows]
            handed = sum(row["counters"]["handed_over"] for row in rows)
            print(f"# requests of each worker {requests}, handed over {handed}")
            expect(min(requests) >= CALLS // 4, f"requests of each worker: {requests}")
            expect(handed >= CALLS, f"{handed} messages handed over")
        with tap.case("each_call_on_one_proxy_and_in_order"):
            seen = {call: proxies for call, proxies in
                    proxies_of_calls(inside.messages(), 4).items() if caller.made(call)}
            expect_one_proxy_a_call(seen, CALLS)
            expect_order(outside, inside, caller)
        with tap.case("ledger_of_each_worker_balances"):
            expect_balanced_ledger(balance)
            expect(all(row["ledger"]["balanced"] for row in workers_of(balance)), "a worker's")


main()
