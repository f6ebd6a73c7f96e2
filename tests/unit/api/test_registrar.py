#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Subscribers and bindings by API and strowgerctl."""

import json
import os
import socket
import subprocess
import sys
import tempfile

from rig import PATIENCE_S, Rig, Tap, expect, expect_equal, until

DOMAIN = "registrar: {domains: [example.com]}\n"


def ctl(rig, *arguments, text=""):
    done = subprocess.run([rig.ctl_program, "--socket", rig.api, *arguments], input=text,
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return done.returncode, done.stdout, done.stderr


def without_domains_there_is_none(rig):
    rig.write()
    rig.start()
    expect_equal(rig.show("registrar")["state"], "off", "state")
    code, _, err = ctl(rig, "subscriber", "list")
    expect_equal(code, 1, "exit code")
    expect("registrar.domains" in err, f"advice: {err}")


def subscribers_come_and_go(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    expect_equal(rig.show("registrar")["state"], "serving", "state")
    for name in ("bob@example.com", "alice@example.com"):
        code, out, err = ctl(rig, "subscriber", "add", name, text="secret\n")
        expect_equal((code, out), (0, f"{name} may register\n"), err)
    expect_equal(ctl(rig, "subscriber", "list")[1], "alice@example.com\nbob@example.com\n", "list")
    expect_equal(ctl(rig, "subscriber", "remove", "bob@example.com")[0], 0, "remove")
    code, _, err = ctl(rig, "subscriber", "remove", "bob@example.com")
    expect_equal((code, "not there" in err), (1, True), "remove again")
    expect_equal(rig.show("registrar")["subscribers"], 1, "left")
    expect("secret" not in rig.log_text(), "a password in the log")


def bad_names_and_passwords_are_told(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    for name, password in (("bob", "x\n"), ("@example.com", "x\n"), ("bob@Example.com", "x\n"),
                           ("b ob@example.com", "x\n")):
        code, _, err = ctl(rig, "subscriber", "add", name, text=password)
        expect_equal((code, "user@domain" in err), (1, True), f"{name}: {err}")
    expect_equal(ctl(rig, "subscriber", "add", "bob@example.com", text="\n")[0], 2, "no password")
    expect_equal(ctl(rig, "subscriber", "whatever")[0], 2, "unknown verb")
    expect_equal(rig.show("registrar")["subscribers"], 0, "none stored")


def thousands_are_imported_and_listed(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    lines = "# phones\n\n" + "".join(f"u{i:05d}@example.com  pass word{i}\n" for i in range(2500))
    code, out, err = ctl(rig, "subscriber", "import", "-", text=lines)
    expect_equal((code, out), (0, "2500 subscribers stored\n"), err)
    listed = ctl(rig, "subscriber", "list")[1].split()
    expect_equal((len(listed), listed[0], listed[-1]),
                 (2500, "u00000@example.com", "u02499@example.com"), "listed")
    code, _, err = ctl(rig, "subscriber", "import", "-", text="a@example.com x\nb@example.com\n")
    expect_equal((code, "-:2: no password" in err), (1, True), err)


def they_outlive_a_kill(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    ctl(rig, "subscriber", "add", "bob@example.com", text="secret\n")
    rig.stop(9)
    rig.start()
    expect_equal(ctl(rig, "subscriber", "list")[1], "bob@example.com\n", "list")


def a_reload_opens_and_closes_it(rig):
    rig.write()
    rig.start()
    rig.write(extra=DOMAIN)
    rig.good("reload")
    expect_equal(rig.show("registrar")["state"], "serving", "opened")
    rig.write()
    rig.good("reload")
    expect_equal(rig.show("registrar")["state"], "off", "closed")


def a_store_that_cannot_be_opened_is_told(rig):
    rig.write(extra="registrar: {domains: [example.com], store: /proc/nowhere}\n")
    rig.start()
    state = rig.show("registrar")
    expect_equal(state["state"], "failed", "state")
    expect("/proc/nowhere" in state["state_reason"], state["state_reason"])
    expect_equal(state["reason"], "it is not running", "why there is no data plane")
    expect("/proc/nowhere" in rig.good("show", "registrar"), "text")


def bindings_of_nobody_are_an_empty_table(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    expect_equal(rig.good("show", "bindings").split()[0], "USER", "heading")
    expect_equal(rig.good("show", "bindings", "--json"), "", "no rows")
    code, _, err = ctl(rig, "unbind", "bob@example.com")
    expect_equal((code, "not there" in err), (1, True), err)
    body = json.dumps({"limit": 0})
    expect(b"limit is not in 1..1000" in rig.http(
        f"POST /v1/location HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
        f"{len(body)}\r\n\r\n{body}".encode()), "limit")


def a_list_that_does_not_go_on_is_told(rig):
    """Of a server that says the same again and again, with control characters in it."""
    body = json.dumps({"version": 1, "users": [{"aor": "sip:\x1b[2Jbob@example.com", "bindings": []}],
                       "more": True}).encode()
    answer = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body)) + body
    path = os.path.join(rig.dir, "fake.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(PATIENCE_S)
        with subprocess.Popen([rig.ctl_program, "--socket", path, "show", "bindings"],
                              stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
            for _ in range(2):
                with server.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(answer)
            err = client.communicate(timeout=PATIENCE_S)[1]
    expect_equal(client.returncode, 1, "exit code")
    expect(b"does not go on" in err and b"\x1b" not in err, err)


def exported(i, **more):
    """A line of an export."""
    binding = {"contact": f"sip:u{i}@10.0.0.9:5062;transport=udp", "params": ";+sip.ice;x=\"y\"",
               "q_thousandths": 700, "expires_s": 4000000000 + i, "created_s": 1700000000,
               "source": "203.0.113.5:5062", "listener": "192.0.2.1:5060",
               "path": "<sip:p1.example.net;lr>, <sip:p2.example.net;lr>",
               "instance": "<urn:uuid:1>", "reg_id": 1, "call_id": f"c{i}", "cseq": 7, **more}
    return {"aor": f"sip:u{i:05d}@example.com", "bindings": [binding]}


def lines_of(users):
    return "".join(json.dumps(user) + "\n" for user in users)


def locations_are_exported_and_imported_whole(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    users = [exported(i) for i in range(2100)]  # more than two pages
    code, out, err = ctl(rig, "location", "import", "-", text=lines_of(users))
    expect_equal((code, out), (0, "2100 users read, 2100 bindings added\n"), err)
    code, out, err = ctl(rig, "location", "export")
    expect_equal([json.loads(line) for line in out.splitlines()], users, "exported")
    expect("2100 users exported" in err, err)
    path = os.path.join(rig.dir, "export")
    expect_equal(ctl(rig, "location", "export", path)[:2], (0, ""), "to a file")
    # Again it changes nothing, and after a kill it is all there.
    rig.stop(9)
    rig.start()
    for command in ("location", "subscriber"):
        code, _, err = ctl(rig, command, "import", rig.dir)  # opens, but nothing can be read of it
        expect_equal((code, "it was not read to its end" in err), (1, True), f"{command}: {err}")
    expect_equal(ctl(rig, "location", "import", path)[1],
                 "2100 users read, 0 bindings added\n", "again")
    # Into an empty store it is the same again.
    ctl(rig, "unbind", "u00007@example.com")
    expect_equal(ctl(rig, "location", "import", path)[1],
                 "2100 users read, 1 bindings added\n", "what was lost")
    with open(path, encoding="utf-8") as before:
        expect_equal(ctl(rig, "location", "export")[1], before.read(), "exported again")


def what_phones_registered_since_stays(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    ctl(rig, "location", "import", "-", text=lines_of([exported(1, cseq=9, call_id="newer")]))
    older = exported(1)
    older["bindings"] += exported(1, contact="sip:b@10.0.0.8", reg_id=0, instance="")["bindings"]
    older["bindings"] += exported(1, contact="sip:b@10.0.0.7", reg_id=0, expires_s=1)["bindings"]
    expect_equal(ctl(rig, "location", "import", "-", text=lines_of([older]))[1],
                 "1 users read, 1 bindings added\n", "added")
    bindings = json.loads(ctl(rig, "location", "export")[1])["bindings"]
    expect_equal([(b["contact"], b["call_id"]) for b in bindings],
                 [("sip:u1@10.0.0.9:5062;transport=udp", "newer"), ("sip:b@10.0.0.8", "c1")],
                 "bindings")


def bad_lines_of_an_import_are_told(rig):
    rig.write(extra=DOMAIN)
    rig.start()
    for change, advice in (
            ({"contact": "sip:a@b\r\nEvil: x"}, "contact"), ({"contact": "<sip:a@b>"}, "contact"),
            ({"params": "x"}, "params"), ({"params": ";x=\"\n\""}, "params"),
            ({"path": "sip:p"}, "path"), ({"path": "<sip:p>,\n <sip:q>"}, "path"),
            ({"instance": "a\"b"}, "instance"), ({"source": "nowhere"}, "source"),
            ({"listener": "x:y"}, "listener"), ({"q_thousandths": 1001}, "q_thousandths"),
            ({"cseq": "7"}, "cseq"), ({"call_id": ""}, "call_id")):
        text = lines_of([exported(1), exported(2, **change)])
        code, _, err = ctl(rig, "location", "import", "-", text=text)
        expect_equal((code, f"{advice}" in err), (1, True), f"{change}: {err}")
    for text in ("not json\n", "[1]\n", '{"aor": "bob", "bindings": []}\n',
                 '{"aor": "mailto:bob@example.com", "bindings": []}\n'):
        code, _, err = ctl(rig, "location", "import", "-", text=text)
        expect_equal((code, "-:1: " in err), (1, True), f"{text}: {err}")
    expect_equal(ctl(rig, "location", "export")[1], "", "nothing stored")


def metric(rig, name):
    text = rig.fetch("/metrics")[2]
    return [float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")]


def the_workers_table_is_told(rig):
    rig.open_port()
    rig.write(extra=DOMAIN)
    rig.start()
    text = lines_of([exported(i) for i in range(3)])
    expect_equal(ctl(rig, "location", "import", "-", text=text)[0], 0, "import")

    def bindings():
        table = rig.show("registrar")["table"]
        return table and table["complete"] and table["bindings"] == 3 and table

    table = until(bindings, "the table to hold what was imported")
    expect_equal(table["left_out"], 0, "left out")
    expect(table["bytes"] > 0, f"table: {table}")
    expect("workers' table: 3 bindings" in rig.good("show", "registrar"), "text")
    for name, wanted in (("complete", 1), ("bindings", 3), ("left_out", 0),
                         ("bytes", table["bytes"])):
        expect_equal(metric(rig, f"strowger_location_table_{name}"), [wanted], name)
    expect_equal(metric(rig, "strowger_registrar_serving"), [1], "serving")
    expect_equal(metric(rig, "strowger_registrar_users"), [3], "users")


CASES = (locations_are_exported_and_imported_whole, what_phones_registered_since_stays,
         bad_lines_of_an_import_are_told, a_list_that_does_not_go_on_is_told,
         the_workers_table_is_told, without_domains_there_is_none, subscribers_come_and_go,
         bad_names_and_passwords_are_told, thousands_are_imported_and_listed, they_outlive_a_kill, a_reload_opens_and_closes_it,
         a_store_that_cannot_be_opened_is_told, bindings_of_nobody_are_an_empty_table)


def main():
    programs = [os.path.abspath(path) for path in sys.argv[1:4]]
    with Tap() as tap:
        for case in CASES:
            with tempfile.TemporaryDirectory(prefix="stw-registrar-") as directory:
                r = Rig(programs, directory)
                try:
                    with tap.case(case.__name__):
                        case(r)
                finally:
                    r.close()


if __name__ == "__main__":
    main()
