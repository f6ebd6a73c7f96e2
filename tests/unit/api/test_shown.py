# SPDX-License-Identifier: BSD-3-Clause
"""What strowgerctl shows, for every command at once: --json with its version, and for people lines
that fit 80 columns where that is promised."""

import contextlib
import http.server
import json
import os
import re
import socketserver
import subprocess
import threading

from rig import PATIENCE_S, expect, expect_equal, run_suites, until

REGISTRAR = "registrar: {domains: [example.com]}\n"
MESSAGE = (b"INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKx\r\n"
           b"From: <sip:a@192.0.2.99>;tag=a\r\nTo: <sip:bob@192.0.2.1>\r\nCall-ID: one@caller\r\n"
           b"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
COLUMNS = 80


def help_of(r, command):
    return r.good("help", *command.split())


def commands(r):
    """Those of the client's own table."""
    text = r.good("help").partition("Options:")[0]
    return re.findall(r"^  ([a-z-]+(?: [a-z]+)?) ", text, re.M)


def pcap(data):
    """A capture of one datagram, as tcpdump writes it."""
    udp = b"\x13\xc4\x13\xc4" + (8 + len(data)).to_bytes(2, "big") + b"\0\0" + data
    ip = (b"\x45\0" + (20 + len(udp)).to_bytes(2, "big") + bytes(4) + b"\x40\x11\0\0"
          + bytes([192, 0, 2, 99]) + bytes([192, 0, 2, 1]) + udp)
    frame = bytes(12) + b"\x08\0" + ip
    return (bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000") + bytes(8)
            + len(frame).to_bytes(4, "little") * 2 + frame)


def examples(r):
    """{command: words after it}, in an order in which each can be carried out."""
    def path(name, data):
        whole = os.path.join(r.dir, name)
        with open(whole, "wb") as f:
            f.write(data)
        return whole

    with open(r.config, "rb") as f:
        config = f.read()
    message, capture = path("message", MESSAGE), path("capture", pcap(MESSAGE))
    same, other = path("same.yaml", config), path("other.yaml", config.replace(b"name: k2", b"name: k9"))
    return {
        "subscriber": ["list"], "show bindings": [], "drain": ["k1"], "undrain": ["k1"],
        "weight": ["k1", "11"], "disable": ["k1"], "enable": ["k1"],
        "add": ["farm", "198.51.100.44", "--name", "k4"], "remove": ["k4", "--force"], "diff": [],
        "reload": [], "check": [same], "plan": [other],
        "apply": [other, "--confirm", "3600"], "confirm": [], "rollback": [], "history": [],
        "explain": [message], "trace": ["--past"], "last-errors": [], "replay": [capture],
        "log-level": ["info"], "doctor": [],
        "wait member": ["k1", "healthy", "--timeout", "0.2"],
    }


def every_json_tells_its_version(r):
    """Whole, or each line where lines stand alone. A command without an example fails."""
    r.stop()
    r.write(extra=REGISTRAR)
    r.start()
    until(r.linked, "the tables")
    done = subprocess.run([r.ctl_program, "--socket", r.api, "subscriber", "add", "bob@example.com",
                           "--json"], input="secret\n", capture_output=True, text=True, check=True,
                          timeout=PATIENCE_S)
    expect_equal(json.loads(done.stdout), {"version": 1, "changed": 1}, "subscriber add")
    r.tell_fake("record good 1")
    r.tell_fake("record bad 2")
    words = examples(r)
    with_json = [c for c in commands(r) if "--json" in help_of(r, c)]
    expect(len(with_json) >= 30, f"few commands with --json: {with_json}")
    missing = set(with_json) - set(words) - {c for c in with_json if c.startswith("show ")}
    expect(not missing, f"no example of {missing}")
    said_no = {"doctor", "wait member"}  # nobody answers here: exit code 1, and still JSON
    for command in sorted(with_json, key=lambda c: (c in words, list(words).index(c)
                                                    if c in words else 0)):
        code, out, err = r.run(*command.split(), *words.get(command, []), "--json")
        expect(code == 0 or command in said_no, f"{command}: {code} {err or out[:300]}")
        for value in values(out):
            expect(isinstance(value, dict) and value.get("version") == 1, f"{command}: {out[:300]}")
        expect(out.strip() or command == "show bindings", f"{command} --json shows nothing")
    problem = json.loads(r.run("drain", "nobody", "--json")[1])
    expect_equal(problem["version"], 1, "version of a problem")


def values(text):
    """One JSON value, or one a line."""
    with contextlib.suppress(json.JSONDecodeError):
        return [json.loads(text)]
    return [json.loads(line) for line in text.splitlines()]


# --- columns ---

class Canned(http.server.BaseHTTPRequestHandler):
    """Answers of control, as the test made them."""

    answers = {}

    def do_GET(self):
        body = json.dumps(self.answers[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("local", 0)


@contextlib.contextmanager
def canned(path, answers):
    Canned.answers = answers
    with UnixServer(path, Canned) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield path
        finally:
            server.shutdown()
            os.unlink(path)


def widest(value, key=""):
    """@value with every number as large as it can be in earnest, and names as long."""
    if isinstance(value, dict):
        return {k: widest(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [widest(v, key) for v in value]
    if key in ("version", "since_unix_s", "asked", "weight", "path", "worker"):
        return value
    if key in ("name", "pool"):
        return (str(value) + "-" + "w" * 31)[:31]
    if key == "core":
        return 1023
    if key.startswith("busy"):
        return 1.0
    if key in ("p50", "p95"):
        return 16777.216  # the longest that is told apart
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return 999_999 if not key.endswith("_s") else value
    return value


def top_fits_eighty_columns(r):
    for _ in range(3):
        r.tell_fake(f"count {r.members()['k1']['number']}")
    answers = {f"/v1/{what}": r.call("GET", f"/v1/{what}")[1]
               for what in ("workers", "members", "counters")}
    for row in answers["/v1/members"]["members"]:
        row["first_answer_ms"] = {"p50": 0, "p95": 0}
        for place in row["pools"]:
            place["asked"] = "drain"
        row["state"] = "degraded"
    for what in ("workers", "members"):
        key = f"/v1/{what}"
        answers[key][what] = widest(answers[key][what])
    total = answers["/v1/counters"]["total"]
    total["counters"] = {name: 123_456_789_012 for name in total["counters"]}
    answers["/v1/workers"]["generation"] = 99_999_999
    with canned(os.path.join(r.dir, "canned.sock"), answers) as path:
        done = subprocess.run([r.ctl_program, "--socket", path, "top", "--once"],
                              capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 0, f"exit code ({done.stderr})")
    expect("MEMBER" in done.stdout and "dropped:" in done.stdout, done.stdout)
    expect_narrow(done.stdout, "top")


def help_fits_eighty_columns(r):
    expect_narrow(r.good("help"), "help")
    for command in commands(r):
        expect_narrow(help_of(r, command), f"help {command}")


def expect_narrow(text, what):
    wide = [line for line in text.splitlines() if len(line) > COLUMNS]
    expect(not wide, f"{what}: {len(wide)} lines are wider than {COLUMNS} columns, such as\n"
           + "\n".join(wide[:3]))


# --- completion ---

def bash(r, *words):
    """What bash offers for the last of @words, with the script that we print, by the running
    control."""
    script = r.good("completion", "bash")
    done = subprocess.run(
        ["bash", "-c", script + '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _strowgerctl; '
         'printf "%s\\n" "${COMPREPLY[@]}"', "bash", r.ctl_program, *words],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        env={**os.environ, "STROWGER_API": r.api})
    return done.stdout.split()


def bash_offers_names_of_the_running_control(r):
    expect({"k1", "k2"} <= set(bash(r, "drain", "")), "members")
    expect_equal(bash(r, "weight", "k2"), ["k2"], "the member that begins so")
    expect_equal(bash(r, "undrain", "k1", "--pool", ""), ["farm"], "pools")
    expect_equal(bash(r, "undra"), ["undrain"], "commands")
    expect("--confirm" in bash(r, "apply", "--c"), "options")


def a_shell_never_gets_a_word_to_expand(r):
    """Names in an answer that no configuration could have are left out."""
    answer = r.call("GET", "/v1/members")[1]
    rows = []
    for name in ("good-1", "$(touch owned)", "`touch owned`", "a b", "*", "../x;y", "", "good.2"):
        rows.append({**answer["members"][0], "name": name})
    answer["members"] = rows
    with canned(os.path.join(r.dir, "canned.sock"), {"/v1/members": answer}) as path:
        done = subprocess.run(
            ["bash", "-c", r.good("completion", "bash") + '\nCOMP_WORDS=("$1" drain ""); '
             'COMP_CWORD=2; _strowgerctl; printf "%s\\n" "${COMPREPLY[@]}"', "bash",
             r.ctl_program], capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            cwd=r.dir, env={**os.environ, "STROWGER_API": path})
    names = [word for word in done.stdout.splitlines() if not word.startswith("--")]
    expect_equal(names, ["good-1", "good.2"], f"names ({done.stderr})")
    expect(not os.path.exists(os.path.join(r.dir, "owned")), "a name was carried out")


if __name__ == "__main__":
    run_suites(({"fake": True},
                (top_fits_eighty_columns, help_fits_eighty_columns,
                 bash_offers_names_of_the_running_control, a_shell_never_gets_a_word_to_expand,
                 every_json_tells_its_version)))
