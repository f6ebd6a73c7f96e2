# SPDX-License-Identifier: BSD-3-Clause
"""Raising and removing a lab: caller -- balancer -- farm."""

import os
import shutil
import signal
import socket
import subprocess
import sys

from lab import addresses, kamailio, netns, registry, sipp, strowger
from lab.capture import Capture
from lab.process import Process
from lab.wait import wait_until

HUGEPAGES = 256
AF_XDP = 44
PRIORITY = -10
SETTLED_S = 60
TESTS_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
BALANCER_PORTS = ("outside", "inside")
_serial = 0


class LabError(Exception):
    """The lab cannot be raised here."""


def default_build_dir():
    return os.environ.get("STW_BUILD_DIR") or os.path.join(os.path.dirname(TESTS_DIR), "build")


def _end_on_signal(number, _frame):
    raise SystemExit(128 + number)


def usable_driver():
    """AF_XDP where the kernel has it, else packet sockets, loudly."""
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW, 0).close()
        return "net_af_xdp"
    except OSError as error:
        print(f"# WARNING: this kernel refuses AF_XDP ({error}). The lab goes on with packet "
              "sockets; the kernel then sees each packet twice.", flush=True)
        return "net_af_packet"


class Lab:
    """Three hosts and what runs in them. A context manager.

    Logs and captures are kept when it ends by an exception, or when a case of @tap failed.
    """

    def __init__(self, name, build_dir=None, tap=None, n_workers=1):
        global _serial
        if os.geteuid() != 0:
            raise LabError("the lab needs root, for network namespaces and interfaces")
        _serial += 1
        self.serial = _serial
        self.id = f"stw{os.getpid()}" + (f"x{_serial}" if _serial > 1 else "")
        self.build_dir = build_dir or default_build_dir()
        self.log_dir = os.path.join(self.build_dir, "test-logs", f"{name}-{self.id}")
        self.tap = tap
        self.n_workers = n_workers
        self.keep_logs = False
        self.caller, self.balancer, self.farm = (
            netns.Host(f"{self.id}-{role}") for role in ("caller", "balancer", "farm"))
        self.hosts = (self.caller, self.balancer, self.farm)
        self.entry = registry.Entry(self.id, [host.name for host in self.hosts])
        self.run_dir = self.entry.data["run_dir"]
        self.processes = []
        self.proxies = []
        self.phones = []
        self.captures = 0
        self.callers = 0
        self.watchdog = None
        self.balance = None
        self.shared = False
        self.bare = False

    # life

    def __enter__(self):
        for number in ENDING_SIGNALS:
            signal.signal(number, _end_on_signal)
        # Inherited by all that runs in the lab: peers that wait for a compiler to get the CPU would
        # time out, and it would look like a fault of the balancer.
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
        registry.reap()
        shutil.rmtree(self.log_dir, ignore_errors=True)
        os.makedirs(self.log_dir)
        try:
            self._claim()
            self._wire()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.close()
        if kind is None and not self.keep_logs and not (self.tap and self.tap.n_failed):
            shutil.rmtree(self.log_dir, ignore_errors=True)
        else:
            print(f"# logs of this lab: {self.log_dir}", flush=True)
        return False

    def _claim(self):
        """Write down what will be made, set the watchdog on it, then begin to make it."""
        with registry.lock():
            self.entry.save()
        os.makedirs(self.run_dir, mode=0o700, exist_ok=True)
        self.watchdog = subprocess.Popen(
            [sys.executable, os.path.join(TESTS_DIR, "lab", "watchdog.py"), self.entry.path],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        registry.reserve(self.entry, HUGEPAGES)

    def _wire(self):
        for host in self.hosts:
            host.create()
        for port, peer in (("outside", self.caller), ("inside", self.farm)):
            netns.cable(self.balancer, self.interface(port), peer, self.peer_interface(port),
                        self.n_workers)
            netns.checksums_in_software(peer, self.peer_interface(port))
            self.balancer.ip("link", "set", self.interface(port), "up")
        self.caller.address(self.peer_interface("outside"),
                            *addresses.with_prefix(addresses.CALLER))
        for address in addresses.PROXIES + addresses.PHONES:
            self.farm.address(self.peer_interface("inside"), *addresses.with_prefix(address))
        self.route(self.farm, addresses.INSIDE)

    @staticmethod
    def route(host, gateway):
        """@host sends all it has no better way for to @gateway."""
        for family in addresses.FAMILIES:
            host.ip(f"-{family}", "route", "replace", "default", "via", gateway[family])

    def add_host(self, role):
        """One more host, with no cable yet."""
        host = netns.Host(f"{self.id}-{role}")
        with registry.lock():
            self.entry.data["namespaces"].append(host.name)
            self.entry.save()
        host.create()
        self.hosts += (host,)
        return host

    def close(self):
        """Take everything away, last started first. Signals wait until it is done."""
        held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *ENDING_SIGNALS))
        try:
            if self.balance is not None:
                self.balance.stop()
            for process in reversed(self.processes):
                process.stop()
            registry.remove(self.entry)
            if self.watchdog is not None:
                self.watchdog.stdin.close()
                self.watchdog.wait()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    # names

    def interface(self, port):
        """The balancer's end of the cable to @port."""
        return f"{self.id}{port[0]}"

    def peer_interface(self, port):
        return f"{self.id}{port[0]}p"

    def twin(self, port):
        return f"{self.id}{port[0]}t"

    def log(self, name):
        return os.path.join(self.log_dir, name)

    # peers

    def start_farm(self, families=(4,), called="uas.xml"):
        """Two Kamailio proxies, and behind each a sipp that answers; returns when all are ready."""
        proxies = self._begin_proxies(())
        self.start_phones(families, called)
        self._await_proxies(proxies)

    def start_proxies(self, *ways):
        """The two proxies alone, each in its way (none: the usual one), in place of those that ran
        before; returns when they are ready."""
        self._await_proxies(self._begin_proxies(ways))

    def _begin_proxies(self, ways):
        for proxy in self.proxies:
            proxy.stop()
        ways = ways or (kamailio.Way(),) * len(addresses.PROXIES)
        self.proxies = [kamailio.start(self.farm, i, self.run_dir, self.log(f"kamailio{i}.log"),
                                       way) for i, way in enumerate(ways)]
        self.processes += self.proxies
        return self.proxies

    @staticmethod
    def _await_proxies(proxies):
        for i, proxy in enumerate(proxies):
            kamailio.wait_ready(proxy, i)

    def restart_proxy(self, index):
        """A new one, of the usual way, in place of one that was killed or stopped; returns when it
        is ready."""
        process = kamailio.start(self.farm, index, self.run_dir, self.log(f"kamailio{index}.log"))
        self.processes.append(process)
        self.proxies[index] = process
        kamailio.wait_ready(process, index)

    def start_phones(self, families=(4,), called="uas.xml"):
        """What answers behind the proxies, by that scenario of tests/lab/sipp; in place of what
        answered before."""
        for phone in self.phones:
            phone.process.stop()
        kind = called.removesuffix(".xml")
        script = sipp.from_file(called, self.run_dir)
        self.phones = [sipp.Called(f"{kind}{i}v{f}", self.farm, phone[f], self.log_dir, script)
                       for i, phone in enumerate(addresses.PHONES) for f in families]
        self.processes += [phone.process for phone in self.phones]
        for phone in self.phones:
            phone.wait_ready()

    def call(self, calls=0, rate=200, family=4, invite_bytes=0, target=None, scenario="uac.xml"):
        """Start a sipp that calls the balancer (or @target), by that scenario of tests/lab/sipp."""
        self.callers += 1
        if target is None:
            target = addresses.host_port(addresses.OUTSIDE[family])
        script = sipp.from_file(scenario, self.run_dir, invite_bytes)
        caller = sipp.Caller(f"caller{self.callers}", self.caller, addresses.CALLER[family],
                             target, self.log_dir, script, calls, rate, 5070 + self.callers)
        self.processes.append(caller.process)
        return caller

    def capture(self, port):
        """Watch the cable of @port from the peer's side."""
        self.captures += 1
        host = self.caller if port == "outside" else self.farm
        capture = Capture(host, self.peer_interface(port),
                          self.log(f"{port}{self.captures}.pcap"),
                          self.log(f"tcpdump{self.captures}.log"))
        self.processes.append(capture.process)
        return capture

    def run_in(self, host, name, *argv):
        """Any other program inside @host. What it keeps in its home goes with the lab."""
        process = Process(name, host.argv(*argv), self.log(f"{name}.log"),
                          env={"HOME": self.run_dir})
        self.processes.append(process)
        return process

    # balancer

    def start_kernel_router(self):
        """No Strowger: the balancer's kernel routes between its ports. Proves the lab itself."""
        for port, own in (("outside", addresses.OUTSIDE), ("inside", addresses.INSIDE)):
            self.balancer.address(self.interface(port), *addresses.with_prefix(own))
        self.balancer.sysctl("net.ipv4.ip_forward", 1)
        self.balancer.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.route(self.caller, addresses.OUTSIDE)

    def start_strowger(self, weights=(10, 10), families=(4,), driver=None, shared=False, bare=False,
                       **how):
        """Configuration, both processes, both ready. `self.balance` speaks with them.

        @shared: the balancer's kernel keeps its interfaces and addresses (share_interfaces() gave
        it them), and only SIP is steered to the data plane. @bare: its kernel has no part in its ports,
        as with a NIC that is DPDK's alone; who is next to whom is configured on both sides.
        """
        self.shared = shared
        self.bare = bare
        if bare:
            self.introduce_balancer()
        self.balance = strowger.Strowger(self.balancer, self.build_dir, self.run_dir,
                                         self.log_dir)
        self.driver = driver or os.environ.get("STW_LAB_DRIVER") or usable_driver()
        for port in BALANCER_PORTS if not shared else ():
            self.keep_kernel_out(self.balancer, self.interface(port))
        self.configure(weights, families, **how)
        self.balance.start_dataplane()
        self.balance.start_control()
        self.wait_dataplane()
        self.balance.wait_control()
        return self.balance

    def share_interfaces(self):
        """The balancer's kernel has the addresses, as on a server with its ordinary interfaces.
        Returns when the kernel has noticed the cables, and nothing changes by itself any more."""
        for port, own in (("outside", addresses.OUTSIDE), ("inside", addresses.INSIDE)):
            self.balancer.address(self.interface(port), *addresses.with_prefix(own))
            netns.checksums_in_software(self.balancer, self.interface(port))
        for port in BALANCER_PORTS:
            wait_until(lambda name=self.interface(port): self.balancer.settled(name), SETTLED_S,
                       f"{self.interface(port)} to be up")

    def introduce_balancer(self):
        """Nobody answers ARP for it."""
        for port, peer, own in (("outside", self.caller, addresses.OUTSIDE),
                                ("inside", self.farm, addresses.INSIDE)):
            for family in addresses.FAMILIES:
                peer.ip("neigh", "replace", own[family], "lladdr",
                        self.balancer.mac(self.interface(port)), "dev", self.peer_interface(port))

    def neighbours(self):
        """{port: {address: MAC}} of those behind the balancer's ports."""
        behind = {"outside": (self.caller, [addresses.CALLER]),
                  "inside": (self.farm, addresses.PROXIES + addresses.PHONES)}
        return {port: {address[family]: peer.mac(self.peer_interface(port))
                       for address in known for family in addresses.FAMILIES}
                for port, (peer, known) in behind.items()}

    @staticmethod
    def keep_kernel_out(host, interface):
        """The kernel has the port's addresses on the twin. With packet sockets it sees what arrives
        at the port itself too, and would answer "port unreachable"; with AF_XDP it sees nothing."""
        host.sysctl(f"net.ipv4.conf.{interface}.rp_filter", 1)
        host.sysctl(f"net.ipv4.conf.{interface}.arp_ignore", 8)
        host.sysctl(f"net.ipv6.conf.{interface}.disable_ipv6", 1)

    def wait_dataplane(self):
        """After a start of the data plane: its twins and its socket are there."""
        self.balance.wait_dataplane([self.twin(port) for port in BALANCER_PORTS if not self.bare])

    def configure(self, weights=(10, 10), families=(4,), **how):
        """Write the configuration file (see Strowger.write_config); a running control is not told."""
        self.balance.write_config(self.ports(), weights, families, self.cores(),
                                  shared=self.shared,
                                  neighbours=self.neighbours() if self.bare else None, **how)

    def ports(self):
        queues = self.queues() if self.driver == "net_af_packet" else ""
        return [(port, f"{self.driver}{i},iface={self.interface(port)}{queues}", self.twin(port),
                 addresses.with_prefix(own))
                for i, (port, own) in enumerate((("outside", addresses.OUTSIDE),
                                                 ("inside", addresses.INSIDE)))]

    def queues(self):
        """Of a packet socket a worker. When one of several is three quarters full the kernel turns to the
        next, and a flow's packets leave in another order: so they are long, for a busy machine."""
        return f",qpairs={self.n_workers},framecnt=4096" if self.n_workers > 1 else ",qpairs=1"

    def cores(self):
        """The last cores this process may use; a second lab begins one before."""
        usable = sorted(os.sched_getaffinity(0))
        return [usable[-1 - (self.serial - 1 + i) % len(usable)] for i in range(self.n_workers)]
