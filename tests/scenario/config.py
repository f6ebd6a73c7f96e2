# SPDX-License-Identifier: BSD-3-Clause
"""Configurations that must be refused: messages name file, line and cure, and what runs stays."""

import json
import os
import subprocess

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_equal, need_root,
                     wait_until)
from lab import strowger

# name, text to replace, its replacement, words the message must have; the line is found by the test
FAULTS = [
    ("unknown_key", "    twin: ", "    twyn: ", ["twyn"]),
    ("duplicate_member", "name: k2v4", "name: k1v4", ["k1v4"]),
    ("unusable_address", "192.0.2.1:5060", "192.0.2.77:5060", ["192.0.2.77"]),
    ("port_out_of_range", "198.51.100.11:5060", "198.51.100.11:70000", ["70000"]),
    ("weight_out_of_range", "weight: 10}", "weight: 70000}", ["70000"]),
    ("unknown_pool", "pool: farm4", "pool: nowhere", ["nowhere"]),
    ("not_yaml", "pools:", "pools: [", []),
]


def check(balance, path):
    """strowger-control --check PATH: (exit code, messages)."""
    done = subprocess.run([strowger.program(balance.build_dir, "control"), "--check", path],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def bad_file(balance, good, old, new):
    """A copy of the good configuration with one fault; (path, line of the fault)."""
    at = good.index(old)
    path = os.path.join(balance.run_dir, "bad.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(good[:at] + new + good[at + len(old):])
    return path, good.count("\n", 0, at) + 1


def check_refuses(balance, good, fault):
    name, old, new, words = fault
    path, line = bad_file(balance, good, old, new)
    code, text = check(balance, path)
    expect(code != 0, f"--check accepted {name}")
    if name != "not_yaml":  # the syntax error shows where the parser noticed, which may be later
        expect(f"bad.yaml:{line}: " in text, f"no line {line} in: {text}")
    expect(all(word in text for word in words), f"{words} not named in: {text}")


def reload_refuses(lab, balance, good, fault):
    """The running configuration stays, and goes on serving calls."""
    _, old, new, words = fault
    before = balance.generation(), balance.members()
    path, _ = bad_file(balance, good, old, new)
    os.replace(path, balance.config_file)
    code, text = balance.ctl("reload", check=False)
    expect(code != 0, "a bad configuration was accepted")
    expect(all(word in text for word in words), f"{words} not named in: {text}")
    expect_equal(balance.generation(), before[0], "generation")
    expect_equal(sorted(balance.members()), sorted(before[1]), "members")
    caller = lab.call(calls=100, rate=100)
    expect_all_answered(caller, caller.wait())


def log_lines(balance, name):
    with open(getattr(balance, name).log, encoding="utf-8") as f:
        return f.read().splitlines()


def logs_more(balance):
    code, text = balance.ctl("log-level", "loud", check=False)
    expect(code == 1 and "debug" in text, f"an unknown level: {code} {text}")
    expect("level=debug" not in "\n".join(log_lines(balance, "dataplane")), "debug unasked for")
    balance.ctl("log-level", "debug")
    expect_equal(json.loads(balance.ctl("show", "log", "--json")[1])["level"], "debug", "level")
    # New neighbours come and go in the lab; a new FIB is told at debug.
    balance.host.ip("neigh", "replace", addresses.CALLER[4][:-1] + "99", "lladdr",
                    "02:00:00:00:00:99", "dev", balance.host.links()[-1])
    wait_until(lambda: any("level=debug" in line for line in log_lines(balance, "dataplane")), 60,
               "the data plane to log at debug")


def logs_as_the_file_says(balance, good):
    text = good.replace("control:\n", "control:\n  log_format: json\n  log_level: warn\n", 1)
    with open(balance.config_file, "w", encoding="utf-8") as f:
        f.write(text)
    balance.ctl("reload")
    told = json.loads(balance.ctl("show", "log", "--json")[1])
    expect_equal((told["level"], told["format"]), ("warn", "json"), "level and format")
    balance.control.stop()  # the data plane mentions that, at info
    balance.start_control()
    balance.wait_control()
    balance.dataplane.kill()
    wait_until(lambda: any(line.startswith("{") for line in log_lines(balance, "control")), 60,
               "control to warn, as JSON, that the data plane is lost")
    for line in log_lines(balance, "control"):
        if line.startswith("{"):
            expect_equal(json.loads(line)["level"], "warn", "level")
    expect("control disconnected" not in log_lines(balance, "dataplane")[-1], "info was logged")


def main():
    need_root()
    with Tap() as tap, Lab("config", tap=tap) as lab:
        lab.start_farm()
        balance = lab.start_strowger()
        with open(balance.config_file, encoding="utf-8") as f:
            good = f.read()
        with tap.case("check_accepts_the_running_configuration"):
            code, text = check(balance, balance.config_file)
            expect_equal(code, 0, f"exit code of --check ({text})")
        for fault in FAULTS:
            with tap.case(f"check_refuses_{fault[0]}_with_its_line"):
                check_refuses(balance, good, fault)
        with tap.case("reload_of_a_bad_configuration_keeps_the_running_one"):
            reload_refuses(lab, balance, good, FAULTS[0])
        with tap.case("reload_of_a_mended_configuration_is_accepted"):
            lab.configure()
            balance.ctl("reload")
        with tap.case("both_processes_log_more_when_asked_to"):
            logs_more(balance)
        with tap.case("a_reload_makes_both_log_as_the_file_says"):
            logs_as_the_file_says(balance, good)


main()
