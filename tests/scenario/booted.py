# SPDX-License-Identifier: BSD-3-Clause
"""The units under a systemd that booted: what `make install` brings, started, watched, restarted,
reloaded and stopped as a machine's service manager does it."""

import os
import re
import sys
import time

from _common import Tap, expect, expect_equal, need_root, wait_until
from lab.lab import default_build_dir
from lab.machine import Machine, run
from support.tap import Skip, skip_all

DATAPLANE, CONTROL = UNITS = ("strowger-dataplane.service", "strowger-control.service")
CONFIG = "/etc/strowger/strowger.yaml"
TEXT = """
dataplane: {cores: [%d], hugepages: no, memory_mb: 64, mbufs: 4096}
ports:
  - {name: lan, device: "net_af_xdp0,iface=eth0", kernel: shared}
listeners:
  - {name: edge, address: 192.0.2.10, pool: farm}
pools:
  - {name: farm, members: [{name: k1, address: 192.0.2.11}]}
"""
AWAIT_S = 60


def install(machine):
    """`make install`, then the two commands that people run once."""
    run("env", f"DESTDIR={machine.path}", "meson", "install", "-C", default_build_dir(),
        "--no-rebuild", "--quiet")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemd-sysusers")
    machine.run("systemd-tmpfiles", "--create", "strowger.conf")


def wire(machine):
    """An ordinary interface with a cable to nowhere."""
    machine.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far0")
    machine.run("ip", "addr", "add", "192.0.2.10/24", "dev", "eth0")
    for interface in ("lo", "eth0", "far0"):
        machine.run("ip", "link", "set", interface, "up")


def configure(machine, text):
    machine.write(CONFIG, text, 0o640)
    machine.run("chown", "root:strowger", CONFIG)


def show(machine, unit, *keys):
    """Properties of a unit."""
    lines = machine.run("systemctl", "show", unit, "-p", ",".join(keys)).stdout.splitlines()
    values = dict(line.split("=", 1) for line in lines)
    return values[keys[0]] if len(keys) == 1 else [values[key] for key in keys]


def journal(machine, unit):
    return machine.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout


def generation(machine):
    done = machine.run("strowgerctl", "show", "version", "--json", check=False)
    found = re.search(r'"generation": ?(\d+)', done.stdout)
    return int(found.group(1)) if done.returncode == 0 and found else 0


def await_service(machine, what):
    """The journal is the message when it does not come."""
    try:
        wait_until(lambda: generation(machine) > 0, AWAIT_S, what)
    except Exception as error:
        raise RuntimeError("\n".join(journal(machine, unit)[-2000:] for unit in UNITS)) from error


def unconfigured(machine):
    machine.run("systemctl", "start", *UNITS)
    for unit in UNITS:
        expect_equal(show(machine, unit, "ActiveState", "ConditionResult"), ["inactive", "no"], unit)


def starts_in_order(machine):
    """Control's start pulls the data plane, which is ready before control's process begins."""
    configure(machine, TEXT % max(os.sched_getaffinity(0)))
    done = machine.run("systemctl", "start", CONTROL, check=False)
    expect_equal(done.returncode, 0, f"start: {done.stdout}"
                 + "".join(journal(machine, unit)[-2000:] for unit in UNITS))
    # Type=notify: systemctl came back because both have said READY=1.
    for unit in UNITS:
        expect_equal(show(machine, unit, "ActiveState", "SubState", "Type"),
                     ["active", "running", "notify"], unit)
    expect(machine.exists("/run/strowger/dataplane.sock"), "ready, but its socket is not there")
    machine.run("strowgerctl", "show", "version")  # ready: answers at once
    ready = int(show(machine, DATAPLANE, "ActiveEnterTimestampMonotonic"))
    began = int(show(machine, CONTROL, "ExecMainStartTimestampMonotonic"))
    expect(ready <= began, f"data plane ready at {ready}, control begun at {began}")
    await_service(machine, "tables to be served")


def status(machine, unit):
    """/proc/PID/status of a unit's main process."""
    pid = show(machine, unit, "MainPID")
    rows = machine.run("cat", f"/proc/{pid}/status").stdout.splitlines()
    return dict(row.split(":\t", 1) for row in rows if ":\t" in row)


def hardening_holds(machine):
    """What the units take away is gone from processes that do their work nonetheless."""
    for unit, caps in ((DATAPLANE, 6), (CONTROL, 1)):
        found = status(machine, unit)
        expect(found["Uid"].split()[0] != "0", f"{unit} runs as root")
        expect_equal(found["NoNewPrivs"], "1", f"NoNewPrivs of {unit}")
        expect_equal(found["Seccomp"], "2", f"Seccomp of {unit}")
        expect_equal(bin(int(found["CapBnd"], 16)).count("1"), caps, f"capabilities of {unit}")
    ports = machine.run("strowgerctl", "show", "ports").stdout
    expect("eth0" in ports, f"ports: {ports}")
    listing = machine.run("stat", "-c", "%a %U %G", "/run/strowger").stdout.strip()
    expect_equal(listing, "750 strowger strowger", "/run/strowger")


def reloads(machine):
    before = generation(machine)
    configure(machine, TEXT.replace("k1", "k9") % max(os.sched_getaffinity(0)))
    machine.run("systemctl", "reload", CONTROL)
    expect("k9" in machine.run("strowgerctl", "show", "members").stdout, "the file was not read")
    wait_until(lambda: generation(machine) > before, AWAIT_S, "the next generation")
    configure(machine, "listeners: 7\n")
    expect(machine.run("systemctl", "reload", CONTROL, check=False).returncode != 0,
           "a broken file was taken")
    expect("k9" in machine.run("strowgerctl", "show", "members").stdout, "what ran is gone")
    configure(machine, TEXT % max(os.sched_getaffinity(0)))
    machine.run("systemctl", "reload", CONTROL)


def await_restart(machine, unit, before):
    """Another process of @unit, ready, and service as before."""
    def again():
        pid, state, restarts = show(machine, unit, "MainPID", "ActiveState", "NRestarts")
        return state == "active" and pid not in ("0", before[0]) and int(restarts) > int(before[1])
    wait_until(again, AWAIT_S, f"{unit} to be started again")
    await_service(machine, "tables to be served again")


def comes_back_after_a_kill(machine, unit):
    other = CONTROL if unit == DATAPLANE else DATAPLANE
    before, others = show(machine, unit, "MainPID", "NRestarts"), show(machine, other, "MainPID")
    machine.run("kill", "-9", before[0])
    await_restart(machine, unit, before)
    expect_equal(show(machine, other, "MainPID"), others, f"process of {other}")


def comes_back_when_it_hangs(machine, unit):
    """A stopped process gives no sign of life. The unit's own patience would be a long test."""
    machine.write(f"/run/systemd/system/{unit}.d/patience.conf", "[Service]\nWatchdogSec=5\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", unit)
    await_service(machine, "tables to be served")
    before = show(machine, unit, "MainPID", "NRestarts")
    machine.run("kill", "-STOP", before[0])
    await_restart(machine, unit, before)
    wait_until(lambda: "Watchdog timeout" in journal(machine, unit), AWAIT_S,
               "the journal to tell of the watchdog")
    os.unlink(f"{machine.path}/run/systemd/system/{unit}.d/patience.conf")
    machine.run("systemctl", "daemon-reload")


PAUSE_S = 2  # between a start that failed and the next, by the unit


def failed_starts(machine, n):
    """Wait for the start number @n of those that fail, and see that they do not storm."""
    wait_until(lambda: int(show(machine, DATAPLANE, "NRestarts")) > 0, AWAIT_S, "a failed start")
    seen, began = int(show(machine, DATAPLANE, "NRestarts")), time.monotonic()
    wait_until(lambda: int(show(machine, DATAPLANE, "NRestarts")) > n, AWAIT_S, "failed starts")
    took_s, starts = time.monotonic() - began, int(show(machine, DATAPLANE, "NRestarts")) - seen
    expect(took_s >= PAUSE_S * (starts - 2), f"{starts} starts within {took_s:.1f} s")


def waits_for_a_late_interface(machine):
    """More failed starts than systemd bears by default, then the interface comes."""
    machine.run("systemctl", "stop", *UNITS)
    for command in (("set", "eth0", "down"), ("set", "eth0", "name", "late0")):
        machine.run("ip", "link", *command)
    machine.run("systemctl", "start", "--no-block", *UNITS)
    failed_starts(machine, 6)
    for command in (("set", "late0", "name", "eth0"), ("set", "eth0", "up")):
        machine.run("ip", "link", *command)
    await_service(machine, "tables to be served")


def stops(machine):
    """In reverse order, with exit code 0; nothing stays but the folder."""
    machine.run("systemctl", "stop", *UNITS)
    for unit in UNITS:
        expect_equal(show(machine, unit, "ActiveState", "Result", "ExecMainStatus"),
                     ["inactive", "success", "0"], f"{unit}\n{journal(machine, unit)[-1500:]}")
    gone = [int(show(machine, unit, key)) for unit, key in
            ((CONTROL, "InactiveEnterTimestampMonotonic"), (DATAPLANE, "ActiveExitTimestampMonotonic"))]
    expect(gone[0] <= gone[1], f"control gone at {gone[0]}, the data plane told at {gone[1]}")
    links = machine.run("ip", "-o", "-d", "link", "show").stdout
    expect_equal(sorted(re.findall(r"^\d+: ([^:@]+)", links, re.MULTILINE)),
                 ["eth0", "far0", "lo"], "interfaces")
    expect("xdp" not in links, "an XDP program is left")
    running = machine.run("ps", "-e", "-o", "args").stdout
    expect("strowger-" not in running, f"running: {running}")
    left = os.listdir(f"{machine.path}/run/strowger")
    expect_equal([name for name in left if name.endswith(".sock")], [], "sockets")


def refuses_a_broken_file(machine):
    """A start says why in the journal."""
    configure(machine, "listeners: 7\n")
    expect(machine.run("systemctl", "start", CONTROL, check=False).returncode != 0, "it started")
    wait_until(lambda: f"{CONFIG}:1" in journal(machine, CONTROL), AWAIT_S,
               "the journal to say where")


def main():
    need_root()
    if os.environ.get("STW_PRIVATE_MOUNTS") != "yes":
        os.environ["STW_PRIVATE_MOUNTS"] = "yes"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              *sys.argv])
    machine = Machine()
    try:
        machine.__enter__()
    except Skip as why:
        skip_all(why)
    with Tap() as tap:
        try:
            run_cases(tap, machine)
        finally:
            machine.__exit__()


def run_cases(tap, machine):
    install(machine)
    wire(machine)
    with tap.case("unconfigured_units_do_not_start"):
        unconfigured(machine)
    with tap.case("start_is_in_order_and_ready_means_ready"):
        starts_in_order(machine)
    with tap.case("hardened_units_work"):
        hardening_holds(machine)
    with tap.case("reload_takes_a_file_and_keeps_what_runs_when_it_is_broken"):
        reloads(machine)
    for unit in UNITS:
        with tap.case(f"{unit.split('.')[0]}_comes_back_after_kill_9"):
            comes_back_after_a_kill(machine, unit)
        with tap.case(f"{unit.split('.')[0]}_comes_back_when_it_hangs"):
            comes_back_when_it_hangs(machine, unit)
    with tap.case("an_interface_may_come_late"):
        waits_for_a_late_interface(machine)
    with tap.case("stop_is_in_reverse_order_and_leaves_nothing"):
        stops(machine)
    with tap.case("a_broken_file_is_named_in_the_journal"):
        refuses_a_broken_file(machine)


main()
