# SPDX-License-Identifier: BSD-3-Clause
"""strowgerctl and strowger-control as programs, with a fake data plane or none.

    test_cli.py CONTROL CTL FAKE_DATAPLANE
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from support.tap import Tap, expect, expect_equal  # noqa: E402

PATIENCE_S = 30
MEMBERS = (("k1", "198.51.100.11", 10), ("k2", "198.51.100.12", 10))
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))


def until(condition, what):
    """Wait until @condition gives something true, and return that."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"in vain waited for {what}")


class Rig:
    """A directory with a configuration, and the processes that run on it."""

    def __init__(self, programs, directory):
        self.control_program, self.ctl_program, self.fake_program = programs
        self.dir = directory
        self.config = os.path.join(directory, "strowger.yaml")
        self.api = os.path.join(directory, "run", "api.sock")
        self.dp = os.path.join(directory, "dp.sock")
        self.log = os.path.join(directory, "control.log")
        self.control = None
        self.fake = None

    def write(self, members=MEMBERS, extra=""):
        lines = [
            "dataplane:", f"  socket: {self.dp}",
            "control:", f"  state_dir: {self.dir}/state",
            "api:", f"  socket: {self.api}", '  mode: "0600"',
            "ports:", "  - name: outside", '    device: "net_null0"', "    kernel: none",
            "    addresses: [192.0.2.1/24]",
            "listeners:", "  - {name: edge, address: 192.0.2.1, pool: farm}",
            "pools:", "  - name: farm", "    members:"]
        lines += [f"      - {{name: {n}, address: {a}, weight: {w}}}" for n, a, w in members]
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n" + extra)

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.control = subprocess.Popen([self.control_program, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stderr=log)
        until(self.answers, "the API")

    def answers(self):
        expect(self.control.poll() is None, f"control ended: {self.log_text()}")
        return self.run("show", "version")[0] == 0

    def stop(self, sig=signal.SIGTERM):
        if self.control is None:
            return None
        self.control.send_signal(sig)
        code = self.control.wait(PATIENCE_S)
        self.control = None
        return code

    def start_fake(self):
        self.fake = subprocess.Popen([self.fake_program, self.dp], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        expect_equal(self.fake.stdout.readline(), "ready\n", "fake data plane")

    def tell_fake(self, command):
        self.fake.stdin.write(command + "\n")
        self.fake.stdin.flush()
        expect_equal(self.fake.stdout.readline(), "ok\n", f"fake data plane on {command}")

    def stop_fake(self):
        if self.fake is not None:
            self.fake.stdin.close()
            self.fake.wait(PATIENCE_S)
            self.fake.stdout.close()
            self.fake = None

    def close(self):
        self.stop(signal.SIGKILL)
        self.stop_fake()

    def run(self, *arguments, env=None):
        """Run strowgerctl: (exit code, output, errors)."""
        done = subprocess.run([self.ctl_program, "--socket", self.api, *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=PATIENCE_S, env=env)
        return done.returncode, done.stdout, done.stderr

    def good(self, *arguments):
        code, out, err = self.run(*arguments)
        expect_equal(code, 0, f"exit code of {arguments} ({err.strip()})")
        return out

    def show(self, what):
        return json.loads(self.good("show", what, "--json"))

    def members(self):
        return {row["name"]: row for row in self.show("members")["members"]}

    def linked(self):
        return self.show("status")["generation"]

    def log_text(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(PATIENCE_S)
        s.connect(self.api)
        return s

    def http(self, request):
        """Send bytes, read until the other end closes."""
        with self.connect() as s:
            s.sendall(request)
            got = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return got
                got += piece

    def call(self, method, path, body=b""):
        """One request: (status, JSON)."""
        head = (f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        got = self.http(head.encode() + body)
        head, _, text = got.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(text) if text else None


@contextlib.contextmanager
def rig(programs, fake=False, start=True):
    with tempfile.TemporaryDirectory(prefix="stw-cli-") as directory:
        r = Rig(programs, directory)
        try:
            r.write()
            if fake:
                r.start_fake()
            if start:
                r.start()
            if start and fake:
                until(r.linked, "the first tables to be served")
            yield r
        finally:
            r.close()


# without a data plane

def every_show_works_without_a_data_plane(r):
    for what in ("status", "workers", "ports", "listeners", "pools", "members", "counters",
                 "version"):
        out = r.good("show", what)
        expect(re.search(r"data plane: +waiting", out), f"show {what} hides the link: {out}")
        answer = r.show(what)
        expect_equal(answer["version"], 1, f"version of show {what}")
        expect_equal(answer["dataplane"], "waiting", f"dataplane of show {what}")
        expect_equal(answer["reason"], "it is not running", f"reason of show {what}")
    expect_equal({m["state"] for m in r.members().values()}, {"unknown"}, "observed states")
    expect_equal({m["number"] for m in r.members().values()}, {None}, "numbers")


def change_without_a_data_plane_is_pending(r):
    out = r.good("drain", "k1")
    expect("k1 in farm: up -> drain, pending: " in out, out)
    status, answer = r.call("POST", "/v1/members/k2/weight", b'{"weight": 3}')
    expect_equal((status, answer["pending"], answer["generation"]), (202, True, None), "a change")
    expect("not connected" in answer["reason"], answer["reason"])


# with one

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


def top_prints_what_flows(r):
    out = r.good("top", "--once")
    expect(all(len(line) <= 80 for line in out.splitlines()), f"wider than 80 columns:\n{out}")
    expect("calls/s" in out and "k1" in out and "\033" not in out, out)
    out = r.good("top", "-n", "2", "--interval", "0.1")
    expect_equal(out.count("calls/s"), 2, "screens")


# the client

def exit_codes_tell_what_went_wrong(r):
    expect_equal(r.run("show", "members")[0], 0, "show members")
    for words, code, text in (
            (("show", "membrs"), 2, 'did you mean "show members"'),
            (("members",), 2, 'did you mean "show members"'),
            (("drian", "k1"), 2, 'did you mean "drain"'),
            (("drain",), 2, "drain MEMBER"),
            (("drain", "k1", "k2"), 2, "drain MEMBER"),
            (("drain", "k1", "--all"), 2, "does not take --all"),
            (("weight", "k1", "many"), 2, "0..65535"),
            (("weight", "k1", "65536"), 2, "0..65535"),
            (("show", "members", "--jsn"), 2, "unknown option"),
            (("top", "--interval", "0"), 2, "0.1..3600"),
            ((), 2, "Usage"),
            (("drain", "nobody"), 1, 'no member "nobody"'),
            (("drain", "k1", "--pool", "nowhere"), 1, 'no pool "nowhere"'),
            (("--socket", "/nonexistent/api.sock", "show", "status"), 3, "start it")):
        got, _, err = r.run(*words)
        expect_equal(got, code, f"exit code of {words} ({err.strip()})")
        expect(text in err, f"{words}: {err}")


def problems_are_json_when_asked_for(r):
    code, out, err = r.run("drain", "nobody", "--json")
    problem = json.loads(out)
    expect_equal((code, problem["status"], problem["type"], err),
                 (1, 404, "urn:strowger:problem:unknown-member", ""), "a problem")


def every_command_is_in_help_completion_and_man_page(r):
    text = r.good("help")
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?) ", text.partition("Options:")[0], re.M)
    expect(len(commands) >= 15, f"few commands: {commands}")
    with open(os.path.join(ROOT, "docs", "man", "strowgerctl.1"), encoding="utf-8") as f:
        manual = f.read()
    for command in commands:
        words = command.split()
        expect(f"strowgerctl {command}" in r.good("help", *words), f"help {command}")
        expect(words[-1] in r.good("completion", "words", "--", *words[:-1]).split(),
               f"completion of {command}")
        expect(f".B {command}" in manual, f"strowgerctl.1 does not tell of {command}")
    expect("k1\nk2\n" in r.good("completion", "words", "--", "drain"), "members' names")
    expect("farm\n" in r.good("completion", "words", "--", "drain", "k1", "--pool"), "pools")


def bash_completes_by_the_script(r):
    script = r.good("completion", "bash")
    done = subprocess.run(
        ["bash", "-c", script + '\nCOMP_WORDS=("$0" show mem); COMP_CWORD=2; _strowgerctl; '
         'echo "${COMPREPLY[@]}"', r.ctl_program], capture_output=True, text=True, check=False)
    expect_equal(done.stdout, "members\n", f"completion ({done.stderr})")


def check_works_without_control(r):
    code, out, _ = r.run("check", r.config)
    expect_equal((code, out), (0, f"{r.config}: ok, 1 ports, 1 listeners, 1 pools, 2 members\n"),
                 "check of a good file")
    r.write(extra="pols: []\n")
    code, out, err = r.run("check", r.config)
    expect_equal((code, out), (1, ""), "check of a bad file")
    expect(re.search(r"strowger.yaml:\d+: ", err), err)
    report = json.loads(r.run("check", r.config, "--json")[1])
    expect(not report["ok"] and report["messages"], report)
    expect_equal(r.run("check", "/nonexistent.yaml")[0], 1, "check of no file")


# control as a program

def control_checks_and_dumps_a_file(r):
    def run(*arguments):
        done = subprocess.run([r.control_program, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr
    r.write()
    expect_equal(run("--check", r.config)[:2],
                 (0, f"{r.config}: ok, 1 ports, 1 listeners, 1 pools, 2 members\n"), "--check")
    code, dump, _ = run("--config", r.config, "--dump")
    expect(code == 0 and "198.51.100.12:5060" in dump, dump)
    expect(run("--version")[1].startswith("strowger-control "), "--version")
    expect("--config" in run("--help")[1], "--help")
    expect_equal(run("--nonsense")[0], 2, "unknown option")
    expect_equal(run("word")[0], 2, "unknown word")
    r.write(extra="pols: []\n")
    code, out, err = run("--check", r.config)
    expect_equal((code, out), (1, ""), "--check of a bad file")
    code, out, err = run("--config", r.config)
    expect_equal((code, out), (1, ""), "start with a bad file")
    expect(re.search(r"strowger.yaml:\d+: .*pols", err) and "not started" in err, err)
    expect(not os.path.exists(r.api), "a socket was left")


def socket_is_private_and_removed_by_a_stop(r):
    expect_equal(os.stat(r.api).st_mode & 0o777, 0o600, "mode")
    second = subprocess.run([r.control_program, "--config", r.config], capture_output=True,
                            text=True, check=False, timeout=PATIENCE_S)
    expect_equal(second.returncode, 1, "exit code of a second control")
    expect("another strowger-control listens" in second.stderr, second.stderr)
    r.show("status")
    expect_equal(r.stop(), 0, "exit code")
    expect(not os.path.exists(r.api), "the socket is left")
    r.start()
    r.stop(signal.SIGKILL)
    expect(os.path.exists(r.api), "kill -9 cannot remove the socket")
    r.start()
    expect("waiting" in r.good("show", "status"), "the socket of a dead control is taken over")


def readiness_is_told(r):
    path = os.path.join(r.dir, "notify.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(PATIENCE_S)
        with subprocess.Popen([r.control_program, "--config", r.config],
                              env={**os.environ, "NOTIFY_SOCKET": path},
                              stderr=subprocess.DEVNULL) as control:
            expect_equal(s.recv(100), b"READY=1", "after the start")
            control.send_signal(signal.SIGHUP)
            expect_equal((s.recv(100), s.recv(100)), (b"RELOADING=1", b"READY=1"), "at a reload")
            control.terminate()
            expect_equal(s.recv(100), b"STOPPING=1", "at the stop")


# HTTP from people who do not mean well

def strict_bodies(r):
    for body, text in ((b"", "weight is missing"), (b"{}", "weight is missing"),
                       (b"[1]", "not a JSON object"), (b"{", "not JSON"),
                       (b'{"weight": 1, "weight": 2}', "not JSON"),
                       (b'{"weight": 1.5}', "not a whole number"),
                       (b'{"weight": "1"}', "not a whole number"),
                       (b'{"weight": -1}', "0..65535"), (b'{"weight": 65536}', "0..65535"),
                       (b'{"weight": 99999999999999999999}', "not JSON"),
                       (b'{"weight": 1, "pool": 7}', "pool is not a string"),
                       (b'{"weight": 1, "pol": "farm"}', 'unknown key "pol"'),
                       (b'{"weight": 1} trailing', "not JSON"),
                       (b'\xff\xfe', "not JSON")):
        status, problem = r.call("POST", "/v1/members/k1/weight", body)
        expect_equal((status, problem["status"]), (400, 400), f"status of {body!r}")
        expect(text in problem["detail"], f"{body!r}: {problem['detail']}")
    expect_equal(r.call("POST", "/v1/members/k1/drain", b'{"weight": 1}')[0], 400, "drain, weight")
    expect_equal(r.call("GET", "/v1/status", b"x")[0], 400, "a body nobody takes")
    expect_equal(r.call("GET", "/v1/nothing")[0], 404, "unknown path")
    expect_equal(r.call("GET", "/v1/members//drain")[0], 404, "no member")
    expect_equal(r.call("GET", "/v1/members/a%00b/drain")[0] in (400, 404, 405), True, "NUL")
    expect_equal(r.call("DELETE", "/v1/status")[0], 405, "unknown method")
    expect(b"\r\nAllow: GET\r\n" in r.http(b"POST /v1/status HTTP/1.1\r\nHost: x\r\n"
                                           b"Connection: close\r\nContent-Length: 0\r\n\r\n"),
           "405 without Allow")
    expect_equal(r.members()["k1"]["pools"][0]["weight"], 10, "weight after all this")


def check_by_the_api(r):
    with open(r.config, "rb") as f:
        text = f.read()
    status, answer = r.call("POST", "/v1/check", text)
    expect_equal((status, answer["ok"], answer["changes"]), (200, True, []), "the same file")
    status, answer = r.call("POST", "/v1/check", text.replace(b"weight: 10", b"weight: 20", 1))
    expect(answer["ok"] and len(answer["changes"]) == 1, answer)
    status, answer = r.call("POST", "/v1/check", text + b"pols: []\n")
    expect(status == 200 and not answer["ok"] and "pols" in answer["messages"][0], answer)
    expect_equal(r.call("POST", "/v1/check", b"")[1]["ok"], False, "an empty file")
    expect_equal(r.call("POST", "/v1/check", b"\x00\xff" * 500)[1]["ok"], False, "garbage")


def big_bodies_are_refused(r):
    status, problem = r.call("POST", "/v1/members/k1/drain", b" " * (64 * 1024 + 1))
    expect_equal((status, problem["type"]), (413, "urn:strowger:problem:body-too-big"), "64 KiB + 1")
    status, _ = r.call("POST", "/v1/check", b"#" * (4 * 1024 * 1024 + 1))
    expect_equal(status, 413, "4 MiB + 1")
    expect_equal(r.call("POST", "/v1/check", b"#" * (4 * 1024 * 1024))[0], 200, "4 MiB")
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    got = r.http(b"POST /v1/members/k1/drain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2 + b"0\r\n\r\n")
    expect(got.startswith(b"HTTP/1.1 413"), got[:100])


GARBAGE = (
    b"\r\n\r\n\r\n", b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n",
    b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n\r\n",
    bytes(range(256)) * 16, b"GET /v1/status HTTP/1.1\n\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
)


def garbage_and_half_requests_hurt_nobody(r):
    half = []
    for garbage in GARBAGE:
        s = r.connect()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(garbage)
            s.shutdown(socket.SHUT_WR)
        half.append(s)
        r.show("status")
    whole = b"POST /v1/members/k1/drain HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12"
    for end in range(1, len(whole), 7):
        s = r.connect()
        s.sendall(whole[:end])
        half.append(s)
    expect_equal(r.members()["k1"]["pools"][0]["asked"], "up", "asked after half a drain")
    for s in half:
        s.close()
    r.show("status")


def thousand_idle_connections_hurt_nobody(r):
    idle = []
    try:
        for _ in range(1000):
            idle.append(r.connect())
        for _ in range(3):
            expect_equal(r.run("show", "members")[0], 0, "show members among idle connections")
        # The longest idle ones had to give way: they are told by a close.
        expect_equal(idle[0].recv(1), b"", "the oldest idle connection")
    finally:
        for s in idle:
            s.close()
    r.show("status")


def main():
    programs = [os.path.abspath(path) for path in sys.argv[1:4]]
    suites = (
        ({"start": False}, (check_works_without_control, control_checks_and_dumps_a_file)),
        ({}, (every_show_works_without_a_data_plane, exit_codes_tell_what_went_wrong,
              problems_are_json_when_asked_for, every_command_is_in_help_completion_and_man_page,
              bash_completes_by_the_script, strict_bodies, check_by_the_api,
              big_bodies_are_refused, garbage_and_half_requests_hurt_nobody,
              thousand_idle_connections_hurt_nobody, change_without_a_data_plane_is_pending,
              socket_is_private_and_removed_by_a_stop)),
        ({"start": False}, (readiness_is_told,)),
        ({"fake": True}, (changes_answer_when_they_are_served,
                          change_waits_for_the_acknowledgement,
                          change_in_flight_is_pending_when_the_data_plane_dies,
                          refused_tables_are_told, good_reload_tells_what_changes,
                          bad_reload_keeps_the_running_configuration,
                          drain_outlives_reload_and_kill, restarted_data_plane_is_served_again,
                          counters_are_read_from_the_data_plane, top_prints_what_flows)),
    )
    with Tap() as tap:
        for options, cases in suites:
            with rig(programs, **options) as r:
                for case in cases:
                    with tap.case(case.__name__):
                        case(r)


main()
