# SPDX-License-Identifier: BSD-3-Clause
"""Changes, reloads, deaths and counters with a fake data plane that does as told."""

import re
import signal
import subprocess

from rig import MEMBERS, PATIENCE_S, expect, expect_equal, run_suites, until


def changes_answer_when_they_are_served(r):
    before = r.linked()
    out = r.good("drain", "k1")
    expect_equal(out, f"k1 in farm: up -> drain, generation {before + 1}\n", "drain")
    expect_equal(r.members()["k1"]["pools"][0]["asked"], "drain", "asked")
    expect_equal(r.good("drain", "k1"), f"nothing changes, generation {before + 1}\n", "again")
    out = r.good("undrain", "k1", "--pool", "farm")
    expect_equal(out, f"k1 in farm: drain -> up, generation {before + 2}\n", "undrain")
    expect_equal(r.members()["k1"]["pools"][0]["overridden_unix_s"], None, "override after undrain")
    out = r.good("weight", "k2", "40")
    expect_equal(out, f"k2 in farm: weight 10 -> 40, generation {before + 3}\n", "weight")
    shares = {m["name"]: m["share"] for m in r.show("pools")["pools"][0]["members"]}
    expect_equal(shares, {"k1": 0.2, "k2": 0.8}, "shares")
    r.good("weight", "k2", "10")


def change_waits_for_the_acknowledgement(r):
    before = r.linked()
    r.tell_fake("wait")
    with subprocess.Popen([r.ctl_program, "--socket", r.api, "drain", "k2"],
                          stdout=subprocess.PIPE, text=True) as drain:
        until(lambda: r.show("status")["tables"]["changes_waiting"] == 1, "the change to be sent")
        # Others are answered meanwhile, and the change is not.
        expect_equal(r.linked(), before, "generation served")
        expect(drain.poll() is None, "answered before it was served")
        r.tell_fake("accept")
        r.tell_fake("answer")
        out = drain.communicate(timeout=PATIENCE_S)[0]
    expect_equal(out, f"k2 in farm: up -> drain, generation {before + 1}\n", "drain")
    r.good("undrain", "k2")


def change_in_flight_is_pending_when_the_data_plane_dies(r):
    r.tell_fake("wait")
    with subprocess.Popen([r.ctl_program, "--socket", r.api, "drain", "k2"],
                          stdout=subprocess.PIPE, text=True) as drain:
        until(lambda: r.show("status")["tables"]["changes_waiting"] == 1, "the change to be sent")
        r.tell_fake("restart")
        out = drain.communicate(timeout=PATIENCE_S)[0]
        expect_equal(drain.returncode, 0, "exit code")
    expect("k2 in farm: up -> drain, pending: " in out, out)
    r.tell_fake("accept")
    r.tell_fake("hangup")
    until(r.linked, "the tables to be served again")
    r.good("undrain", "k2")


def change_in_flight_is_answered_at_a_stop(r):
    r.tell_fake("wait")
    with subprocess.Popen([r.ctl_program, "--socket", r.api, "drain", "k2"],
                          stdout=subprocess.PIPE, text=True) as drain:
        until(lambda: r.show("status")["tables"]["changes_waiting"] == 1, "the change to be sent")
        expect_equal(r.stop(), 0, "exit code of control")
        out = drain.communicate(timeout=PATIENCE_S)[0]
        expect_equal(drain.returncode, 0, "exit code")
    expect("k2 in farm: up -> drain, pending: " in out and "stopping" in out, out)
    r.tell_fake("accept")
    r.start()
    until(r.linked, "the tables to be served again")
    r.good("undrain", "k2")


def refused_tables_are_told(r):
    before = r.linked()
    r.tell_fake("refuse")
    code, _, err = r.run("drain", "k1")
    expect_equal(code, 1, "exit code")
    expect("told to refuse" in err and "go on serving" in err, err)
    expect_equal(r.linked(), before, "generation served")
    expect("told to refuse" in r.good("show", "status"), "show status hides the refusal")
    r.tell_fake("accept")
    r.good("undrain", "k1")
    expect("refused" not in r.good("show", "status"), "show status keeps an old refusal")


def good_reload_tells_what_changes(r):
    before = r.linked()
    r.write(MEMBERS + (("k3", "198.51.100.13", 5),))
    out = r.good("reload")
    expect("k3" in out and f"generation {before + 1}" in out, out)
    expect_equal(sorted(r.members()), ["k1", "k2", "k3"], "members")
    expect_equal(r.members()["k3"]["number"], 2, "number of the new member")
    r.write()
    r.control.send_signal(signal.SIGHUP)
    until(lambda: len(r.members()) == 2, "the reload by SIGHUP")
    until(lambda: r.linked() == before + 2, "it to be served")


def bad_reload_keeps_the_running_configuration(r):
    before = r.linked()
    r.write(extra="pols: []\n")
    code, _, err = r.run("reload")
    expect_equal(code, 1, "exit code")
    expect(re.search(r"strowger.yaml:\d+: .*pols", err), f"no line is named: {err}")
    expect("running configuration stays" in err, err)
    expect_equal((r.linked(), sorted(r.members())), (before, ["k1", "k2"]), "what runs")
    expect("reload:        refused" in r.good("show", "status"), "show status hides it")
    r.control.send_signal(signal.SIGHUP)
    until(lambda: r.log_text().count("running configuration stays") == 1, "the log to say so")
    r.write()
    r.good("reload")
    expect("refused" not in r.good("show", "status"), "show status keeps an old refusal")


def drain_outlives_reload_and_kill(r):
    r.good("drain", "k1")
    r.good("reload")
    expect_equal(r.members()["k1"]["pools"][0]["asked"], "drain", "asked after reload")
    numbers = {name: m["number"] for name, m in r.members().items()}
    before = r.linked()
    expect_equal(r.stop(signal.SIGKILL), -signal.SIGKILL, "exit")
    # The file now names them the other way round: only the data plane knows their numbers.
    r.write(tuple(reversed(MEMBERS)))
    r.start()
    until(r.linked, "the tables of the new control")
    expect_equal({name: m["number"] for name, m in r.members().items()}, numbers, "numbers")
    expect_equal(r.members()["k1"]["pools"][0]["asked"], "drain", "asked after kill -9")
    expect(r.linked() > before, "the generation did not grow")
    r.write()
    r.good("undrain", "k1")


def restarted_data_plane_is_served_again(r):
    r.tell_fake("restart")
    until(lambda: r.show("status")["dataplane"] == "connected" and r.linked(), "it to be served")
    counters = r.show("counters")
    expect_equal(counters["total"]["counters"]["received"], 0, "totals of the new process")


def counters_are_read_from_the_data_plane(r):
    r.tell_fake("restart")
    until(lambda: r.show("status")["dataplane"] == "connected" and r.linked(), "it to be served")
    number = r.members()["k2"]["number"]
    for _ in range(3):
        r.tell_fake(f"count {number}")
    member = r.members()["k2"]
    expect_equal(member["counters"]["new_calls"], 3, "new calls of k2")
    expect_equal(r.members()["k1"]["counters"]["new_calls"], 0, "new calls of k1")
    total = r.show("counters")["total"]
    expect_equal(total["counters"]["sent"], 3, "sent")
    expect_equal(total["ledger"], {"received": 3, "injected": 0, "ends": 3, "drops": 0,
                                   "waiting": 0, "in_hand": 0, "balanced": True}, "ledger")
    out = r.good("show", "counters")
    expect(re.search(r"^received +3$", out, re.M), out)
    expect("not_sip" not in out, "rows that are zero are shown")
    expect("not_sip" in r.good("show", "counters", "--all"), "--all hides rows")
    until(lambda: r.members()["k2"]["rate_10s"]["new_calls"] is not None, "rates")

    def answered():
        r.tell_fake(f"count {r.members()['k2']['number']}")
        return r.members()["k2"]["first_answer_ms"]["p50"]

    expect_equal(until(answered, "a time to the first answer"), 2.048, "first answer")


def open_requests_are_shown(r):
    number = r.members()["k2"]["number"]
    for command in ("open", "open", "open", "close"):
        r.tell_fake(f"{command} {number}")
    members = r.members()
    expect_equal((members["k1"]["open"], members["k2"]["open"]), (0, 2), "open requests")
    until(lambda: r.members()["k2"]["pools"][0]["observed"]["drain"]["open"] == 2,
          "the drain to see them")
    heading, *rows = r.good("show", "members").splitlines()
    end = heading.index(" OPEN ") + len(" OPEN")
    shown = {row.split()[0]: row[:end].split()[-1] for row in rows if " in farm: " not in row}
    expect_equal(shown, {"k1": "0", "k2": "2"}, f"column OPEN of\n{heading}")
    for _ in range(3):
        r.tell_fake(f"close {number}")
    expect_equal(r.members()["k2"]["open"], 0, "open, when an answer was read before its request")


def top_prints_what_flows(r):
    out = r.good("top", "--once")
    expect(all(len(line) <= 80 for line in out.splitlines()), f"wider than 80 columns:\n{out}")
    expect("calls/s" in out and "k1" in out and "\033" not in out, out)
    def order():
        rows = [line.split()[0] for line in r.good("top", "--once").splitlines() if line.strip()]
        return [name for name in rows if name in ("k1", "k2")]

    def busy(name):
        r.tell_fake(f"count {r.members()[name]['number']}")
        return order()[0] == name

    until(lambda: busy("k2"), "k2, which is busy, to stand first")
    until(lambda: busy("k1"), "k1, which is busy, to stand first")
    out = r.good("top", "-n", "2", "--interval", "0.1")
    expect_equal(out.count("calls/s"), 2, "screens")


def messages_are_parsed_as_this_cpu_can(r):
    """Not by the scalar kernel, where there is a better one."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        flags = set(next(line for line in f if line.startswith("flags")).split())
    by = re.search(r"(\w+) parser", r.log_text())
    expect(by is not None, r.log_text())
    expect(by.group(1) != "scalar" or not {"sse4_2", "popcnt"} <= flags, f"{by.group(1)} parser")


run_suites(
    ({"fake": True}, (changes_answer_when_they_are_served,
                      change_waits_for_the_acknowledgement,
                      change_in_flight_is_pending_when_the_data_plane_dies,
                      change_in_flight_is_answered_at_a_stop, refused_tables_are_told, good_reload_tells_what_changes,
                      bad_reload_keeps_the_running_configuration,
                      drain_outlives_reload_and_kill, restarted_data_plane_is_served_again,
                      counters_are_read_from_the_data_plane, open_requests_are_shown,
                      top_prints_what_flows, messages_are_parsed_as_this_cpu_can)),
)
