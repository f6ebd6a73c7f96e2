# SPDX-License-Identifier: BSD-3-Clause
"""The real balancer for a benchmark: both processes, their configuration, their counters."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import string
import subprocess
import time

import machine

HERE = pathlib.Path(__file__).resolve().parent
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
ASTRAY = ("answered", "kernel", "handed_over", "merged")  # other ends than being sent on


STAGE_SUM = re.compile(r'strowger_stage_duration_seconds_sum\{.*stage="(\w+)".*\} (\S+)$')
TIMED_ONE_IN = 64  # turns; dataplane/timing.h


class BalancerError(Exception):
    pass


def farm(members=None):
    """(routes, members) of the configuration: eight on the link, or @members behind a router."""
    if members is None:
        near = enumerate((1, 2, 1, 1, 3, 1, 2, 1), 1)
        return "", "".join(f"      - {{name: m{i}, address: 192.0.2.{10 + i}, weight: {weight}}}\n"
                           for i, weight in near)
    far = ((i, f"10.0.{i >> 8}.{i & 255}", 1 + i % 4) for i in range(1, members + 1))
    return ("      - {to: 10.0.0.0/16, via: 192.0.2.254}\n",
            "".join(f"      - {{name: m{i}, address: {address}, weight: {weight}}}\n"
                    for i, address, weight in far))


def from_memory(corpus, queues=1):
    """The device that reads @corpus again and again, on each queue for itself."""
    return f"net_pcap0,{queues * f'rx_pcap={corpus},'}infinite_rx=1"


# net_pcap has as many queues to send by as to receive from. This device has one for each worker: it
# frees what is sent, and nothing comes in.
WAY_OUT = """    addresses: [198.51.100.1/24]
  - name: out
    device: "net_null0,no-rx=1"
    kernel: none
"""


def further_pools(n):
    """@n pools beside the first one; nobody is sent to them."""
    return "".join(f"  - {{name: p{i}, members: [{{name: p{i}m, address: 10.1.{i >> 8}.{i & 255}}}]}}\n"
                   for i in range(1, n + 1))


def write_config(run, device, cores, burst=32, hugepages="auto", members=None, pools=1,
                 rules="", steering="auto", way_out="", descriptors=1024):
    """Fills in bench/path/strowger.yaml.in. Returns the file's path, in @run."""
    routes, rows = farm(members)
    rows += further_pools(pools - 1)
    template = string.Template((HERE / "strowger.yaml.in").read_text())
    # The template's comment says "${}", which is no name: safe_substitute leaves it alone.
    text = template.safe_substitute(run=run, device=device, cores=", ".join(map(str, cores)),
                                    burst=burst, hugepages=hugepages, steering=steering,
                                    way_out=way_out, descriptors=descriptors,
                                    routes=routes, members=rows, rules=rules,
                                    mbufs=32768 * len(cores), memory_mb=256 * len(cores))
    path = pathlib.Path(run) / "strowger.yaml"
    path.write_text(text)
    path.chmod(0o600)  # it holds a key
    return path


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.unix_path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.unix_path)


class Sample:
    """The drop ledger of all workers at one moment."""

    def __init__(self, when, total):
        self.when = when
        self.counters = dict(total["counters"])
        self.drops = total["ledger"]["drops"]

    def since(self, earlier):
        return Growth(self.when - earlier.when,
                      {name: value - earlier.counters.get(name, 0)
                       for name, value in self.counters.items()},
                      self.drops - earlier.drops)


class Growth:
    """What happened between two samples."""

    def __init__(self, seconds, counters, drops):
        self.seconds = seconds
        self.counters = counters
        self.drops = drops

    def per_s(self, end="sent"):
        return self.counters[end] / self.seconds

    @property
    def lost(self):
        """Messages that came and were not sent on."""
        return self.drops + sum(self.counters[name] for name in ASTRAY)

    def complaints(self, end="sent"):
        """Why this must not count as a run: every message has to come to @end, none to another."""
        found = []
        if self.counters[end] <= 0:
            found.append(f"nothing was {end}")
        if self.drops:
            found.append(f"{self.drops} messages dropped")
        for name in ("sent", *ASTRAY):
            if name != end and self.counters[name]:
                found.append(f"{self.counters[name]} messages {name}")
        return found


class Balancer:
    """Starts both processes on @config; use as a context manager.

    @fed: messages come by themselves, and are to be @end; else it is ready when its tables are. @prefix: words before
    the data plane's command, to run it somewhere else. @alone: control without a data plane. @control_on:
    the cores of control, by default those that this process has.
    """

    def __init__(self, build, config, run, affinity, fed=True, prefix=(), end="sent", alone=False,
                 control_on=None):
        self.run = pathlib.Path(run)
        self.prefix = prefix
        self.end = end
        self.ready = self.answers if alone else self.sends if fed else self.serves
        self.processes = []
        self.logs = []
        try:
            if not alone:
                # It pins its workers itself and must be allowed to; control keeps off them as we do.
                self.dataplane = self.start(build / "dataplane" / "strowger-dataplane", config,
                                            affinity)
            self.control = self.start(build / "control" / "strowger-control", config,
                                      control_on or os.sched_getaffinity(0))
            self.await_serving()
        except BaseException:
            self.close()
            raise

    def start(self, program, config, cores):
        log = open(self.run / (program.name + ".log"), "ab")
        self.logs.append(log)
        process = subprocess.Popen(
            machine.child([*self.prefix, program, "--config", config]), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.processes.append(process)
        return process

    def text(self, method, path, body=None):
        connection = UnixConnection(self.run / "api.sock")
        try:
            connection.request(method, path, body=json.dumps(body) if body else None)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                raise BalancerError(f"{method} {path}: {response.status} {text[:200]!r}")
            return text.decode()
        finally:
            connection.close()

    def ask(self, method, path, body=None):
        return json.loads(self.text(method, path, body))

    def stage_seconds(self):
        """{stage: seconds that all workers had bursts in it}, of the turns that were timed."""
        found = {}
        for line in self.text("GET", "/metrics").splitlines():
            row = STAGE_SUM.match(line)
            if row:
                found[row.group(1)] = found.get(row.group(1), 0.0) + float(row.group(2))
        return found

    def get(self, path):
        return self.ask("GET", path)

    def swap(self, weight):
        """Changes a member's weight; returns once served: generation, check_us, swap_us."""
        served = self.ask("POST", "/v1/members/m1/weight", {"weight": weight})
        tables = self.get("/v1/status")["tables"]
        return {"generation": served["generation"],
                **{name: tables[name] for name in ("check_us", "swap_us")}}

    def sample(self):
        before = time.monotonic()
        total = self.get("/v1/counters")["total"]
        if total is None:
            raise BalancerError("control has no data plane")
        return Sample((before + time.monotonic()) / 2, total)

    def check_alive(self):
        for process, log in zip(self.processes, self.logs):
            if process.poll() is not None:
                tail = pathlib.Path(log.name).read_text(errors="replace")[-1500:]
                raise BalancerError(f"{pathlib.Path(log.name).stem} ended with "
                                    f"{process.returncode}:\n{tail}")

    def answers(self):
        return bool(self.get("/v1/status"))

    def sends(self):
        return self.sample().counters[self.end] > 0

    def serves(self):
        return self.get("/v1/status")["generation"] > 0

    def await_serving(self):
        """Returns once it does its work."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                if self.ready():
                    return
            except (OSError, BalancerError, http.client.HTTPException):
                pass  # not listening yet, or no data plane yet
            time.sleep(0.05)
        raise BalancerError(f"not serving after {START_TIMEOUT_S} s; see the logs in {self.run}")

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for log in self.logs:
            log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
