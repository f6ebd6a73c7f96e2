# SPDX-License-Identifier: BSD-3-Clause
"""A process of the lab: started inside a host, output to a file, awaited by conditions."""

import ctypes
import os
import signal
import subprocess

from lab.wait import wait_until

LOG_TAIL_BYTES = 4000
KILLED_S = 60
PR_SET_PDEATHSIG = 1
TCP_LISTEN = "0A"


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def group_runs(group):
    """True while a process of that group is more than an entry that nobody has asked about yet."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                state, _parent, of = f.read().rpartition(") ")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == group and state not in "ZX":
            return True
    return False


class ProcessDied(Exception):
    """It ended while something was expected of it."""


class Process:
    """One child process in a session of its own, so that Ctrl-C reaches the runner alone."""

    def __init__(self, name, argv, log, cwd=None, end_with_us=False, listens=False, env=None):
        """@end_with_us: SIGTERM when our process is gone, for want of a watchdog. @listens: to
        tell(). @env: variables in addition to ours."""
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.PIPE if listens else subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True,
                env={**os.environ, **(env or {})},
                preexec_fn=_end_with_parent if end_with_us else None)

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child.poll() is None

    def tell(self, line):
        """Write a line to its standard input."""
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def output(self):
        """All it has said so far."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def tail(self):
        """The end of its output, for messages. What is looked for may stand further up: output()."""
        with open(self.log, "rb") as f:
            f.seek(max(0, os.path.getsize(self.log) - LOG_TAIL_BYTES))
            return f.read().decode(errors="replace")

    def wait_for(self, condition, timeout_s, what):
        """Wait for @condition; at once an error when the process ends before it is true."""
        def check():
            result = condition()
            if not result and not self.running():
                raise ProcessDied(f"{self.name} ended with {self.child.returncode} before "
                                  f"{what}; its output ends:\n{self.tail()}")
            return result
        return wait_until(check, timeout_s, f"{self.name}: {what}")

    def wait_exit(self, timeout_s):
        """Wait for its end; return the exit code (negative: the signal)."""
        wait_until(lambda: not self.running(), timeout_s, f"{self.name} to end")
        return self.child.returncode

    def signal(self, number):
        if self.running():
            self.child.send_signal(number)

    def kill(self):
        """kill -9, and wait until the kernel has let go of it."""
        self.signal(signal.SIGKILL)
        return self.child.wait()

    def signal_all(self, number):
        """@number to the process and to all it forked (they are one group)."""
        os.killpg(self.pid, number)

    def kill_all(self):
        """kill -9 of the whole group at once, as when its host loses power; wait until the kernel
        has let go of them all, their sockets too."""
        self.signal_all(signal.SIGKILL)
        code = self.child.wait()
        wait_until(lambda: not group_runs(self.pid), KILLED_S, f"all of {self.name} to end")
        return code

    def stop(self, grace_s=30):
        """SIGTERM; after @grace_s SIGKILL to it and all it forked. Return the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(grace_s)
        except subprocess.TimeoutExpired:
            return self.kill_all()

    def tcp_listens(self, port):
        """True when a TCP socket of its host listens there, at whatever address."""
        try:
            with open(f"/proc/{self.pid}/net/tcp", encoding="ascii") as f:
                rows = [line.split() for line in f]
        except OSError:  # it is gone, or its host is
            return False
        return any(row[1].endswith(f":{port:04X}") and row[3] == TCP_LISTEN for row in rows)

    def udp_bound(self, address_hex, port):
        """True when a UDP socket of its host is bound there; the address as /proc writes it."""
        wanted = f"{address_hex}:{port:04X}"
        for table in ("udp", "udp6"):
            try:
                with open(f"/proc/{self.pid}/net/{table}", encoding="ascii") as f:
                    if any(line.split()[1] == wanted for line in f):
                        return True
            except OSError:
                return False
        return False
