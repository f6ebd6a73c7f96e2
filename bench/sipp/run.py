#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Level (e), whole calls by sipp, correct to the last message: one sipp calls through the balancer, two
answer as its members (INVITE, 180, 200, ACK, BYE, 200; each call lasts 300 ms). The rate rises until
sipp no longer makes the calls it is asked for, or one fails; just below, a longer run must be without
a failed call, an unexpected message or a lost one. It proves correctness; the limit is sipp's, which is one
process on one thread a side, with the cores shared by all of this.

The lab changes signals and priorities of the process it runs in, so it gets one of its own.

  bench/sipp/run.py --build build [--quick]      prints progress, then a line of JSON
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

import machine  # noqa: E402
from lab import addresses, sipp  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.wait import WaitTimeout, wait_until  # noqa: E402
from measure import HIGHER, metric, quantity, reason  # noqa: E402

START_CPS = 500
STEP = 1.5
STEPS_MAX = 7  # up to 500 * 1.5^6, over 5000 calls a second
KEEPS_UP = 0.95  # of the rate that was asked for
BEGIN_S = 0.5  # until sipp is there
DOWN = 0.85
CONFIRMS_MAX = 6
STATISTICS_S = 30  # until sipp has written of the last call, once a second
LAST_CALLS_S = 60  # beyond what the calls themselves take


class Step:
    """What came of some calls at one rate."""

    def __init__(self, rate, calls, seconds, statistics, called):
        self.rate = rate
        self.calls = calls
        self.seconds = seconds
        self.answered = statistics.answered
        self.failed = statistics.failed
        self.unexpected = statistics.unexpected + sum(c["unexpected"] for c in called)
        self.retransmissions = statistics.retransmissions
        self.taken = sum(c["answered"] for c in called)

    def wrong(self):
        """Calls or messages that were not as they must be; 0 when all is well."""
        return self.failed + self.unexpected + (self.calls - self.answered) + \
            abs(self.calls - self.taken)

    def keeps_up(self):
        return self.seconds <= self.calls / self.rate / KEEPS_UP + BEGIN_S


def search(attempt, step_s, confirm_s, steps_max=STEPS_MAX):
    """
    (steps, the Step that counts): the highest rate of which sipp made all calls in time, confirmed by a
    longer run. @attempt: (rate, seconds) -> Step.
    """
    steps, best, rate = [], None, START_CPS
    for _ in range(steps_max):
        step = attempt(rate, step_s)
        steps.append(step)
        if step.wrong() or not step.keeps_up():
            break
        best = rate
        rate *= STEP
    rate = best or START_CPS * DOWN
    for _ in range(CONFIRMS_MAX):
        confirmed = attempt(rate, confirm_s)
        steps.append(confirmed)
        if not confirmed.wrong() and confirmed.keeps_up():
            break
        rate *= DOWN
    return steps, confirmed


class Calls:
    def __init__(self, lab):
        self.lab = lab
        script = sipp.from_file("uas.xml", lab.run_dir)
        self.called = [sipp.Called(f"member{i}", lab.farm, proxy[4], lab.log_dir, script)
                       for i, proxy in enumerate(addresses.PROXIES)]
        lab.processes += [called.process for called in self.called]
        for called in self.called:
            called.wait_ready()
        # sipp would take a probe for a call that goes wrong.
        lab.start_strowger(pool=["health: {probes: false}"])

    def ended(self):
        return [{"answered": s.answered, "unexpected": s.unexpected}
                for s in (called.statistics() for called in self.called)]

    def attempt(self, rate, seconds):
        calls = int(rate * seconds)
        before = self.ended()
        start = time.monotonic()
        caller = self.lab.call(calls=calls, rate=int(rate))
        wait_until(lambda: not caller.running(), seconds * 3 + LAST_CALLS_S, "the calls to end")
        took = time.monotonic() - start - sipp.CALL_MS / 1000
        statistics = caller.statistics()

        def since():
            return [{name: after[name] - was[name] for name in after}
                    for was, after in zip(before, self.ended())]
        try:
            wait_until(lambda: sum(c["answered"] for c in since()) >= statistics.answered,
                       STATISTICS_S, "the called sides' statistics")
        except WaitTimeout:
            pass  # then a call is missing, and it will be told
        step = Step(rate, calls, took, statistics, since())
        print(f"sipp: {rate:.0f} calls/s asked, {calls / took:.0f} made, {step.failed} failed, "
              f"{step.wrong()} wrong", flush=True)
        return step


def measure(build, quick):
    with Lab("bench-sipp", build_dir=str(build)) as lab:
        calls = Calls(lab)
        steps, confirmed = search(calls.attempt, *((1, 2, 0) if quick else (4, 15)))
        ledger = lab.balance.ledger_at_rest()
    return {"calls_per_s": confirmed.calls / confirmed.seconds, "calls": confirmed.calls,
            "asked_per_s": confirmed.rate, "wrong": confirmed.wrong(),
            "retransmissions": confirmed.retransmissions, "ledger": {**vars(ledger)},
            "steps": [vars(step) for step in steps]}


def run(build, quick, progress):
    """Its part of the report."""
    command = machine.child([sys.executable, __file__, "--build", build])
    process = subprocess.Popen(command + (["--quick"] if quick else []), stdout=subprocess.PIPE,
                               text=True)
    found = None
    try:
        for line in process.stdout:
            if line.startswith("{"):
                found = json.loads(line)
            else:
                progress.say(line.rstrip())
    finally:
        process.terminate()
        process.wait()
    return taken(found, process.returncode)


def taken(found, end):
    """The measured calls of the program's last line, as the report has them."""
    if found is None:
        raise RuntimeError(f"no calls were measured: it ended with {end}")
    if "failed" in found:
        raise RuntimeError(found["failed"])
    found["calls_per_s"] = metric([found["calls_per_s"]], "1/s", HIGHER)
    return found


def summary(found):
    yield (f"sipp                {quantity(found['calls_per_s']['median'], '1/s')} whole calls, "
           f"{found['calls']} in all, {found['wrong']} calls or messages wrong; the limit is sipp's")


def main():
    parser = argparse.ArgumentParser(description="whole calls by sipp, at the rate it can make")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    try:
        found = measure(args.build.resolve(), args.quick)
    except Exception as error:  # who started this puts it into the report
        traceback.print_exc()
        found = {"failed": reason(error)}
    print(json.dumps(found), flush=True)
    return 1 if "failed" in found else 0


if __name__ == "__main__":
    sys.exit(main())
