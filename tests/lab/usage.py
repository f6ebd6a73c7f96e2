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
    on."""

    def __init__(self, processes):
        self.groups = [process.pid for process in processes]
        self.start_s, self.used = time.monotonic(), self._used()

    def _used(self):
        groups = _groups()
        return sum(groups.get(group, 0) for group in self.groups)

    def since(self):
        """Cores kept busy on average."""
        return (self._used() - self.used) / (time.monotonic() - self.start_s)
