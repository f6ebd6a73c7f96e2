# SPDX-License-Identifier: BSD-3-Clause
"""
The highest rate at which nothing is lost, and the latencies at shares of it.

A trial sends at one rate for some seconds. It passes when every message came back, once and right.
One that lost something is repeated, up to TRIES times, if the machine had taken the generator's core
away meanwhile (it notices: two turns of its loop more than 100 us apart); messages that then come
all at once would overflow any queue. A trial that lost messages without such a pause has failed.
"""

TRIES = 4
WIDTH = 0.02  # the search ends when the next failing rate is so close
CONFIRM_STEP = 0.97
CONFIRM_TRIES = 8
SHARES = (10, 50, 90)
PERCENTILES = ("p50", "p99", "p99.9", "p100")


class SearchError(Exception):
    pass


def check(result):
    """A message of the wrong form is no loss but a mistake, of us or of the benchmark."""
    if result["wrong"] or result["foreign"]:
        raise SearchError(f"{result['wrong']} messages came back to somebody else or changed, "
                          f"{result['foreign']} came that nobody sent")


def trial(run, rate, seconds):
    """The best of a few runs at @rate; see above."""
    best = None
    for _ in range(TRIES):
        result = run(rate, seconds)
        check(result)
        if best is None or result["lost"] < best["lost"]:
            best = result
        if best["lost"] == 0 or result["paused_us"] == 0:
            break
    return best


def received_per_s(result):
    return result["received"] / result["seconds"] if result["seconds"] else 0.0


def bisect(run, low, high, seconds):
    """The highest rate between @low and @high that passed; None when none did."""
    passed = None
    while high > low * (1 + WIDTH):
        rate = (low * high) ** 0.5
        if trial(run, rate, seconds)["lost"] == 0:
            passed = low = rate
        else:
            high = rate
    return passed


def confirm(run, rate, seconds):
    """@rate, or a little less, for a longer while. Returns (rate, its result)."""
    for _ in range(CONFIRM_TRIES):
        result = trial(run, rate, seconds)
        if result["lost"] == 0:
            return rate, result
        rate *= CONFIRM_STEP
    return 0.0, result


def no_loss(run, overload, seconds, confirm_s):
    """
    {"rate", "overload_rate", "overload"}: at no loss, and what comes back when @overload is offered.

    @run: (rate, seconds) -> a generator's result.
    """
    run(overload / 100, seconds / 4)  # warm
    flood = run(overload, seconds)
    check(flood)
    most = received_per_s(flood)
    if most <= 0:
        raise SearchError("nothing came back")
    rate = bisect(run, most / 8, min(1.25 * most, overload), seconds) or most / 8
    rate, _ = confirm(run, rate, confirm_s)
    return {"rate": rate, "overload": most, "overload_rate": overload}


def latencies(run, rate, seconds):
    """{share in percent: a generator's result} at shares of @rate."""
    found = {}
    for share in SHARES:
        result = trial(run, rate * share / 100, seconds)
        check(result)
        found[str(share)] = result
    return found
