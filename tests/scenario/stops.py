# SPDX-License-Identifier: BSD-3-Clause
"""`make run` is stopped in the middle of calls, in every way there is. Nothing stays behind."""

import glob
import os
import shutil
import signal
import subprocess

from _common import Tap, expect, expect_equal, need_root, wait_until
from lab import hugepages, netns, registry
from lab.lab import TESTS_DIR, default_build_dir
from lab.sipp import Statistics

RUN = os.path.join(TESTS_DIR, "lab", "run.py")
LOG = os.path.join(default_build_dir(), "test-logs", "stops.log")


class Run:
    """`make run`, as a child that others stop."""

    def __init__(self, *arguments):
        os.makedirs(os.path.dirname(LOG), exist_ok=True)
        with open(LOG, "ab") as log:
            self.child = subprocess.Popen(
                ["/usr/bin/python3", RUN, "--build", default_build_dir(), *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.id = f"stw{self.child.pid}"

    def log_dir(self):
        return os.path.join(default_build_dir(), "test-logs", f"run-{self.id}")

    def entry(self):
        found = [e for e in registry.entries() if e.data["id"] == self.id]
        return found[0] if found else None

    def namespace(self, role):
        return f"{self.id}-{role}"

    def calls_flow(self):
        """sipp's statistics are there and tell of answered calls."""
        if self.child.poll() is not None:
            raise RuntimeError(f"make run ended with {self.child.returncode}; see {LOG}")
        files = glob.glob(f"{self.log_dir()}/caller*.csv")
        return any(Statistics.read(path).answered > 50 for path in files)


def dpdk_files(pids):
    """What DPDK leaves outside any lab, by the pid in its name: hugepage files, directories."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        mounts = [line.split()[1] for line in f if line.split()[2] == "hugetlbfs"]
    return [path for directory in (*mounts, "/var/run/dpdk") for pid in pids
            for path in glob.glob(f"{directory}/strowger-{pid}*")
            if not os.path.basename(path).removeprefix(f"strowger-{pid}")[:1].isdigit()]


def pages_of_nobody():
    """Reserved hugepages that no lab has claimed; other labs may come and go meanwhile."""
    with registry.lock():
        return hugepages.total() - sum(e.data["hugepages"] for e in registry.entries())


def leftovers(run, pids):
    """What of a lab can be found on this machine."""
    found = [f"namespace {name}" for name in (run.namespace(role)
             for role in ("caller", "balancer", "farm")) if netns.exists(name)]
    found += [f"process {pid}" for pid in pids if os.path.exists(f"/proc/{pid}")]
    found += [f"file {path}" for path in glob.glob(f"{registry.DIR}/{run.id}*")]
    found += [f"interface {name}" for name in os.listdir("/sys/class/net")
              if name.startswith(run.id)]
    return found


def calls_flow(run):
    """When @stop comes: in the middle of calls."""
    wait_until(run.calls_flow, 60, "calls to flow")


def half_raised(run):
    """When @stop comes: the first proxy is being started, and there is no balancer yet."""
    wait_until(lambda: any(name_of(pid) == "kamailio" for pid in netns.pids(run.namespace("farm"))),
               60, "a proxy in the farm")


def name_of(pid):
    """As the kernel cuts it, to 15 bytes."""
    return read(f"/proc/{pid}/comm").strip()


def stop_leaves_nothing(stop, when=calls_flow):
    """@stop gets the running Run; afterwards all of it must go away by itself."""
    pages_before = pages_of_nobody()
    run = Run("--rate", "200")
    when(run)
    pids = [pid for role in ("caller", "balancer", "farm")
            for pid in netns.pids(run.namespace(role))]
    expect(pids, "no process in the lab")
    stop(run, pids)
    run.child.wait(120)
    wait_until(lambda: not leftovers(run, pids), 60,
               f"nothing to be left; there is {leftovers(run, pids)}")
    wait_until(lambda: pages_of_nobody() <= pages_before, 60,
               f"no more than the {pages_before} hugepages that were reserved before")
    expect_equal(dpdk_files(pids), [], "files of DPDK")
    shutil.rmtree(run.log_dir(), ignore_errors=True)
    return run.child.returncode


def by_signal(number):
    return lambda run, pids: run.child.send_signal(number)


def by_killing_a_process(name):
    """kill -9 of one process of the lab; the run itself is then stopped by Ctrl-C."""
    def stop(run, pids):
        victims = [pid for pid in pids if name_of(pid) == name]
        expect_equal(len(victims), 1, f"processes called {name}")
        os.kill(victims[0], signal.SIGKILL)
        run.child.send_signal(signal.SIGINT)
    return stop


def watchdog_and_all(run, _pids):
    """Both the run and its watchdog are killed; the next lab to start clears up."""
    watchdogs = [int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/cmdline")
                 if run.entry().path in read(path)]
    for pid in watchdogs:
        os.kill(pid, signal.SIGKILL)
    expect(watchdogs, "no watchdog found")
    run.child.kill()
    run.child.wait()
    expect(run.entry() is not None, "somebody else cleared up")
    registry.reap()


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def main():
    need_root()
    with Tap() as tap:
        with tap.case("stop_by_ctrl_c_in_the_middle_leaves_nothing_and_reports_success"):
            expect_equal(stop_leaves_nothing(by_signal(signal.SIGINT)), 0, "exit code")
        with tap.case("stop_by_sigterm_of_a_half_raised_lab_leaves_nothing"):
            stop_leaves_nothing(by_signal(signal.SIGTERM), half_raised)
        with tap.case("kill_9_of_a_half_raised_lab_leaves_nothing"):
            stop_leaves_nothing(by_signal(signal.SIGKILL), half_raised)
        with tap.case("stop_by_sigterm_in_the_middle_leaves_nothing"):
            stop_leaves_nothing(by_signal(signal.SIGTERM))
        with tap.case("kill_9_of_the_run_leaves_nothing"):
            stop_leaves_nothing(by_signal(signal.SIGKILL))
        with tap.case("kill_9_of_the_dataplane_leaves_nothing"):
            stop_leaves_nothing(by_killing_a_process("strowger-datapl"))
        with tap.case("kill_9_of_control_leaves_nothing"):
            stop_leaves_nothing(by_killing_a_process("strowger-contro"))
        with tap.case("kill_9_of_run_and_watchdog_is_cleared_by_the_next_lab"):
            stop_leaves_nothing(watchdog_and_all)


main()
