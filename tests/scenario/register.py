# SPDX-License-Identifier: BSD-3-Clause
"""Users register here with their passwords: sipp by the thousand, and real phones."""

import json
import os
import re

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, need_root, wait_until)
from lab import dialogs, phones, sipp

USERS = 3000
RATE = 600
SENT = 2000
MANY = 100000
MANY_RATE = 2000
MANY_PATIENCE_S = 180  # a slow machine falls behind the rate
# The phones have no DNS: theirs is the balancer's address.
DOMAIN = addresses.OUTSIDE[4]
# One sipp stands for all users, so its address has no limit.
REGISTRAR = f"registrar: {{domains: [example.com, {DOMAIN}], source_rate: 0, store_mb: 256}}\n"


def users_file(lab, name, password="secret", n=USERS, prefix="u"):
    """sipp's, with what it needs to authenticate each user."""
    path = os.path.join(lab.run_dir, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("SEQUENTIAL\n")
        for i in range(n):
            user = f"{prefix}{i}"
            f.write(f"{user};[authentication username={user} password={password}]\n")
    return path


def register(lab, name, users, expires=600, calls=USERS, rate=RATE, port=5080):
    caller = sipp.Caller(name, lab.caller, addresses.CALLER[4], addresses.host_port(addresses.OUTSIDE[4]),
                         lab.log_dir, sipp.from_file("register.xml", lab.run_dir), calls, rate,
                         port=port, keys={"expires": str(expires)}, more=["-inf", users])
    lab.processes.append(caller.process)
    return caller


def state(balance):
    return balance.show("registrar")


def thousands_register(lab, balance, users):
    caller = register(lab, "register", users)
    expect_all_answered(caller, caller.wait())
    expect_equal(state(balance)["users_registered"], USERS, "users registered")
    expect_equal(state(balance)["counters"]["registered"], USERS, "REGISTERs that made bindings")


def wrong_passwords_do_not(lab, balance, users):
    before = state(balance)["counters"]["registered"]
    caller = register(lab, "wrong", users, calls=50)
    expect_equal(caller.wait().failed, 50, "registrations with a wrong password that failed")
    expect_equal(state(balance)["counters"]["registered"], before, "registrations made")


def nothing_acknowledged_is_lost(lab, balance, users):
    """Control is killed in a storm of REGISTERs: whoever got a 200 is there afterwards."""
    caller = register(lab, "storm", users, expires=900)
    caller.wait_started(USERS // 3)
    balance.control.kill()
    balance.start_control()
    balance.wait_control()
    expect_all_answered(caller, caller.wait())
    expect_equal(state(balance)["users_registered"], USERS, "users registered")
    left = [b["expires_in_s"] for row in balance.ctl_lines("show", "bindings", "--json")
            for b in row["bindings"]]
    expect_equal(len(left), USERS, "bindings")
    expect(min(left) > 600, f"a binding acknowledged for 900 s has {min(left)} s left")


def import_users(balance, n, prefix="u"):
    lines = "".join(f"{prefix}{i}@example.com secret\n" for i in range(n))
    balance.ctl("subscriber", "import", "-", text=lines)


def a_hundred_thousand_register(lab, balance):
    """And each of them is in an export."""
    import_users(balance, MANY, "m")
    before = state(balance)["counters"]["registered"]
    caller = register(lab, "many", users_file(lab, "many.csv", n=MANY, prefix="m"), calls=MANY,
                      rate=MANY_RATE)
    expect_all_answered(caller, caller.wait(timeout_s=MANY_PATIENCE_S))
    expect_equal(state(balance)["counters"]["registered"] - before, MANY,
                 "REGISTERs that made bindings")
    path = os.path.join(lab.run_dir, "export")
    balance.ctl("location", "export", path)
    with open(path, encoding="utf-8") as f:
        names = {row["aor"] for row in map(json.loads, f) if row["bindings"]}
    expect_equal(len(names & {f"sip:m{i}@example.com" for i in range(MANY)}), MANY, "exported")


def thousands_unregister(lab, balance, users):
    caller = register(lab, "unregister", users, expires=0)
    expect_all_answered(caller, caller.wait())
    rows = balance.ctl_lines("show", "bindings", "--json")
    expect_equal(sum(len(row["bindings"]) for row in rows), 0, "bindings left")


def bound(balance, user):
    rows = balance.ctl_lines("show", "bindings", f"{user}@{DOMAIN}", "--json")
    return rows and rows[0]["bindings"]


def registered_user(lab, balance, port):
    """One that answers MESSAGEs, registered with its password."""
    balance.ctl("subscriber", "add", "service@example.com", text="secret\n")
    path = os.path.join(lab.run_dir, "service.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("SEQUENTIAL\nservice;[authentication username=service password=secret]\n")
    caller = register(lab, "service", path, calls=1, port=port)
    expect_all_answered(caller, caller.wait())
    called = sipp.Called("user", lab.caller, addresses.CALLER[4], lab.log_dir,
                         sipp.from_text("answers.xml", dialogs.scripts("message")[1],
                                        lab.run_dir), port)
    lab.processes.append(called.process)
    called.wait_ready()
    return called


def known_users_stay_known(lab, balance):
    """Either process is killed while a user gets MESSAGEs: the workers locate it before, meanwhile
    and after, and nobody is told that it is not there."""
    called = registered_user(lab, balance, 5085)
    slow = balance.show("names")["slow_path"]["received"]
    located = balance.ledger().counters["located"]
    caller = sipp.Caller("to-user", lab.caller, addresses.CALLER[4],
                         addresses.host_port(addresses.OUTSIDE[4]), lab.log_dir,
                         sipp.from_text("asks.xml", dialogs.scripts("message")[0], lab.run_dir),
                         SENT, 100, port=5086, keys={"callee": "service@example.com"})
    lab.processes.append(caller.process)
    caller.wait_started(200)
    expect(balance.ledger().counters["located"] - located >= 200, "the workers located nobody")
    expect_equal(balance.show("names")["slow_path"]["received"], slow, "messages of the slow path")
    balance.control.kill()
    caller.wait_started(caller.statistics().answered + 300)  # without control
    balance.start_control()
    balance.wait_control()
    caller.wait_started(caller.statistics().answered + 200)
    balance.dataplane.kill()
    balance.start_dataplane()
    lab.wait_dataplane()
    expect_all_answered(caller, caller.wait())
    statistics = called.wait_ended(SENT)
    expect_equal((statistics.answered, statistics.failed), (SENT, 0),
                 f"MESSAGEs answered and failed by the user: {statistics}")
    expect(balance.ledger().counters["located"] > 0, "the new workers located nobody")


def caller_is_redirected(lab, balance):
    """Each contact is told, as it was registered."""
    contact = bound(balance, "bob")[0]["contact"]
    with open(os.path.join(sipp.SCENARIOS, "redirected.xml"), encoding="utf-8") as f:
        script = f.read().replace("@CONTACT@", re.escape(contact))
    caller = sipp.Caller("redirected", lab.caller, addresses.CALLER[4],
                         addresses.host_port(addresses.OUTSIDE[4]), lab.log_dir,
                         sipp.from_text("redirected.xml", script, lab.run_dir), 20, 20, port=5081,
                         keys={"callee": f"bob@{DOMAIN}"})
    lab.processes.append(caller.process)
    expect_all_answered(caller, caller.wait())


def phone_registers(lab, balance, kind, user, port, outbound=addresses.host_port(DOMAIN)):
    """With its password."""
    balance.ctl("subscriber", "add", f"{user}@{DOMAIN}", text=f"{phones.PASSWORD}\n")
    phone = kind(lab, lab.caller, user, addresses.CALLER[4], port, DOMAIN, outbound)
    phone.register()
    expect_equal(len(bound(balance, user)), 1, "contacts")
    return phone


def phone_unregisters(balance, phone):
    phone.unregister()
    wait_until(lambda: not bound(balance, phone.name), 60, f"{phone.name} to unregister")


def main():
    need_root()
    with Tap() as tap, Lab("register", tap=tap) as lab:
        balance = lab.start_strowger()
        lab.configure(extra=REGISTRAR)
        balance.ctl("reload")
        import_users(balance, USERS)
        users = users_file(lab, "users.csv")
        with tap.case("3000_users_register_with_their_passwords"):
            thousands_register(lab, balance, users)
        with tap.case("wrong_passwords_register_nobody"):
            wrong_passwords_do_not(lab, balance, users_file(lab, "wrong.csv", "guess"))
        with tap.case("nothing_acknowledged_is_lost_when_control_is_killed"):
            nothing_acknowledged_is_lost(lab, balance, users)
        with tap.case("3000_users_unregister"):
            thousands_unregister(lab, balance, users)
        with tap.case("100000_users_register_and_are_exported"):
            a_hundred_thousand_register(lab, balance)
        with tap.case("baresip_registers"):
            alice = phone_registers(lab, balance, phones.Baresip, "alice", 5080)
        with tap.case("linphone_registers"):
            bob = phone_registers(lab, balance, phones.Linphone, "bob", 5090)
        for caller, called in ((alice, bob), (bob, alice)):
            with tap.case(f"{caller.name}_calls_{called.name}_by_location"):
                phones.call_and_hang_up(caller, called, caller)
        lab.configure(extra=REGISTRAR.replace("store_mb", "calls: redirect, store_mb"))
        balance.ctl("reload")
        with tap.case("a_caller_is_redirected_to_the_contact"):
            caller_is_redirected(lab, balance)
        with tap.case("dora_calls_bob_by_redirection"):
            # One that sends its requests where their URI says: it finds the other by itself.
            dora = phone_registers(lab, balance, phones.Baresip, "dora", 5082, outbound=None)
            told = balance.ledger().counters["told"]
            capture = lab.capture("outside")
            phones.call_and_hang_up(dora, bob, bob)
            expect_equal(capture.stop(), 0, "packets that tcpdump missed")
            # One, but that it comes again when it was slow to be answered.
            asked = [m.call_id for m in capture.messages()
                     if m.method == "INVITE" and m.target == addresses.OUTSIDE[4]]
            expect_equal(len(set(asked)), 1, "calls that asked us")
            expect_equal(balance.ledger().counters["told"] - told, len(asked),
                         "INVITEs that were redirected")
        for phone in (alice, bob, dora):
            with tap.case(f"{phone.name}_unregisters"):
                phone_unregisters(balance, phone)
        lab.configure(extra=REGISTRAR.replace("store_mb", "algorithms: sha-256, store_mb"))
        balance.ctl("reload")
        with tap.case("linphone_registers_by_sha_256"):
            phone_registers(lab, balance, phones.Linphone, "carol", 5092)
        with tap.case("ledger_balances_after_registrations"):
            expect_balanced_ledger(balance, allowed=("ack_absorbed",))
        lab.configure(extra=REGISTRAR)
        balance.ctl("reload")
        with tap.case("known_users_stay_known_when_either_process_is_killed"):
            known_users_stay_known(lab, balance)


main()
