# SPDX-License-Identifier: BSD-3-Clause
"""
The whole balancer as a registrar: a worker and control on one core, REGISTERs by net_memif, and
between the two the worker's lane. Nothing goes by the kernel.
"""

import contextlib
import pathlib
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
    """One balancer, and what it did since."""

    def __init__(self, system, run, other, huge):
        self.system = system
        self.phones = ["--device", device("client", run), "--core", str(other),
                       *([] if huge else ["--no-huge"])]
        self.before = self.system.sample().counters

    def check(self):
        """All went by the lane."""
        self.system.check_alive()
        now = self.system.sample().counters
        n, strays = (now[name] - self.before[name] for name in ("control", "kernel"))
        if n == 0 or strays:
            raise balancer.BalancerError(f"{n} messages by the lane, {strays} by the kernel")


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
