# SPDX-License-Identifier: BSD-3-Clause
"""The machine under a benchmark: which core works, what is borrowed for a run, calibration."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

from lab import hugepages, registry  # noqa: E402


PROGRAMS = {
    "stw-bench-calibrate": "bench",
    "stw-bench-corpus": "bench/path",
    "stw-bench-hop": "bench",
    "stw-bench-location": "bench/micro",
    "stw-bench-parse": "bench/micro",
    "stw-bench-phones": "bench/registrar",
    "stw-bench-pieces": "bench/path",
    "stw-bench-recent": "bench/micro",
    "stw-bench-registrar": "bench/registrar",
    "stw-bench-rules": "bench/micro",
    "stw-bench-stages": "bench/path",
    "stw-bench-swaps": "bench/path",
    "stw-bench-tables": "bench/tables",
    "stw-bench-traffic": "bench/traffic",
}


def program(build, name):
    """Where the build put one of our programs."""
    path = pathlib.Path(build) / PROGRAMS[name] / name
    if not path.exists():
        raise FileNotFoundError(f"not built: {path}")
    return path


def worker_core():
    """The last CPU this process may use: interrupts and everybody else tend to be on the first."""
    return max(os.sched_getaffinity(0))


@contextlib.contextmanager
def stand_aside(core):
    """Keeps this process off the worker's core. Yields the CPUs it might have used."""
    before = os.sched_getaffinity(0)
    rest = before - {core}
    if rest:
        os.sched_setaffinity(0, rest)
    try:
        yield before
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def workspace(pages, namespaces=()):
    """A directory for the run and @pages hugepages of 2 MiB, if root runs this; both are given back,
    and @namespaces, which the caller may then make, are removed with what runs in them.

    They stand in the lab's registry, so that after a kill -9 the next lab or benchmark gives them
    back. Yields (directory, True when the pages are there).
    """
    if os.geteuid() != 0:
        with tempfile.TemporaryDirectory(prefix="strowger-bench-") as directory:
            yield pathlib.Path(directory), False
        return
    registry.reap()
    entry = registry.Entry(f"bench-{os.getpid()}", list(namespaces))
    directory = pathlib.Path(entry.data["run_dir"])
    try:
        directory.mkdir(mode=0o700, parents=True)
        registry.reserve(entry, pages)
        yield directory, hugepages.free() >= pages
    finally:
        registry.remove(entry)


@contextlib.contextmanager
def ends_cleanly():
    """SIGTERM ends a benchmark as Ctrl-C does: by an exception, so that everything is closed."""
    def stop(*_):
        raise KeyboardInterrupt
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def child(command):
    """@command so that it ends when this process does, however that happens."""
    return ["setpriv", "--pdeathsig", "TERM", "--", *map(str, command)]


def pin(core):
    """Puts this process on @core alone; used between fork and exec."""
    os.sched_setaffinity(0, {core})


def thread_seconds(pid):
    """{thread: (seconds it ran, seconds it waited for a core)} of process @pid."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        ran, waited, _ = (task / "schedstat").read_text().split()
        found[int(task.name)] = int(ran) / 1e9, int(waited) / 1e9
    return found


def calibrate(program, core):
    """How fast @core is just now; see bench/calibrate.c."""
    done = subprocess.run([program], capture_output=True, text=True, check=True,
                          preexec_fn=lambda: pin(core))
    result = json.loads(done.stdout)
    del result["check"]
    return result


def hop_ns(program, core, other):
    """How long a cache line takes from one core to the other just now; see bench/hop.c."""
    done = subprocess.run([program, str(core), str(other)], capture_output=True, text=True,
                          check=True, preexec_fn=lambda: os.sched_setaffinity(0, {core, other}))
    return json.loads(done.stdout)["hop_ns"]
