# SPDX-License-Identifier: BSD-3-Clause
"""How much of the machine the lab's peers use."""

import os
import time

TICKS_S = os.sysconf("SC_CLK_TCK")


def _groups():
    """{process group: CPU seconds} of all processes there are."""
    used = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        group, ticks = int(fields[2]), int(fields[11]) + int(fields[12])
        used[group] = used.get(group, 0) + ticks / TICKS_S
    return used


class cores_of:  # pylint: disable=invalid-name
    """Counts the CPU time of @processes (each a group of its own, as the lab starts them) from now
    on. Of those that came since, all; of those that went, nothing, so that it may be too little."""

    def __init__(self, processes):
        self.processes = processes
        self.start_s, self.before = time.monotonic(), _groups()

    def since(self):
        """Cores kept busy on average."""
        now = _groups()
        used = sum(now[process.pid] - self.before.get(process.pid, 0)
                   for process in self.processes if process.pid in now)
        return used / (time.monotonic() - self.start_s)
