# SPDX-License-Identifier: BSD-3-Clause
"""A ping that runs beside a scenario, and what was answered of it."""

import re

SEQUENCE = re.compile(r"bytes from .*\bicmp_seq=(\d+)")
START_S, END_S = 60, 60


class Ping:
    """From @host of @lab, five a second, from now on."""

    def __init__(self, lab, host, target):
        self.process = lab.run_in(host, f"ping-{target.replace(':', '-')}", "ping", "-i", "0.2", target)
        self.process.wait_for(self.answered, START_S, "an answer")

    def answered(self):
        """The numbers of those that were answered. The line that is being written does not count."""
        lines = self.process.output().split("\n")[:-1]
        return {int(found.group(1)) for line in lines if (found := SEQUENCE.search(line))}

    def finish(self):
        """(sent, answered) of those until now. There is one way to the target and back, which keeps
        their order: once a later one was answered, what is missing was lost, and is not under way."""
        until = max(self.answered())
        self.process.wait_for(lambda: max(self.answered()) > until, END_S, "a later answer")
        answered = {number for number in self.answered() if number <= until}
        self.process.signal(2)
        self.process.wait_exit(END_S)
        return until, len(answered)
