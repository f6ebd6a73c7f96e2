# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for conditions. Nothing in the lab sleeps for a guessed time."""

import time

POLL_S = 0.02


class WaitTimeout(Exception):
    """The condition did not come true in time."""


def wait_until(condition, timeout_s, what, poll_s=POLL_S):
    """Call @condition until it returns something true, and return that.

    @what completes the sentence "waited 10 s for ..." of the error.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise WaitTimeout(f"waited {timeout_s} s for {what}")
        time.sleep(poll_s)
