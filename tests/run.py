#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds and runs every test; `make test` and .ci/run call it.

    tests/run.py [--only STAGE[,STAGE]] [--build DIR]

Stages, each with its own build tree where it needs one:
    fast       unit, rfc, model, fuzz-corpus replay, rcu, header checks
    address    unit, rfc, fuzz and rcu again under the address and undefined-behaviour sanitizers
    thread     rcu again under the thread sanitizer
    scenario   the lab: real calls through real peers, one lab at a time (root only)

Counts test cases (TAP lines), not programs. The last line is `N passed, N failed`, with
`, N skipped` when there were any; the exit code is 0 only if none failed.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TAIL_LINES = 40
GOOD_RESULTS = ("OK", "SKIP", "EXPECTEDFAIL")
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}

# Waits within a test give up after a minute or so and say what for; a test is ended only after that.
PATIENCE = 3

# name, build tree below the main one, meson options, suites, tests at a time
STAGES = [
    ("fast", ".", [], ["unit", "rfc", "model", "fuzz", "rcu", "headers"], 2),
    ("address", "asan", ["--buildtype=debugoptimized", "-Db_sanitize=address,undefined",
                         "-Db_lundef=false"], ["unit", "rfc", "fuzz", "rcu"], 2),
    ("thread", "tsan", ["--buildtype=debugoptimized", "-Db_sanitize=thread",
                        "-Db_lundef=false"], ["rcu"], 1),
    ("scenario", ".", [], ["scenario"], 1),
]

TAP_CASE = re.compile(r"^(not )?ok\b(?: (\d+))?(?: -)? ?([^#]*)(?:# *(SKIP|TODO)\b(.*))?",
                      re.IGNORECASE)


class Tally:
    """Cases by outcome, over all stages."""

    def __init__(self):
        self.passed = self.skipped = 0
        self.failed = []  # (where, name, output)

    def fail(self, where, name, output=""):
        self.failed.append((where, name, output))

    def line(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def say(text):
    print(f"== {text}", flush=True)


def command(argv, env=None):
    """Run with our own output; True when it ended well."""
    child = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL,
                             env={**os.environ, **(env or {})})
    try:
        return child.wait() == 0
    except BaseException:
        # Ctrl-C reached it too; a SIGTERM only us. It ends its tests, which remove their labs.
        child.send_signal(signal.SIGINT)
        child.wait()
        raise


def prepare(tree, options):
    """A configured build tree."""
    if os.path.exists(os.path.join(tree, "build.ninja")):
        return True
    return command(["meson", "setup", tree, ROOT, *options])


def parse_cases(stdout):
    """(good, name, skipped, comment lines) of each TAP case."""
    cases = []
    for line in stdout.splitlines():
        match = TAP_CASE.match(line)
        if match:
            word = (match.group(4) or "").upper()
            good = not match.group(1) or word == "TODO"
            cases.append((good, match.group(3).strip(), word == "SKIP", []))
        elif cases and line.startswith("#"):
            cases[-1][3].append(line)
    return cases


def tail(text):
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def count_test(tally, stage, record):
    """Add one test program's cases."""
    where = f"{stage}: {record['name']}"
    stdout, stderr = record.get("stdout") or "", record.get("stderr") or ""
    cases = parse_cases(stdout)
    n_failed = 0
    for good, name, skipped, comments in cases:
        if skipped:
            tally.skipped += 1
        elif good:
            tally.passed += 1
        else:
            n_failed += 1
            tally.fail(where, name, "\n".join(comments + [tail(stderr)]))
    if record["result"] not in GOOD_RESULTS:
        # cmocka writes a skipped case as `not ok N # SKIP name`, which meson takes for a failure.
        only_skipped = record["result"] == "FAIL" and any(case[2] for case in cases)
        if n_failed == 0 and not only_skipped:  # it crashed, hung, or stopped before its plan
            tally.fail(where, f"the program ({record['result']}, "
                       f"exit code {record.get('returncode')})", tail(stdout + stderr))
    elif not cases:
        if record["result"] == "SKIP" or "# SKIP" in stdout:
            tally.skipped += 1
        else:
            tally.passed += 1


def collect(tally, stage, tree, log_dir):
    """Read meson's log of a stage and keep it."""
    log = os.path.join(tree, "meson-logs", f"{stage}.json")
    try:
        with open(log, encoding="utf-8") as f:
            records = [json.loads(line) for line in f]
    except FileNotFoundError:
        tally.fail(stage, "no test log was written")
        return
    for record in records:
        count_test(tally, stage, record)
    if not records:
        tally.fail(stage, "no test ran")
    os.makedirs(log_dir, exist_ok=True)
    for suffix in ("json", "txt"):
        shutil.copy(os.path.join(tree, "meson-logs", f"{stage}.{suffix}"), log_dir)


def run_stage(tally, build, log_dir, stage, subdir, options, suites, n_processes):
    began = time.monotonic()
    tree = os.path.normpath(os.path.join(build, subdir))
    say(f"{stage}: {', '.join(suites)}")
    if not prepare(tree, options) or (subdir == "." and not command(["ninja", "-C", tree])):
        tally.fail(stage, "the build")
        return
    arguments = [argument for suite in suites for argument in ("--suite", suite)]
    if subdir == ".":
        arguments.append("--no-rebuild")  # else meson builds what the chosen tests need, no more
    log = os.path.join(tree, "meson-logs", f"{stage}.json")
    if os.path.exists(log):
        os.unlink(log)
    command(["meson", "test", "-C", tree, "--num-processes", str(n_processes),
             "--timeout-multiplier", str(PATIENCE), "--logbase", stage, *arguments],
            SANITIZER_ENV if options else None)
    collect(tally, stage, tree, log_dir)
    say(f"{stage}: {time.monotonic() - began:.0f} s; so far {tally.line()}")


def report(tally, log_dir):
    for where, name, output in tally.failed:
        print(f"\nFAILED {where}: {name}")
        for line in output.strip().splitlines():
            print(f"    {line}")
    print(f"\nlogs: {os.path.relpath(log_dir, ROOT)}")
    with open(os.path.join(log_dir, "summary"), "w", encoding="utf-8") as f:
        f.write(tally.line() + "\n")
    print(tally.line(), flush=True)


def end_on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser(description="Build and run the tests.")
    parser.add_argument("--only", help="stages, separated by commas: "
                        + ", ".join(stage[0] for stage in STAGES))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build tree")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [stage[0] for stage in STAGES]
    unknown = set(wanted) - {stage[0] for stage in STAGES}
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")

    signal.signal(signal.SIGTERM, end_on_signal)
    build = os.path.abspath(options.build)
    log_dir = os.path.join(build, "test-logs")
    tally = Tally()
    if prepare(build, []):
        for stage in STAGES:
            if stage[0] in wanted:
                run_stage(tally, build, log_dir, *stage)
    else:
        tally.fail("build", "meson setup")
    os.makedirs(log_dir, exist_ok=True)
    report(tally, log_dir)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
