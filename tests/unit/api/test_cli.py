# SPDX-License-Identifier: BSD-3-Clause
"""strowgerctl and strowger-control as programs, without a data plane."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

from rig import PATIENCE_S, ROOT, expect, expect_equal, run_suites
from support.tap import Skip


def every_show_works_without_a_data_plane(r):
    for what in ("status", "workers", "ports", "listeners", "rules", "pools", "members", "counters",
                 "names", "registrar", "version"):
        out = r.good("show", what)
        expect(re.search(r"data plane: +waiting", out), f"show {what} hides the link: {out}")
        answer = r.show(what)
        expect_equal(answer["version"], 1, f"version of show {what}")
        expect_equal(answer["dataplane"], "waiting", f"dataplane of show {what}")
        expect_equal(answer["reason"], "it is not running", f"reason of show {what}")
    expect_equal({m["state"] for m in r.members().values()}, {"probing"}, "observed states")
    expect_equal({m["number"] for m in r.members().values()}, {None}, "numbers")


def change_without_a_data_plane_is_pending(r):
    out = r.good("drain", "k1")
    expect("k1 in farm: up -> drain, pending: " in out, out)
    status, answer = r.call("POST", "/v1/members/k2/weight", b'{"weight": 3}')
    expect_equal((status, answer["pending"], answer["generation"]), (202, True, None), "a change")
    expect("not connected" in answer["reason"], answer["reason"])


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
            (("drain", ""), 1, 'no member ""'),
            (("drain", "a/b"), 1, 'no member "a/b"'),
            (("drain", "k1/drain"), 1, 'no member "k1/drain"'),
            (("drain", "k" * 100), 1, f'no member "{"k" * 100}"'),
            (("show",), 2, "show what? One of: status workers"),
            (("wait",), 2, "wait what? One of: member"),
            (("help", "show"), 2, "show what? One of: status workers"),
            (("show", "status", "x"), 2, "usage: strowgerctl show status\n"),
            (("wait", "member", "k1", "healthy", "--timeout", "0.2s"), 1, "not healthy after"),
            (("wait", "member", "k1", "healthy", "--timeout", "0"), 2, "a number of seconds"),
            (("wait", "member", "k1", "healthy", "--timeout", "1h"), 2, "a number of seconds"),
            (("wait", "member", "k1", "healthy", "--timeout", "nan"), 2, "a number of seconds"),
            (("apply", r.config, "--confirm", "61m"), 2, "5..3600"),
            (("apply", r.config, "--confirm", "5.5"), 2, "5..3600"),
            (("apply", r.config, "--confirm", "s"), 2, "5..3600"),
            (("explain",), 1, "standard input: it is empty"),
            (("drain", "k1", "--pool", "nowhere"), 1, 'no pool "nowhere"'),
            (("--socket", "/proc/nowhere/api.sock", "show", "status"), 3, "start it")):
        got, _, err = r.run(*words)
        expect_equal(got, code, f"exit code of {words} ({err.strip()})")
        expect(text in err, f"{words}: {err}")


def what_cannot_be_written_is_no_success(r):
    """A full disk and a closed output, for short texts and for those that fill a buffer."""
    for words in (("show", "status"), ("show", "counters", "--all", "--json"), ("help",),
                  ("help", "show", "status"), ("top", "--once"), ("completion", "bash"),
                  ("check", r.config), ("diff",)):
        for to in ("/dev/full", "&-"):
            done = subprocess.run(
                ["sh", "-c", f'exec "$@" >{to}', "sh", r.ctl_program, "--socket", r.api,
                 *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=PATIENCE_S)
            expect_equal(done.returncode, 1, f"exit code of {words} to {to}")
            expect("standard output: " in done.stderr, f"{words} to {to}: {done.stderr}")


FULL_DISK = """mount -t tmpfs -o size=4k small "$0" || exit 77
head -c 4096 /dev/zero >"$0/filler"
"$@"
code=$?
test ! -e "$0/saved" || exit 99
exit $code"""


def half_a_configuration_is_not_left(r):
    """On a disk that is full, in a mount namespace of its own."""
    if os.geteuid() != 0:
        raise Skip("needs root to mount a small disk")
    small = os.path.join(r.dir, "small")
    os.mkdir(small)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", FULL_DISK, small, r.ctl_program, "--socket", r.api,
         "save", os.path.join(small, "saved")], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=PATIENCE_S)
    if done.returncode == 77:
        raise Skip(f"no mounts here: {done.stderr.strip()}")
    expect_equal((done.returncode, done.stdout), (1, ""), f"a save ({done.stderr})")
    expect("No space left" in done.stderr, done.stderr)


def problems_are_json_when_asked_for(r):
    code, out, err = r.run("drain", "nobody", "--json")
    problem = json.loads(out)
    expect_equal((code, problem["status"], problem["type"], err),
                 (1, 404, "urn:strowger:problem:unknown-member", ""), "a problem")


def every_command_is_in_help_completion_and_man_page(r):
    text = r.good("help")
    commands = re.findall(r"^  ([a-z-]+(?: [a-z]+)?) ", text.partition("Options:")[0], re.M)
    expect(len(commands) >= 15, f"few commands: {commands}")
    with open(os.path.join(ROOT, "docs", "man", "strowgerctl.1"), encoding="utf-8") as f:
        manual = f.read()
    for command in commands:
        words = command.split()
        expect(f"strowgerctl {command}" in r.good("help", *words), f"help {command}")
        expect(words[-1] in r.good("completion", "words", "--", *words[:-1]).split(),
               f"completion of {command}")
        expect(f".B {command}".replace("-", "\\-") in manual, f"strowgerctl.1 does not tell of {command}")
        for option in re.findall(r"^  (--[a-z-]+)", r.good("help", *words), re.M):
            expect(option.replace("-", "\\-") in manual, f"strowgerctl.1 does not tell of {option}")
    expect("k1\nk2\n" in r.good("completion", "words", "--", "drain"), "members' names")
    expect("farm\n" in r.good("completion", "words", "--", "drain", "k1", "--pool"), "pools")


def bash_completes_by_the_script(r):
    script = r.good("completion", "bash")
    done = subprocess.run(
        ["bash", "-c", script + '\nCOMP_WORDS=("$0" show mem); COMP_CWORD=2; _strowgerctl; '
         'echo "${COMPREPLY[@]}"', r.ctl_program], capture_output=True, text=True, check=False)
    expect_equal(done.stdout, "members\n", f"completion ({done.stderr})")


def zsh_completes_by_the_script(r):
    if not shutil.which("zsh"):
        raise Skip("zsh is not installed")
    path = os.path.join(r.dir, "_strowgerctl")
    with open(path, "w", encoding="utf-8") as f:
        f.write(r.good("completion", "zsh"))
    for words, wanted in (('show ""', "members"), ('drain ""', "k1"), ('apply ""', "--confirm")):
        done = subprocess.run(
            ["zsh", "-f", "-c", 'function compadd { print -l -- $found }; function _files { }\n'
             f'words=("$1" {words}); CURRENT=3; function complete_it {{ source "$2" }}\n'
             'export STROWGER_API="$3"; complete_it "$1" "$2"', "zsh", r.ctl_program, path, r.api],
            capture_output=True, text=True, check=False)
        expect(wanted in done.stdout.split(), f"{words}: {done.stdout} {done.stderr}")


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
    expect_equal(r.run("check", "/proc/nowhere.yaml")[0], 1, "check of no file")


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
    r.stop()


def a_file_in_the_place_of_the_socket_is_kept(r):
    with open(r.api, "w", encoding="utf-8") as f:
        f.write("precious")
    done = subprocess.run([r.control_program, "--config", r.config], capture_output=True,
                          text=True, check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 1, "exit code")
    expect("cannot be made" in done.stderr, done.stderr)
    with open(r.api, encoding="utf-8") as f:
        expect_equal(f.read(), "precious", "the file")


def broken_overrides_stop_a_start(r):
    os.unlink(r.api)
    with open(os.path.join(r.dir, "state", "overrides.json"), "w", encoding="utf-8") as f:
        f.write("{broken")
    done = subprocess.run([r.control_program, "--config", r.config], capture_output=True,
                          text=True, check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 1, "exit code")
    expect("overrides.json" in done.stderr and "remove it" in done.stderr, done.stderr)


def a_state_dir_that_cannot_be_made_is_named(r):
    r.write()
    with open(r.config, encoding="utf-8") as f:
        text = f.read()
    path = os.path.join(r.dir, "nowhere.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub("state_dir: .*", "state_dir: /proc/nowhere/state", text))
    done = subprocess.run([r.control_program, "--config", path], capture_output=True, text=True,
                          check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 1, "exit code")
    expect(f"{path}: control.state_dir: /proc/nowhere/state cannot be made: No such file"
           in done.stderr and "name another" in done.stderr, done.stderr)


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


run_suites(
    ({"start": False}, (check_works_without_control, control_checks_and_dumps_a_file,
                        a_state_dir_that_cannot_be_made_is_named)),
    ({"start": False}, (readiness_is_told,)),
    ({}, (every_show_works_without_a_data_plane, exit_codes_tell_what_went_wrong,
          zsh_completes_by_the_script, problems_are_json_when_asked_for,
          what_cannot_be_written_is_no_success, half_a_configuration_is_not_left,
          every_command_is_in_help_completion_and_man_page,
          bash_completes_by_the_script, change_without_a_data_plane_is_pending,
          socket_is_private_and_removed_by_a_stop, a_file_in_the_place_of_the_socket_is_kept,
          broken_overrides_stop_a_start)),
)
