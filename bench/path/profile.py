# SPDX-License-Identifier: BSD-3-Clause
"""Where the worker's time goes, by perf's timer samples of its core."""

import re
import shutil
import subprocess

ROWS = 30


def record(core, seconds, work):
    """Share of each function in percent, largest first; None without perf or the right to use it."""
    if not shutil.which("perf"):
        return None
    data = f"{work}/perf.data"
    recorded = subprocess.run(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "4999", "-C", str(core), "-o", data,
         "--", "sleep", str(seconds)], capture_output=True, check=False)
    if recorded.returncode != 0:
        return None
    text = subprocess.run(
        ["perf", "report", "-i", data, "--stdio", "--sort", "symbol", "--percent-limit", "0.2"],
        capture_output=True, text=True, check=False).stdout
    return parse(text)


def parse(text):
    """[{"symbol": .., "percent": ..}] of perf report's lines."""
    rows = []
    for line in text.splitlines():
        found = re.match(r"\s*([0-9.]+)%\s+\[[.kugH]\]\s+(\S+)", line)
        if found:
            rows.append({"symbol": found.group(2), "percent": float(found.group(1))})
    return rows[:ROWS]
