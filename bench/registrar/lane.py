# SPDX-License-Identifier: BSD-3-Clause
"""
The whole balancer as a registrar: a worker and control on one core, REGISTERs by net_memif, and
between the two the worker's lane. Nothing goes by the kernel.

A worker polls, so how long it ran tells nothing. What a REGISTER costs is the time that control ran
and that the worker's turns took in which there was something: what is left is free for calls.
"""

import contextlib
import pathlib
import re
import subprocess
import tempfile

import machine
from path import balancer

REGISTRAR, PHONES = "192.0.2.1", "198.18.0.9"
HUGEPAGES = 384
RING_LOG2 = 12
WINDOW = 1024  # both halves have enough to do
PASSWORD = "secret"
PATIENCE_S = 120
WORKER_BUSY = re.compile(r"^strowger_worker_busy_seconds_total\{.*\} (\S+)$", re.MULTILINE)

SECTION = """registrar:
  domains: [example.com]
  authenticate: {authenticate}
  algorithms: {algorithm}
  nonce_ttl_s: 3600
  source_rate: 0
  source_failures: 0
  durability: {durability}
  store: {store}
"""


def device(role, run):
    mac = ",mac=02:70:63:61:70:00" if role == "server" else ""
    return (f"net_memif0,role={role},id=0,socket={run}/memif.sock,socket-abstract=no,"
            f"rsize={RING_LOG2},bsize=2048{mac}")


def add_users(build, run, users):
    rows = "".join(f"u{i:08}@example.com {PASSWORD}\n" for i in range(users))
    subprocess.run([build / "control" / "strowgerctl", "--socket", run / "api.sock", "subscriber",
                    "import", "-"], input=rows, text=True, check=True, capture_output=True,
                   timeout=PATIENCE_S)


class Served:
    """One balancer, and what it did while it was measured."""

    def __init__(self, system, run, other, huge):
        self.system = system
        self.phones = ["--device", device("client", run), "--core", str(other),
                       *([] if huge else ["--no-huge"])]
        self.before = self.now()

    def now(self):
        control = machine.thread_seconds(self.system.control.pid)
        text = self.system.text("GET", "/metrics")
        return (self.system.sample().counters,
                sum(float(seconds) for seconds in WORKER_BUSY.findall(text)),
                sum(ran for ran, _ in control.values()))

    def begin(self):
        self.before = self.now()

    def busy_us(self):
        """Since begin(), a message handed to control."""
        counters, worker_s, control_s = self.now()
        self.system.check_alive()
        n = counters["control"] - self.before[0]["control"]
        strays = counters["kernel"] - self.before[0]["kernel"]
        if n == 0 or strays:
            raise balancer.BalancerError(f"{n} messages by the lane, {strays} by the kernel")
        return (worker_s - self.before[1] + control_s - self.before[2]) * 1e6 / n


@contextlib.contextmanager
def serving(build, work, store, core, affinity, auth, keeps, users, huge):
    """Until the end of the block. Yields it, Served."""
    run = pathlib.Path(tempfile.mkdtemp(dir=work))
    section = SECTION.format(authenticate="false" if auth == "none" else "true",
                             algorithm="md5" if auth == "none" else auth, store=store,
                             durability="relaxed" if keeps == "memory" else "durable")
    config = balancer.write_config(run, device("server", run), [core], rules=section)
    with balancer.Balancer(build, config, run, affinity, fed=False, control_on={core}) as system:
        if auth != "none":
            add_users(build, run, users)
        yield Served(system, run, min(affinity - {core} or {core}), huge)
