# SPDX-License-Identifier: BSD-3-Clause
"""Hosts and cables: network namespaces and veth pairs, by ip(8)."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

from lab.wait import WaitTimeout, wait_until

NETNS_DIR = "/run/netns"
OUR_NETNS = "/proc/thread-self/ns/net"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(argv, check=True):
    """Run a short command; its error text is in the exception."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Host:
    """One network namespace."""

    def __init__(self, name):
        self.name = name

    def create(self):
        run(["ip", "netns", "add", self.name])
        self.ip("link", "set", "lo", "up")
        # Duplicate address detection would hold IPv6 back for seconds on cables made just now.
        for scope in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{scope}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{scope}.router_solicitations", 0)

    def argv(self, *command):
        """@command as it is run inside this host; `ip` replaces itself, so the pid stays."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command, check=True):
        return run(self.argv(*command), check)

    def ip(self, *arguments, check=True):
        return run(["ip", "-n", self.name, *arguments], check)

    def sysctl(self, key, value):
        self.run("sh", "-c", f"echo {value} >/proc/sys/{key.replace('.', '/')}")

    def address(self, interface, *addresses):
        """Give @interface its addresses and take it up."""
        for address in addresses:
            nodad = ["nodad"] if ":" in address else []
            self.ip("addr", "add", address, "dev", interface, *nodad)
        self.ip("link", "set", interface, "up")

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
        """A socket of ours that lives in this host."""
        with contextlib.ExitStack() as stack:
            home = os.open(OUR_NETNS, os.O_RDONLY)
            stack.callback(os.close, home)
            away = os.open(os.path.join(NETNS_DIR, self.name), os.O_RDONLY)
            stack.callback(os.close, away)
            _enter(away)
            try:
                return socket.socket(family, kind)
            finally:
                _enter(home)

    def mac(self, interface):
        return self.ip("-o", "link", "show", "dev", interface).split("link/ether ")[1].split()[0]

    def settled(self, interface):
        """True when @interface has seen its cable and has the address that IPv6 then gives it."""
        shown = self.ip("addr", "show", "dev", interface)
        return "state UP" in shown and "inet6 fe80" in shown and "tentative" not in shown

    def links(self):
        """Names of its interfaces."""
        lines = self.ip("-o", "link", "show").splitlines()
        return [line.split(": ")[1].split("@")[0] for line in lines]


def cable(host_a, interface_a, host_b, interface_b, n_queues=1):
    """A veth pair between two hosts; the kernel spreads flows over its queues."""
    queues = ["numrxqueues", str(n_queues), "numtxqueues", str(n_queues)]
    run(["ip", "link", "add", interface_a, "netns", host_a.name, *queues, "type", "veth",
         "peer", "name", interface_b, "netns", host_b.name, *queues])


def checksums_in_software(host, interface):
    """Have @host fill in checksums: a packet read from a veth by anything but a kernel would
    carry none otherwise."""
    host.run("ethtool", "-K", interface, "tx", "off")


def exists(name):
    return os.path.exists(os.path.join(NETNS_DIR, name))


def pids(name):
    """Processes inside namespace @name."""
    if not exists(name):
        return []
    return [int(pid) for pid in run(["ip", "netns", "pids", name], check=False).split()]


def _signal_all(name, number):
    for pid in pids(name):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def delete(name, grace_s=5):
    """End all that runs in namespace @name, orderly if it will, and delete it."""
    if not exists(name):
        return
    _signal_all(name, signal.SIGTERM)
    try:
        wait_until(lambda: not pids(name), grace_s, "processes to end")
    except WaitTimeout:
        deadline = time.monotonic() + grace_s
        while pids(name) and time.monotonic() < deadline:
            _signal_all(name, signal.SIGKILL)
            time.sleep(0.02)
    run(["ip", "netns", "del", name], check=False)
