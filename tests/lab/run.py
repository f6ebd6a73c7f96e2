#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `make run` does: the lab with calls through it, watched live, or the user's own interfaces.

    run.py [--calls N] [--rate N] [--config FILE] [--build DIR] [--before]
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import Lab, LabError, strowger  # noqa: E402
from lab.process import ProcessDied  # noqa: E402
from lab.wait import WaitTimeout, wait_until  # noqa: E402

DEFAULT_RATE = 200
LINE_EVERY_S = 2
LAST_CALLS_S = 40  # longer than the sender of an INVITE tries (RFC 3261 s17.1.1.2: 32 s)


def say(text):
    print(text, flush=True)


class Screen:
    """Shows what happens until closed: `strowgerctl top` on a terminal, else lines."""

    def __init__(self, build_dir, socket, line):
        self.top = None
        self.line = line
        self.next_s = time.monotonic() + LINE_EVERY_S
        if sys.stdout.isatty():
            self.top = subprocess.Popen([strowger.program(build_dir, "ctl"), "--socket", socket,
                                         "top"])

    def refresh(self):
        if self.top is None and time.monotonic() >= self.next_s:
            self.next_s += LINE_EVERY_S
            say(self.line())

    def close(self):
        if self.top is not None:
            self.top.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.top.wait(5)
            if self.top.poll() is None:
                self.top.kill()
            self.top = None


def watch(screen, going_on):
    """Refresh until @going_on says no; True when it was Ctrl-C instead."""
    try:
        while going_on():
            screen.refresh()
            time.sleep(0.1)
        return False
    except KeyboardInterrupt:
        return True
    finally:
        screen.close()


def progress(began_s, caller):
    statistics = caller.statistics()
    return (f"{time.monotonic() - began_s:5.0f} s  sent {statistics.sent}  "
            f"answered {statistics.answered}  failed {statistics.failed}  "
            f"under way {statistics.current}")


def spread(balance):
    """Lines that tell how new calls spread over the members."""
    members = balance.members().values()
    total = sum(member.new_calls for member in members) or 1
    yield f"{'member':<10} {'address':<24} {'weight':>6} {'new calls':>10} {'share':>7}"
    for m in members:
        yield (f"{m.name:<10} {m.address:<24} {m.weight:>6} {m.new_calls:>10} "
               f"{100 * m.new_calls / total:>6.1f}%")


def finish(caller, balance, stopped):
    """Wait for the calls under way; the final statistics."""
    if stopped:
        say("\nstopping: no new calls, waiting for those under way (Ctrl-C again: at once)")
        caller.finish()
    wait_until(lambda: not (caller.running() and balance.alive()), LAST_CALLS_S,
               "the last calls to end")
    dead = balance.dead()
    if dead:
        raise ProcessDied(f"{dead.name} ended by itself with {dead.child.returncode}; "
                          f"its output ends:\n{dead.tail()}")
    return caller.statistics()


def run_lab(options):
    with Lab("run", build_dir=options.build) as lab:
        say("raising the lab: caller, balancer, two Kamailio proxies with sipp behind them")
        lab.start_farm()
        balance = lab.start_strowger()
        say(f"ready: {options.calls or 'endless'} calls at {options.rate} a second")
        began_s = time.monotonic()
        caller = lab.call(calls=options.calls, rate=options.rate)
        screen = Screen(options.build, balance.api_socket, lambda: progress(began_s, caller))
        stopped = watch(screen, lambda: caller.running() and balance.alive())
        statistics = finish(caller, balance, stopped)
        say(f"\ncalls: sent {statistics.sent}, answered {statistics.answered}, "
            f"failed {statistics.failed}")
        for line in spread(balance):
            say(line)
        good = (statistics.failed == 0 and statistics.answered == statistics.sent
                and statistics.sent > 0)
        if not good:
            lab.keep_logs = True
    return 0 if good else 1


def look_before(options):
    """What can be known before anything is built."""
    if options.calls < 0 or options.rate < 1:
        raise LabError("CALLS must be 0 (endless) or more, RATE 1 or more")
    if options.config:
        try:
            with open(options.config, encoding="utf-8") as f:
                f.read(1)
        except (OSError, UnicodeDecodeError) as error:
            raise LabError(f"CONFIG={options.config}: {getattr(error, 'strerror', error)}: name a "
                           "strowger.yaml; docs/examples has some to begin with") from error
    elif os.geteuid() != 0:
        raise LabError("the lab is made of network namespaces and interfaces, which needs root: "
                       "sudo make run")


def run_own(options):
    """Both processes on the user's own interfaces, in the foreground."""
    api_socket = strowger.api_socket_of(options.config)
    log_dir = os.path.join(options.build, "run-logs")
    shutil.rmtree(log_dir, ignore_errors=True)  # or a message of the run before is taken for ours
    os.makedirs(log_dir)
    with strowger.Pair(options.build, options.config, api_socket, log_dir) as pair:
        say(f"running with {options.config}; logs in {log_dir}; Ctrl-C stops")
        screen = Screen(options.build, api_socket, pair.summary)
        watch(screen, pair.alive)
        if not pair.alive():
            dead = pair.dead()
            say(f"{dead.name} ended with {dead.child.returncode}; its output ends:\n{dead.tail()}")
            return 1
    return 0


def end_on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_on_signal)
    parser = argparse.ArgumentParser(description="Run Strowger in the lab, or on your interfaces.")
    parser.add_argument("--calls", type=int, default=0, help="so many calls, then stop")
    parser.add_argument("--rate", type=int, default=DEFAULT_RATE, help="calls a second")
    parser.add_argument("--config", help="run on your own interfaces with this strowger.yaml")
    parser.add_argument("--build", default="build", help="build tree")
    parser.add_argument("--before", action="store_true",
                        help="only look whether it can be done, before anything is built")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    try:
        look_before(options)
        if options.before:
            return 0
        return run_own(options) if options.config else run_lab(options)
    except (LabError, ProcessDied, WaitTimeout, FileNotFoundError, RuntimeError) as error:
        say(f"cannot go on: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
