# SPDX-License-Identifier: BSD-3-Clause
"""What administrators ask a SIP server with (sipsak), and what strangers do (SIPVicious). The first are
served, the others learn nothing that helps them."""

import re

from _common import (Lab, Tap, addresses, expect, expect_balanced_ledger, expect_equal, need_root,
                     wait_until)
from lab.kamailio import Way

FAMILY = 4
US = addresses.OUTSIDE[FAMILY]
HERE = addresses.CALLER[FAMILY]
PHONE = f"sip:alice@{US}"
PORT = 5075
# It asks for the machine's own name otherwise, which not every machine can resolve.
SIPSAK = ("sipsak", "-H", HERE)
FLOOD, FLOODS = 200, 2  # at once; a veth's queue holds 256, so that none is lost before we had it
WAIT_S = 180
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")
FOUND = re.compile(r"^\| *(\d\S+:\d+) *\| *(.*?) *\|$", re.MULTILINE)

# By strangers, all at once: name, command, what they may find
SVMAP = ("-p5060", "-t", "0.05", "-b", HERE)
STRANGERS = [
    ("svwar_register", ("svwar", "-e100-104", US)),
    ("svwar_invite", ("svwar", "-m", "INVITE", "-e100-104", US)),
    ("svwar_options", ("svwar", "-m", "OPTIONS", "-e100-104", US)),
    ("svcrack", ("svcrack", "-u", "alice", "-r100-104", US)),
]


def output(process):
    with open(process.log, encoding="utf-8", errors="replace") as f:
        return f.read()


class Tools:
    """Starts programs at the caller's."""

    def __init__(self, lab):
        self.lab = lab
        self.n = 0

    def start(self, *argv):
        self.n += 1
        # None of them ends for sure by itself.
        return self.lab.run_in(self.lab.caller, f"{argv[0]}{self.n}", "timeout", str(WAIT_S // 2),
                               *argv)

    def run(self, *argv):
        """(exit code, all it said)"""
        process = self.start(*argv)
        return process.wait_exit(WAIT_S), output(process)


def answers_options(tools):
    """200, and no word on who we are: no product, no version, no address but those asked with."""
    code, text = tools.run(*SIPSAK, "-vvv", "-s", f"sip:{US}")
    expect_equal(code, 0, f"exit code of sipsak ({text})")
    answer = text.partition("message received")[2].partition("**")[0]
    expect("SIP/2.0 200 OK" in answer, f"no 200: {answer}")
    for word in ("server:", "user-agent:", "strowger", "kamailio", "contact:"):
        expect(word not in answer.lower(), f"{word} in: {answer}")
    expect(set(ADDRESS.findall(answer)) <= {US, HERE}, f"addresses in: {answer}")


def registers(tools):
    """Its usrloc mode registers, asks what is registered, and removes it."""
    code, text = tools.run(*SIPSAK, "-U", "-i", "-vv", "-C", f"sip:alice@{HERE}:{PORT}", "-l",
                           str(PORT), "-a", "lab", "-x", "30", "-s", PHONE)
    expect_equal(code, 0, f"exit code of sipsak ({text})")
    expect("usrloc tests completed successful" in text, text)


def traceroute_ends_at_us(tools):
    """OPTIONS with Max-Forwards 0 is answered by us; nobody behind us shows."""
    code, text = tools.run(*SIPSAK, "-T", "-i", "-s", PHONE)
    expect_equal(code, 0, f"exit code of sipsak ({text})")
    expect_equal(text.count("SIP/2.0 200"), 1, f"answers in: {text}")
    expect("1:" not in text, f"a second hop in: {text}")


def flood_to_the_discard_port(tools, balance):
    """Its flood asks for answers at port 9, where we send nothing (sipsak's way to get none)."""
    for _ in range(FLOODS):
        before = balance.ledger().counters["closed_port"]
        code, text = tools.run(*SIPSAK, "-F", "-e", str(FLOOD), "-s", f"sip:{US}")
        expect_equal(code, 0, f"exit code of sipsak ({text})")
        wait_until(lambda: balance.ledger().counters["closed_port"] - before == FLOOD, 60,
                   f"{FLOOD} requests to get no answer")


def survives_random_bytes(tools):
    tools.run(*SIPSAK, "-R", "-t", "10", "-s", f"sip:x@{US}")
    answers_options(tools)


def maps_us_alone(tools):
    """svmap sees that somebody speaks SIP at our address, not what; and nobody of the farm, though it
    asks each address of its net: our inner side answers, the members are out of reach."""
    outside = tools.start("svmap", *SVMAP, "192.0.2.0/29")
    inside = tools.start("svmap", *SVMAP, "198.51.100.0/27")
    found = {}
    for process in (outside, inside):
        expect_equal(process.wait_exit(WAIT_S), 0, "exit code of svmap")
        found |= dict(FOUND.findall(output(process)))
    ours = {addresses.host_port(a[FAMILY]) for a in (addresses.OUTSIDE, addresses.INSIDE)}
    expect(addresses.host_port(US) in found, f"svmap did not even see us: {found}")
    expect(set(found) <= ours, f"svmap found others: {found}")
    expect_equal(set(found.values()), {"unknown"}, "products that svmap knows")


def strangers_find_nothing(tap, tools):
    running = [(name, tools.start(*argv)) for name, argv in STRANGERS]
    for name, process in running:
        with tap.case(f"scanners_{name}_finds_nothing"):
            process.wait_exit(WAIT_S)
            text = output(process)
            expect("found nothing" in text, f"{name} found something: {text}")


def main():
    need_root()
    with Tap() as tap, Lab("scanners", tap=tap) as lab:
        lab.start_proxies(Way(registrar=True), Way(registrar=True))
        balance = lab.start_strowger(weights=(1, 0))
        lab.route(lab.caller, addresses.OUTSIDE)
        tools = Tools(lab)
        with tap.case("sipsak_gets_200_to_options_that_tells_nothing"):
            answers_options(tools)
        with tap.case("sipsak_registers_with_password"):
            registers(tools)
        with tap.case("sipsak_traceroute_ends_at_us"):
            traceroute_ends_at_us(tools)
        with tap.case("sipsak_flood_gets_no_answer_at_the_discard_port"):
            flood_to_the_discard_port(tools, balance)
        with tap.case("sipsak_random_bytes_are_survived"):
            survives_random_bytes(tools)
        with tap.case("svmap_maps_us_alone"):
            maps_us_alone(tools)
        strangers_find_nothing(tap, tools)
        with tap.case("scanners_ledger_balances"):
            # Random bytes that hit the start line leave nothing that could be SIP.
            expect_balanced_ledger(balance, ("malformed", "not_sip", "closed_port",
                                             "answer_budget", "ack_unroutable", "ack_absorbed"))


main()
