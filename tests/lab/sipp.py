# SPDX-License-Identifier: BSD-3-Clause
"""sipp as caller and as called side, and its statistics as plain numbers."""

import csv
import os
import re

from lab import addresses
from lab.process import Process

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sipp")
READY_S = 60
CALL_MS = 300
CONTROL_ADDRESS = "127.0.0.1"
# A call in which nothing comes any more has failed. Longer than requests are repeated (RFC 3261
# s17.1.2.2), so that only what nobody repeats ends so.
SILENCE_MS = 35000
# sipp's own watchdog ends it on a machine that is only slow.
COMMON = ["-nostdin", "-recv_timeout", str(SILENCE_MS), "-watchdog_interval", "0", "-fd", "1", "-trace_stat", "-trace_err",
          # sipp asks for 64 KiB otherwise, which holds some forty messages
          "-buff_size", "4194304"]
# How its file of errors names a call that failed. Its messages follow each other without line ends;
# of a call that goes on it says "Continuing call on ...".
FAILED = re.compile(r"Aborting call on [^':]* for Call-I[dD] '([^']+)'|"
                    r"Call-I[dD]: ([^\s,]+), (?:receive|send) timeout")
PADDING_LINE = "a=candidate:{n} 1 UDP 2130706431 192.0.2.2 {port} typ host generation 0\n"


def builtin(name):
    """sipp's arguments for one of its own scenarios."""
    return ["-sn", name]


def from_file(name, run_dir, invite_bytes=0):
    """The same for a file of tests/lab/sipp; with @invite_bytes its INVITE has at least that many."""
    source = os.path.join(SCENARIOS, name)
    with open(source, encoding="utf-8") as f:
        text = f.read()
    lines = []
    while sum(map(len, lines)) + 500 < invite_bytes:
        lines.append(PADDING_LINE.format(n=len(lines), port=40000 + len(lines)))
    text = text.replace("@PADDING@\n", "      ".join(lines) if lines else "")
    return from_text(f"{invite_bytes}-{name}", text, run_dir)


def from_text(name, text, run_dir):
    """The same for a scenario that stands in no file yet."""
    path = os.path.join(run_dir, name)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".new", path)  # another sipp may be reading the same file just now
    return ["-sf", path]


class Statistics:
    """The last line of sipp's statistics file."""

    # our name: sipp's column
    COLUMNS = {
        "sent": "OutgoingCall(C)",
        "taken": "IncomingCall(C)",
        "answered": "SuccessfulCall(C)",
        "failed": "FailedCall(C)",
        "unexpected": "FailedUnexpectedMessage(C)",
        "current": "CurrentCall",
        "retransmissions": "Retransmissions(C)",
        "out_of_call": "OutOfCallMsgs(C)",
        "dead_call": "DeadCallMsgs(C)",
    }

    def __init__(self, row):
        for ours, theirs in self.COLUMNS.items():
            setattr(self, ours, int(row.get(theirs) or 0))

    @classmethod
    def read(cls, path):
        """From the file; all zero before sipp wrote its first complete line."""
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                lines = f.read().split("\n")
        except FileNotFoundError:
            return cls({})
        rows = list(csv.DictReader(lines[:-1], delimiter=";"))
        return cls(rows[-1] if rows else {})

    def __repr__(self):
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.COLUMNS)


class Sipp:
    """One running sipp."""

    def __init__(self, name, host, arguments, log_dir):
        self.stat_file = os.path.join(log_dir, f"{name}.csv")
        self.error_file = os.path.join(log_dir, f"{name}.errors")
        self.process = Process(name, host.argv(
            "sipp", *arguments, *COMMON, "-stf", self.stat_file, "-error_file", self.error_file),
            os.path.join(log_dir, f"{name}.out"), cwd=log_dir)

    def statistics(self):
        return Statistics.read(self.stat_file)


class Called(Sipp):
    """Answers calls on @address until stopped. @script: sipp's arguments, from one of the functions
    above."""

    def __init__(self, name, host, address, log_dir, script, port=addresses.SIP_PORT):
        self.address = address
        self.port = port
        super().__init__(name, host, [*script, "-i", address, "-p", str(port)], log_dir)

    def wait_ready(self):
        self.process.wait_for(
            lambda: self.process.udp_bound(addresses.proc_hex(self.address), self.port),
            READY_S, f"it is bound to {self.address}")

    def wait_ended(self, calls, timeout_s=60):
        """Until so many calls have ended, well or not; the statistics."""
        def enough():
            statistics = self.statistics()
            return statistics.answered + statistics.failed >= calls and statistics
        return self.process.wait_for(enough, timeout_s, f"{calls} calls have ended")


class Caller(Sipp):
    """Makes calls: @calls of them (0: until stopped) at @rate a second to @target."""

    def __init__(self, name, host, address, target, log_dir, script, calls=0, rate=200, port=5070,
                 user=None, keys=None, more=(), control_port=0):
        """@user: whom it calls. @keys: {name: text} for [name] in the scenario. @more: arguments.
        @control_port: where it hears pause()."""
        arguments = [*script, target,
                     "-i", address, "-p", str(port), "-r", str(rate), "-d", str(CALL_MS),
                     "-l", "3000", "-cid_str", f"%u-{name}-%p@lab", *more]
        if control_port:
            arguments += ["-ci", CONTROL_ADDRESS, "-cp", str(control_port)]
        if calls:
            arguments += ["-m", str(calls)]
        if user:
            arguments += ["-s", user]
        for key, text in (keys or {}).items():
            arguments += ["-key", key, text]
        self.name = name
        self.host = host
        self.control_port = control_port
        self.calls = calls
        self.rate = rate
        super().__init__(name, host, arguments, log_dir)

    def made(self, call_id):
        """Whether that is a call of this caller."""
        return re.fullmatch(rf"\d+-{self.name}-\d+@lab", call_id) is not None

    def lost(self):
        """Call-IDs of its calls that failed, as it names them."""
        try:
            with open(self.error_file, encoding="utf-8", errors="replace") as f:
                named = FAILED.findall(f.read())
        except FileNotFoundError:
            return set()  # it had nothing to tell
        return {aborted or silent for aborted, silent in named}

    def running(self):
        return self.process.running()

    def wait_started(self, calls=1):
        """Until so many calls were answered."""
        self.process.wait_for(lambda: self.statistics().answered >= calls, 60,
                              f"{calls} calls are answered")

    def pause(self):
        """No new calls, but go on after those under way have ended: whom it speaks with may not
        have ended yet."""
        with self.host.socket() as control:
            control.sendto(b"p", (CONTROL_ADDRESS, self.control_port))

    def finish(self):
        """No new calls; those under way go on to their end. Ask wait() for the result."""
        self.process.signal(10)  # SIGUSR1

    def wait(self, timeout_s=None):
        """Until all calls ended; the statistics. By default what the rate takes and 60 s more."""
        if timeout_s is None:
            timeout_s = 60 + self.calls / self.rate
        self.process.wait_exit(timeout_s)
        return self.statistics()
