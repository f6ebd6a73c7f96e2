# SPDX-License-Identifier: BSD-3-Clause
"""apply, confirm, rollback, history: configurations that come and go."""

import json
import os
import re
import signal
import stat
import subprocess

from rig import PATIENCE_S, expect, expect_equal, run_suites, until

THREE = b"      - {name: k3, address: 198.51.100.13, weight: 10}\n"


def text(r):
    with open(r.config, "rb") as f:
        return f.read()


def third(r, config=None):
    """The configuration with one member more."""
    return (config or text(r)).replace(b"      - {name: k2", THREE + b"      - {name: k2", 1)


def new_file(r, data):
    path = os.path.join(r.dir, "new.yaml")
    with open(path, "wb") as f:
        f.write(data)
    return path


def names(r):
    return [m["name"] for m in r.show("pools")["pools"][0]["members"]]


def history(r):
    return json.loads(r.good("history", "--json"))


def hows(r):
    return [row["how"] for row in history(r)["configurations"]]


def for_good_it_is_written(r):
    before = text(r)
    os.chmod(r.config, 0o640)
    out = r.good("apply", new_file(r, third(r)))
    expect("k3" in out and "generation" in out and "written to the configuration file" in out, out)
    expect_equal(names(r), ["k1", "k3", "k2"], "members")
    expect_equal(text(r), third(r, before), "the file")
    expect_equal(stat.S_IMODE(os.stat(r.config).st_mode), 0o640, "mode of the file")
    expect_equal(hows(r), ["start", "apply"], "history")
    expect_equal([name for name in os.listdir(r.dir) if name.startswith("strowger.yaml")],
                 ["strowger.yaml"], "files beside it")


def rollback_serves_the_one_before(r):
    out = r.good("rollback")
    expect("written to the configuration file" in out, out)
    expect_equal(names(r), ["k1", "k2"], "members")
    expect(THREE not in text(r), "the file still has k3")
    entry = next(row for row in history(r)["configurations"] if row["how"] == "apply")
    r.good("rollback", str(entry["id"]))
    expect_equal(names(r), ["k1", "k3", "k2"], "members of the older one")
    r.good("rollback")
    code, _, err = r.run("rollback", "4711")
    expect(code == 1 and "no configuration 4711" in err, err)
    expect_equal(r.run("rollback", "x")[0], 2, "exit code without a number")
    expect_equal(names(r), ["k1", "k2"], "members")


def what_waits_is_not_written_and_stays_when_confirmed(r):
    before = text(r)
    out = r.good("apply", new_file(r, third(r)), "--confirm", "10m")
    seconds = int(re.search(r"taken back in (\d+) s", out).group(1))
    expect(500 < seconds <= 601, out)
    expect_equal((names(r), text(r)), (["k1", "k3", "k2"], before), "members and file")
    code, _, err = r.run("apply", new_file(r, before))
    expect(code == 1 and "confirm it" in err, err)
    expect("waits" in r.good("history"), "history hides what waits")
    expect("confirmed" in r.good("confirm"), "confirm")
    expect_equal(text(r), third(r, before), "the file")
    code, _, err = r.run("confirm")
    expect(code == 1 and "No configuration waits" in err, err)
    r.good("rollback")


def what_is_not_confirmed_goes(r):
    before = text(r)
    r.good("apply", new_file(r, third(r)), "--confirm", "5s")
    expect_equal(names(r), ["k1", "k3", "k2"], "members")
    until(lambda: names(r) == ["k1", "k2"], "the configuration before to be back")
    expect_equal((text(r), history(r)["undone"]["why"]), (before, "it was not confirmed in time"),
                 "file and why")


def rollback_takes_back_what_waits(r):
    before = text(r)
    r.good("apply", new_file(r, third(r)), "--confirm", "60")
    r.good("rollback")
    expect_equal((names(r), text(r)), (["k1", "k2"], before), "members and file")
    expect_equal(history(r)["confirm_by_unix_s"], None, "what waits")


def rising_errors_take_it_back(r):
    number = r.members()["k1"]["number"]
    r.good("apply", new_file(r, third(r)), "--confirm", "3600")
    r.tell_fake(f"fail {number}")
    until(lambda: names(r) == ["k1", "k2"], "the configuration before to be back")
    why = history(r)["undone"]["why"]
    expect("errors rose: 50 of 100 requests" in why, why)
    expect("errors rose" in r.good("history"), "history")


def what_another_counted_under_a_number_is_no_error_of_now(r):
    """The new member gets a number after the configuration was taken, and that number's past:
    tables of a change before are still on their way to the data plane then."""
    numbers = {m["number"] for m in r.members().values()}
    for number in set(range(64)) - numbers:
        r.tell_fake(f"fail {number}")
    fresh = third(r).replace(b"name: k3", b"name: fresh").replace(b"198.51.100.13", b"198.51.100.77")
    r.tell_fake("wait")
    with in_background(r, "weight", "k1", "11"):
        until_waiting(r, 1)  # first, or it would be the apply's tables that are on their way
        with in_background(r, "apply", new_file(r, fresh), "--confirm", "3600") as apply:
            until_waiting(r, 2)
            expect_equal(r.members()["fresh"]["number"], None, "number before there are tables")
            r.tell_fake("accept")
            r.tell_fake("answer")
            expect_equal(apply.wait(PATIENCE_S), 0, "exit code of apply")
    given = until(lambda: r.members()["fresh"]["number"], "a number for it")
    expect(given not in numbers and given < 64, f"its number: {given}")
    n = looks(r)
    until(lambda: looks(r) > n + 2, "some looks at the counters")
    r.good("confirm")
    r.good("rollback")


YEAR_S = 366 * 86400


def a_clock_that_is_set_moves_no_deadline(r):
    """As NTP does it to a machine that booted without a battery."""
    before = text(r)
    r.stop()
    r.start_with_a_clock()
    until(r.linked, "the tables")
    r.good("apply", new_file(r, third(r)), "--confirm", "3600")
    for ahead_s in (2 * YEAR_S, -2 * YEAR_S):
        r.set_clock(ahead_s)
        n = looks(r)
        until(lambda: looks(r) > n + 2, "some looks at the deadline")
        expect("k3" in r.members(), f"taken back when the clock was set by {ahead_s} s")
    r.good("rollback")
    r.good("apply", new_file(r, third(r)), "--confirm", "5")
    r.set_clock(-20 * YEAR_S)
    until(lambda: "k3" not in r.members(), "the one before, though the clock was set back")
    expect("not confirmed in time" in r.good("history"), "history")
    expect_equal(text(r), before, "the file")
    # Not only deadlines: what is paced by spans, too.
    r.set_clock(0)
    expect("generation" in r.good("drain", "k1"), "a change is served")
    r.good("undrain", "k1")
    r.stop()
    r.start()
    until(r.linked, "the tables")


def until_waiting(r, n):
    until(lambda: r.show("status")["tables"]["changes_waiting"] == n, f"{n} changes to wait")


def in_background(r, *words):
    return subprocess.Popen([r.ctl_program, "--socket", r.api, *words],
                            stdout=subprocess.DEVNULL)


def looks(r):
    """How often control has looked at the counters, which it does once a second everywhere."""
    return len(r.call("GET", "/v1/traffic")[1]["points"])


def a_reload_wins_over_what_waits(r):
    before = text(r)
    r.good("apply", new_file(r, third(r)), "--confirm", "3600")
    r.good("reload")
    expect_equal(names(r), ["k1", "k2"], "members: those of the file")
    expect_equal(r.run("confirm")[0], 1, "confirm after a reload")
    expect_equal(text(r), before, "the file")


def a_bad_one_changes_nothing(r):
    generation, before, listed = r.linked(), text(r), hows(r)
    code, _, err = r.run("apply", new_file(r, third(r).replace(b"weight: 10", b"weight: ten")))
    expect(code == 1 and re.search(r"^/.*:\d+: .*weight", err, re.M), err)
    expect_equal((r.linked(), text(r), hows(r)), (generation, before, listed),
                 "generation, file, history")
    expect_equal(r.run("apply", new_file(r, b"\xff"))[0], 1, "not text")
    expect_equal(r.run("apply", os.path.join(r.dir, "nothing"))[0], 1, "no file")
    for body in (b"", b"{}", b'{"yaml": 1}', b'{"yaml": "", "confirm_s": 4}',
                 b'{"yaml": "", "confirm_s": 3601}', b'{"yaml": "", "confirm": 10}'):
        expect_equal(r.call("POST", "/v1/apply", body)[0], 400, f"status of {body!r}")
    for body in (b'{"to": 0}', b'{"to": "1"}', b'[]', b'{"at": 1}'):
        expect_equal(r.call("POST", "/v1/rollback", body)[0], 400, f"status of {body!r}")


def what_waits_dies_with_control(r):
    r.good("apply", new_file(r, third(r)), "--confirm", "3600")
    r.stop(signal.SIGKILL)
    r.start()
    until(r.linked, "the tables")
    expect_equal(names(r), ["k1", "k2"], "members: those of the file")


def the_last_twenty_are_kept(r):
    before = text(r)
    for weight in range(20, 45):
        r.good("apply", new_file(r, before.replace(b"weight: 10", b"weight: %d" % weight)))
    rows = history(r)["configurations"]
    ids = [row["id"] for row in rows]
    expect_equal((len(rows), ids), (20, sorted(ids)), "configurations kept")
    r.good("apply", new_file(r, text(r)))
    expect_equal([row["id"] for row in history(r)["configurations"]], ids, "the same one again")
    state = os.path.join(r.dir, "state")
    modes = {stat.S_IMODE(os.stat(os.path.join(state, name)).st_mode)
             for name in os.listdir(state) if name.startswith("history-")}
    expect_equal(modes, {0o600}, "modes of what is kept")


def a_file_that_is_a_link_stays_one(r):
    real = os.path.join(r.dir, "real.yaml")
    os.rename(r.config, real)
    os.symlink(real, r.config)
    r.good("apply", new_file(r, third(r)))
    expect(os.path.islink(r.config), "the link became a file")
    with open(real, "rb") as f:
        expect(THREE in f.read(), "the file behind the link")


if __name__ == "__main__":
    run_suites(({"fake": True},
                (for_good_it_is_written, rollback_serves_the_one_before,
                 what_waits_is_not_written_and_stays_when_confirmed, what_is_not_confirmed_goes,
                 rollback_takes_back_what_waits, rising_errors_take_it_back,
                 what_another_counted_under_a_number_is_no_error_of_now,
                 a_clock_that_is_set_moves_no_deadline,
                 a_reload_wins_over_what_waits, a_bad_one_changes_nothing,
                 what_waits_dies_with_control, the_last_twenty_are_kept,
                 a_file_that_is_a_link_stays_one)))
