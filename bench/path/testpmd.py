# SPDX-License-Identifier: BSD-3-Clause
"""
DPDK's own testpmd over the same device on the same core: the floor of the path benchmark and the
ceiling of the others. It receives and sends (io), only receives (rxonly) or turns addresses round
(macswap) and looks at nothing else, so what we cost is the difference.
"""

import os
import re
import selectors
import subprocess
import time

import machine

PROMPT = b"testpmd> "
START_TIMEOUT_S = 60
DESCRIPTORS = 2048  # of a queue; who is compared with it over a cable gets as many


class TestpmdError(Exception):
    pass


class Testpmd:
    """@prefix: words before the command, to run it somewhere else."""

    def __init__(self, device, mode, core, other_core, hugepages, log, prefix=()):
        command = [
            *prefix,
            "stdbuf", "-oL",  # statistics at once, not when a buffer is full
            "dpdk-testpmd", "-l", f"{other_core},{core}", "--main-lcore", str(other_core),
            # without hugepages DPDK 22.11 turns to "legacy" memory, which excludes --in-memory
            *(["--in-memory"] if hugepages else ["--no-huge", "-m", "256", "--no-shconf"]),
            "--no-pci", "--no-telemetry", "--iova-mode=va",
            f"--vdev={device}",
            "--", "-i", "--nb-cores=1", f"--forward-mode={mode}", "--total-num-mbufs=32768",
            "--burst=32", f"--rxd={DESCRIPTORS}", f"--txd={DESCRIPTORS}", "--no-lsc-interrupt",
            "--disable-link-check",
        ]
        self.log = open(log, "wb")
        self.process = subprocess.Popen(machine.child(command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        bufsize=0)
        try:
            self.read_until_prompt(START_TIMEOUT_S)
            self.say("start")
        except BaseException:
            self.close()
            raise

    def read_until_prompt(self, timeout_s):
        """Everything up to the next prompt."""
        text = b""
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not text.endswith(PROMPT):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TestpmdError(f"testpmd gave no prompt within {timeout_s} s")
                part = os.read(self.process.stdout.fileno(), 65536)
                if not part:
                    raise TestpmdError("testpmd ended: " + text.decode(errors="replace")[-500:])
                self.log.write(part)
                text += part
        return text.decode(errors="replace")

    def pid(self):
        """Of testpmd itself: what starts it has replaced itself by it."""
        return self.process.pid

    def say(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        return self.read_until_prompt(START_TIMEOUT_S)

    def received(self):
        """(time, frames received so far)"""
        before = time.monotonic()
        text = self.say("show port stats 0")
        found = re.search(r"RX-packets:\s*(\d+)", text)
        if not found:
            raise TestpmdError("no RX-packets in testpmd's statistics")
        return (before + time.monotonic()) / 2, int(found.group(1))

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write(b"stop\nquit\n")
                self.process.wait(timeout=20)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def rate(device, mode, core, other_core, hugepages, seconds, log):
    """Frames a second through testpmd over @seconds, after half a second's warm-up."""
    with Testpmd(device, mode, core, other_core, hugepages, log) as testpmd:
        time.sleep(0.5)
        start, first = testpmd.received()
        time.sleep(seconds)
        end, last = testpmd.received()
    return (last - first) / (end - start)
