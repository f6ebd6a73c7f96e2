# SPDX-License-Identifier: BSD-3-Clause
"""
The highest rate at which nothing is lost, and the latencies at shares of it.

A trial sends at one rate for some seconds. It passes when every message came back, once and right.
One that lost something is repeated, up to TRIES times in all, if the machine had taken away a core meanwhile:
the generator's (it notices: two turns of its loop more than 100 us apart) or the system's (the kernel
counts how long its thread waited). No queue holds what comes then. A trial that lost messages without
such a pause has failed. So has one in which a message took longer than LATE_US: a queue of
megabytes, as Kamailio's sockets have, would else pass any short trial; and one in which the generator
itself fell behind its schedule.
"""

import statistics

TRIES = 4
LATE_US = 250000
BEHIND_US = 5000
PAUSE_US = 200
CONFIRM_STEP = 0.95
CONFIRM_TRIES = 6
LOW_LOSS = 0.001
SLICE_S = 0.1  # of a run for latencies: most see none of the machine's pauses
LEAD_S = 0.02  # before a slice: who slept meanwhile has caught up by then ("seldom_us" is about that)
CALM_LEAST = 3
MOST_SLICES = 3  # times as many as were meant
SHARES = (10, 50, 90)
PERCENTILES = ("p50", "p99", "p99.9", "p100")


class SearchError(Exception):
    pass


def check(result):
    """A message of the wrong form is no loss but a mistake, of us or of the benchmark."""
    if result["wrong"] or result["foreign"]:
        raise SearchError(f"{result['wrong']} messages came back to somebody else or changed, "
                          f"{result['foreign']} came that nobody sent")


def passed(result):
    return result["lost"] == 0 and result["latency_us"]["p100"] <= LATE_US and \
        result["late_max_us"] <= BEHIND_US


def disturbed(result):
    return result["paused_us"] > 0 or result.get("waited_us", 0) > PAUSE_US


def trial(run, rate, seconds, tries=TRIES):
    """The best of a few runs at @rate; see above."""
    best = None
    for _ in range(tries):
        result = run(rate, seconds)
        check(result)
        if best is None or result["lost"] < best["lost"]:
            best = result
        if passed(result) or not disturbed(result):
            return result if passed(result) else best
    return best


def received_per_s(result):
    return result["received"] / result["seconds"] if result["seconds"] else 0.0


def bisect(run, low, high, seconds, width, tries):
    """The highest rate between @low and @high that passed; None when none did. It ends when the next
    failing rate is within @width, a share."""
    best = None
    while high > low * (1 + width):
        rate = (low * high) ** 0.5
        if passed(trial(run, rate, seconds, tries)):
            best = low = rate
        else:
            high = rate
    return best


def confirm(run, rate, seconds, tries):
    """@rate, or a little less, for a longer while; 0 when even that loses."""
    for _ in range(CONFIRM_TRIES):
        if passed(trial(run, rate, seconds, tries)):
            return rate
        rate *= CONFIRM_STEP
    return 0.0


def no_loss(run, overload, seconds, confirm_s, width=0.02, tries=TRIES):
    """
    {"rate", "low_loss", "overload_rate", "overload"}: at no loss (0: there is none), the highest that
    lost at most one in a thousand in some trial, and what comes back when @overload is offered.

    @run: (rate, seconds) -> a generator's result.
    """
    low = [0.0]

    def noted(rate, length):
        result = run(rate, length)
        if result["lost"] <= LOW_LOSS * result["due"] and result["late_max_us"] <= BEHIND_US:
            low.append(rate)
        return result

    run(overload / 100, seconds / 4)  # warm
    flood = run(overload, seconds)
    check(flood)
    most = received_per_s(flood)
    if most <= 0:
        raise SearchError("nothing came back")
    rate = bisect(noted, most / 4, min(1.5 * most, overload), seconds, width,
                  tries) or most / 4
    rate = confirm(noted, rate, confirm_s, tries)
    return {"low_loss": max(low), "rate": rate, "overload": most, "overload_rate": overload}


def middle(slices):
    """One result of many short runs: the median of each percentile over those in which the machine took
    no core away, or over all where that left fewer than CALM_LEAST. What it does to the others is no
    system's; "worst_us" has it all the same."""
    calm = [found for found in slices if not disturbed(found)]
    used = calm if len(calm) >= CALM_LEAST else slices
    return {"rate": slices[0]["rate"], "due": sum(found["due"] for found in slices),
            "lost": sum(found["lost"] for found in slices), "slices": len(slices),
            "calm": len(calm), "worst_us": max(found["latency_us"]["p100"] for found in slices),
            "latency_us": {p: statistics.median(found["latency_us"][p] for found in used)
                           for p in used[0]["latency_us"]}}


def slices_of(run, rate, seconds):
    """@seconds at @rate in slices; more of them while fewer than CALM_LEAST were calm. Where a machine
    takes its cores away too often for that, all count (middle())."""
    least, calm = max(CALM_LEAST, round(seconds / SLICE_S)), 0
    for number in range(MOST_SLICES * least):
        if number >= least and calm >= CALM_LEAST:
            return
        result = run(rate, LEAD_S + SLICE_S, lead_s=LEAD_S)
        check(result)
        calm += not disturbed(result)
        yield result


def latencies(run, rate, seconds):
    """{share in percent: what came of it} at shares of @rate, @seconds each, in slices."""
    return {str(share): middle(list(slices_of(run, rate * share / 100, seconds)))
            for share in SHARES}
