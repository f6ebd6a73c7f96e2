# SPDX-License-Identifier: BSD-3-Clause
"""Kamailio as a stateless dispatcher on one core: what people use today."""

import contextlib
import os
import pathlib
import string
import subprocess

import machine
from lab.wait import wait_until

HERE = pathlib.Path(__file__).resolve().parent
RMEM_MAX = pathlib.Path("/proc/sys/net/core/rmem_max")
BUFFER = 8 * 1024 * 1024
READY_S = 30
BOUND = "010200C0:13C4"  # 192.0.2.1:5060 as /proc/net/udp has it
# Private and shared memory by "fm", twice as fast here as the default "qm", which is for debugging.
ARGUMENTS = ("-DD", "-E", "-x", "fm", "-X", "fm", "-m", "256", "-M", "32")

TUNING = (f"stateless forward(), dispatcher by a hash of the Call-ID, no log, DNS or TCP, receive buffer "
          f"{BUFFER} bytes, {' '.join(ARGUMENTS)}; of the swept numbers of children the best")


@contextlib.contextmanager
def large_buffers():
    """Lets sockets have receive buffers of BUFFER bytes meanwhile."""
    before = RMEM_MAX.read_text()
    RMEM_MAX.write_text(f"{max(BUFFER, int(before))}\n")
    try:
        yield
    finally:
        RMEM_MAX.write_text(before)


def write_config(work, members, children):
    directory = work / "kamailio"
    directory.mkdir(exist_ok=True)
    listed = directory / "members"
    listed.write_text("".join(f"1 sip:{address}:5060\n" for address in members))
    path = directory / "kamailio.cfg"
    path.write_text(string.Template((HERE / "kamailio.cfg.in").read_text()).safe_substitute(
        children=children, buffer=BUFFER, list=listed))
    return path


def bound(pid):
    return BOUND in pathlib.Path(f"/proc/{pid}/net/udp").read_text()


@contextlib.contextmanager
def running(work, host, members, children, core):
    """A Kamailio of @children processes in @host, all on @core."""
    config = write_config(work, members, children)
    command = machine.child(host.argv("kamailio", "-f", str(config), *ARGUMENTS, "-w",
                                      str(config.parent), "-Y", str(config.parent), "-P",
                                      str(config.parent / "pid")))
    with open(work / "kamailio.log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        try:
            wait_until(lambda: process.poll() is not None or bound(process.pid), READY_S,
                       "Kamailio to be bound")
            if process.poll() is not None:
                raise RuntimeError("Kamailio ended:\n" +
                                   (work / "kamailio.log").read_text(errors="replace")[-1500:])
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
