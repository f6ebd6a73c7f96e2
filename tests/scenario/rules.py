# SPDX-License-Identifier: BSD-3-Clause
"""Rules: prefixes of numbers to pools, redirections that callers follow, and rejections."""

import os
import re

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, expect_one_proxy_a_call, need_root, proxies_of_calls,
                     wait_until)
from lab import sipp

CALLS = 60
RATE = 30
FAMILY = 4
OUTSIDE = addresses.host_port(addresses.OUTSIDE[FAMILY])
MEMBERS = [f"{{name: k{i + 1}v4, address: \"{addresses.host_port(addresses.PROXIES[i][FAMILY])}\"}}"
           for i in range(2)]
# behind the list of pools, which the lab's configuration ends with
CONFIG = """  - {{name: berlin, members: [{0}]}}
  - {{name: others, members: [{1}]}}
rules:
  - name: barred
    numbers: ["+49900"]
    reject: {{code: 603, reason: "No Thanks"}}
  - name: numbers
    methods: [INVITE]
    numbers_file: {2}
    pool: others
  - {{name: desk, users: [desk], redirect: {{to: "sip:somebody@{3}"}}}}
  - {{name: away, users: [away], redirect: {{to: member, pool: berlin, status: 301}}}}
"""
NUMBERS = """; prefix, and its pool
+49
# the capital
+4930 berlin
"""


def scenario_of(name, user):
    with open(os.path.join(sipp.SCENARIOS, name), encoding="utf-8") as f:
        return f.read().replace("@PADDING@\n", "").replace("sip:service@", f"sip:{user}@")


def caller(lab, name, text, calls=CALLS):
    lab.callers += 1
    one = sipp.Caller(name, lab.caller, addresses.CALLER[FAMILY], OUTSIDE, lab.log_dir,
                      sipp.from_text(f"{name}.xml", text, lab.run_dir), calls, RATE,
                      port=5070 + lab.callers)
    lab.processes.append(one.process)
    return one


def hits(balance):
    return {row["name"]: row["hits"] for row in balance.show("rules")["rules"]}


def numbers_go_to_the_pool_of_their_prefix(lab, balance):
    """The longest prefix counts, separators do not."""
    capture = lab.capture("inside")
    before = hits(balance)["numbers"]
    calls = {"berlin": caller(lab, "berlin", scenario_of("uac.xml", "+49-30-1234")),
             "others": caller(lab, "others", scenario_of("uac.xml", "+49(40)1234"))}
    for one in calls.values():
        expect_all_answered(one, one.wait())
    capture.stop()
    seen = proxies_of_calls(capture.messages(), FAMILY)
    expect_one_proxy_a_call(seen, 2 * CALLS)
    for i, (name, one) in enumerate(calls.items()):
        proxies = {proxy for call, where in seen.items() if one.made(call) for proxy in where}
        expect_equal(proxies, {addresses.PROXIES[i][FAMILY]}, f"proxies of calls to {name}")
    retransmitted = sum(one.statistics().retransmissions for one in calls.values())
    counted = hits(balance)["numbers"] - before
    expect(2 * CALLS <= counted <= 2 * CALLS + retransmitted,
           f"{counted} hits of {2 * CALLS} calls, {retransmitted} sent again")


def callers_follow_a_redirection(lab):
    text = scenario_of("follows.xml", "").replace("@USER@", "desk")
    one = caller(lab, "follows", text)
    expect_all_answered(one, one.wait())


def callers_are_told_a_member(lab):
    contact = re.escape(f"sip:away@{addresses.host_port(addresses.PROXIES[0][FAMILY])}")
    text = scenario_of("redirected.xml", "").replace("@CONTACT@", contact)
    text = text.replace('response="302"', 'response="301"').replace("[callee]", f"away@{OUTSIDE}")
    one = caller(lab, "away", text)
    expect_all_answered(one, one.wait())


def barred_numbers_are_rejected(lab, balance):
    text = scenario_of("redirected.xml", "")
    text = re.sub(r"<recv response=.302.>.*?</recv>", '<recv response="603"></recv>', text,
                  flags=re.S)
    text = re.sub(r" *<Reference[^>]*>\n", "", text)
    before = balance.ledger().counters["ack_absorbed"]
    one = caller(lab, "barred", text.replace("[callee]", f"+49.900.1@{OUTSIDE}"))
    expect_all_answered(one, one.wait())
    wait_until(lambda: balance.ledger().counters["ack_absorbed"] - before >= CALLS, 60,
               "each ACK to end here")


def main():
    need_root()
    with Tap() as tap, Lab("rules", tap=tap) as lab:
        lab.start_farm()
        balance = lab.start_strowger()
        numbers = os.path.join(lab.run_dir, "numbers")
        with open(numbers, "w", encoding="utf-8") as f:
            f.write(NUMBERS)
        lab.configure(extra=CONFIG.format(*MEMBERS, numbers, OUTSIDE))
        balance.ctl("reload")
        with tap.case("numbers_go_to_the_pool_of_their_prefix"):
            numbers_go_to_the_pool_of_their_prefix(lab, balance)
        with tap.case("callers_follow_a_redirection"):
            callers_follow_a_redirection(lab)
        with tap.case("callers_are_told_a_member"):
            callers_are_told_a_member(lab)
        with tap.case("barred_numbers_are_rejected"):
            barred_numbers_are_rejected(lab, balance)
        with tap.case("every_packet_accounted_for"):
            expect_balanced_ledger(balance, ("ack_absorbed",))


main()
