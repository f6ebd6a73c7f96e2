# SPDX-License-Identifier: BSD-3-Clause
"""strowger-control with its client and a fake data plane, in a directory of their own."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from support.tap import Tap, expect, expect_equal  # noqa: E402

PATIENCE_S = 60
MEMBERS = (("k1", "198.51.100.11", 10), ("k2", "198.51.100.12", 10))
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))


def until(condition, what):
    """Wait until @condition gives something true, and return that."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"in vain waited for {what}")


def free_port(kind=socket.SOCK_STREAM):
    """One of loopback's that is free, and below those that the kernel gives to whoever asks for any:
    so nobody has it when the program that is told to use it gets around to that."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        given_from = int(f.read().split()[0])
    while True:
        port = random.randrange(10000, max(given_from, 20000))
        with contextlib.suppress(OSError), socket.socket(type=kind) as s:
            s.bind(("127.0.0.1", port))
            return port


class Rig:
    """A directory with a configuration, and the processes that run on it."""

    def __init__(self, programs, directory):
        self.control_program, self.ctl_program, self.fake_program = programs
        self.dir = directory
        self.config = os.path.join(directory, "strowger.yaml")
        self.api = os.path.join(directory, "run", "api.sock")
        self.dp = os.path.join(directory, "dp.sock")
        self.log = os.path.join(directory, "control.log")
        self.http_at = "off"
        self.api_extra = []
        self.control = None
        self.fake = None

    def write(self, members=MEMBERS, extra=""):
        lines = [
            "dataplane:", f"  socket: {self.dp}",
            "control:", f"  state_dir: {self.dir}/state",
            "api:", f"  socket: {self.api}", '  mode: "0600"', f"  http: {self.http_at}",
            *self.api_extra,
            "ports:", "  - name: outside", '    device: "net_null0"', "    kernel: none",
            "    addresses: [192.0.2.1/24]",
            "listeners:", "  - {name: edge, address: 192.0.2.1, pool: farm}",
            "pools:", "  - name: farm", "    members:"]
        lines += [f"      - {{name: {n}, address: {a}, weight: {w}}}" for n, a, w in members]
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n" + extra)

    def start(self, env=None):
        with open(self.log, "a", encoding="utf-8") as log:
            self.control = subprocess.Popen([self.control_program, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stderr=log, env=env)
        until(self.answers, "the API")

    def answers(self):
        expect(self.control.poll() is None, f"control ended: {self.log_text()}")
        return self.run("show", "version")[0] == 0

    def start_with_a_clock(self):
        """Whose wall clock set_clock() sets."""
        self.set_clock(0)
        self.start({**os.environ, "LD_PRELOAD": os.environ["STW_JUMPING_CLOCK"],
                    "STW_CLOCK_AHEAD": os.path.join(self.dir, "ahead"),
                    # A sanitizer wants to be loaded first, which is needed for its own wrappers.
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
                                    + ":verify_asan_link_order=0"})

    def set_clock(self, ahead_s):
        with open(os.path.join(self.dir, "ahead"), "r+b" if self.control else "wb") as f:
            f.write(ahead_s.to_bytes(8, "little", signed=True))

    def stop(self, sig=signal.SIGTERM):
        if self.control is None:
            return None
        self.control.send_signal(sig)
        code = self.control.wait(PATIENCE_S)
        self.control = None
        return code

    def start_fake(self):
        self.fake = subprocess.Popen([self.fake_program, self.dp], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        expect_equal(self.fake.stdout.readline(), "ready\n", "fake data plane")

    def tell_fake(self, command):
        self.fake.stdin.write(command + "\n")
        self.fake.stdin.flush()
        expect_equal(self.fake.stdout.readline(), "ok\n", f"fake data plane on {command}")

    def stop_fake(self):
        if self.fake is not None:
            self.fake.stdin.close()
            self.fake.wait(PATIENCE_S)
            self.fake.stdout.close()
            self.fake = None

    def close(self):
        self.stop(signal.SIGKILL)
        self.stop_fake()

    def run(self, *arguments, env=None):
        """Run strowgerctl: (exit code, output, errors)."""
        done = subprocess.run([self.ctl_program, "--socket", self.api, *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=PATIENCE_S, env=env)
        return done.returncode, done.stdout, done.stderr

    def good(self, *arguments):
        code, out, err = self.run(*arguments)
        expect_equal(code, 0, f"exit code of {arguments} ({err.strip()})")
        return out

    def show(self, what):
        return json.loads(self.good("show", what, "--json"))

    def members(self):
        return {row["name"]: row for row in self.show("members")["members"]}

    def linked(self):
        return self.show("status")["generation"]

    def log_text(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(PATIENCE_S)
        s.connect(self.api)
        return s

    def http(self, request):
        """Send bytes, read until the other end closes."""
        with self.connect() as s:
            s.sendall(request)
            got = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return got
                got += piece

    def open_port(self):
        """Give control an HTTP port; before start()."""
        self.http_at = f"127.0.0.1:{free_port()}"

    def fetch(self, path, method="GET", headers=None, body=None):
        """One request to the HTTP port: (status, headers, text)."""
        connection = http.client.HTTPConnection(self.http_at, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def call(self, method, path, body=b""):
        """One request: (status, JSON)."""
        head = (f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        got = self.http(head.encode() + body)
        head, _, text = got.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(text) if text else None


@contextlib.contextmanager
def rig(programs, fake=False, start=True, port=False):
    with tempfile.TemporaryDirectory(prefix="stw-cli-") as directory:
        r = Rig(programs, directory)
        try:
            if port:
                r.open_port()
            r.write()
            if fake:
                r.start_fake()
            if start:
                r.start()
            if start and fake:
                until(r.linked, "the first tables to be served")
            yield r
        finally:
            r.close()


def run_suites(*suites):
    """Each suite is (options of rig(), cases); the programs are on the command line:
    CONTROL CTL FAKE_DATAPLANE."""
    programs = [os.path.abspath(path) for path in sys.argv[1:4]]
    with Tap() as tap:
        for options, cases in suites:
            with rig(programs, **options) as r:
                for case in cases:
                    with tap.case(case.__name__):
                        case(r)
