# SPDX-License-Identifier: BSD-3-Clause
"""What several scenarios check."""

import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import Lab, addresses  # noqa: E402,F401
from lab.wait import wait_until  # noqa: E402,F401
from support.tap import Tap, expect, expect_equal, skip_all  # noqa: E402,F401

SHARE_TOLERANCE = 0.05


def need_root():
    if os.geteuid() != 0:
        skip_all("the lab needs root")


def expect_all_answered(caller, statistics):
    """Every call went from INVITE to the 200 of its BYE, with nothing unexpected between."""
    expect_equal((statistics.answered, statistics.failed, statistics.unexpected),
                 (caller.calls, 0, 0),
                 f"calls answered, failed, with unexpected messages ({statistics})")


PROBE_CALL_ID = "stw-"  # health probes are control's own, and no calls


def proxies_of_calls(messages, family):
    """{Call-ID: set of proxies that any of its messages went to or came from}."""
    balancer = addresses.INSIDE[family]
    seen = collections.defaultdict(set)
    for m in messages:
        if m.call_id.startswith(PROBE_CALL_ID):
            continue
        if m.source == balancer:
            seen[m.call_id].add(m.target)
        elif m.target == balancer:
            seen[m.call_id].add(m.source)
    return seen


def expect_one_proxy_a_call(seen, n_calls):
    expect_equal(len(seen), n_calls, "calls seen on the farm's cable")
    torn = {call: sorted(proxies) for call, proxies in seen.items() if len(proxies) != 1}
    expect(not torn, f"{len(torn)} calls on more than one proxy, such as {list(torn.items())[:3]}")


def expect_shares(seen, family, weights):
    """Each proxy's part of the calls is within 5 % of its part of the weights."""
    count = collections.Counter(proxy for proxies in seen.values() for proxy in proxies)
    for i, weight in enumerate(weights):
        proxy = addresses.PROXIES[i][family]
        wanted = len(seen) * weight / sum(weights)
        expect(abs(count[proxy] - wanted) <= SHARE_TOLERANCE * wanted,
               f"{proxy} of weight {weight} in {sum(weights)} got {count[proxy]} of {len(seen)}")


def expect_balanced_ledger(balance, allowed=()):
    """Every packet received ended in one row of the ledger, and in none of drops but @allowed."""
    ledger = wait_until(lambda: balance.ledger_at_rest(), 60, "the ledger to come to rest")
    expect(ledger.balanced, f"ledger does not balance: {ledger}")
    drops = {name: n for name, n in ledger.drops.items() if n and name not in allowed}
    expect(not drops, f"dropped: {drops}")
    expect(ledger.counters["sent"] > 0, "nothing was sent")
