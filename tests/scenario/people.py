# SPDX-License-Identifier: BSD-3-Clause
"""What people are shown is what happened: trace, explain, replay, metrics, against the cables."""

import collections
import json
import os
import sys

from _common import (Lab, Tap, addresses, expect, expect_all_answered, expect_balanced_ledger,
                     expect_equal, need_root, wait_until)

ANSWERER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab",
                        "answer.py")
CALLS = 60
RATE = 30
BAD = (b"OPTIONS sip:nobody@192.0.2.1 SIP/2.0\r\n"
       b"Via: SIP/2.0/UDP 192.0.2.2:5099;branch=z9hG4bKbad\r\n"
       b"From: <sip:a@192.0.2.2>;tag=1\r\nTo: <sip:nobody@192.0.2.1>\r\nCall-ID: bad@caller\r\n"
       b"CSeq: one OPTIONS\r\nContent-Length: 0\r\n\r\n")

FAR_HOST = "203.0.113.9"
OUTWARDS = (b"OPTIONS sip:x@203.0.113.9 SIP/2.0\r\n"
            b"Via: SIP/2.0/UDP 198.51.100.11;branch=z9hG4bKoutwards\r\nMax-Forwards: 70\r\n"
            b"From: <sip:a@192.0.2.2>;tag=1\r\nTo: <sip:x@203.0.113.9>\r\n"
            b"Call-ID: outwards@proxy\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")


def proxies_of_invites(capture):
    """{Call-ID: proxy} as the farm's cable saw it."""
    return {m.call_id: m.target for m in capture.messages()
            if m.method == "INVITE" and m.source == addresses.INSIDE[4]}


def records(balance, *options):
    return balance.ctl_lines("trace", "--past", "--json", *options)


def trace_tells_where_each_call_went(balance, went):
    shown = {}
    for record in records(balance, "--method", "INVITE", "--address", addresses.CALLER[4]):
        if record["first_line"].startswith("INVITE ") and record["action"] == "forward":
            shown[record["call_id"]] = record["to"].split(":")[0]
    expect_equal(shown, went, "where INVITEs went, by the recorder and by the cable")


def a_call_is_recorded_whole(balance, cables, went):
    """As often as each of its messages came, which on a slow machine may be more than once."""
    call = next(iter(went))
    lines = [record["first_line"] for record in records(balance, "--call-id", call)]
    words = collections.Counter(line.split()[1] if line.startswith("SIP/2.0 ")
                                else line.split()[0] for line in lines)
    came = collections.Counter(
        m.method or str(m.status) for cable in cables for m in cable.messages()
        if m.call_id == call and m.target in (addresses.OUTSIDE[4], addresses.INSIDE[4]))
    expect_equal(words, came, f"messages of a call in {lines}, and on the cables")
    expect({"INVITE", "ACK", "BYE", "200"} <= set(words), f"messages of a call: {words}")


def explain_agrees_with_what_happened(balance, went):
    for call, proxy in list(went.items())[:10]:
        answer = json.loads(balance.ctl("explain", "--call-id", call, "--json")[1])["results"][0]
        expect_equal(answer["verdict"]["to"].split(":")[0], proxy, f"where {call} would go")
        expect_equal(sum(c["taken"] for c in answer["candidates"]), 1, "members taken")
        hop = answer["verdict"]["next_hop"]
        expect_equal((hop["address"], hop["port"]), (proxy, "inside"), "next hop")


def explain_knows_the_kernels_routes(lab, balance):
    """A network behind a host of the outer net, which no configuration tells of."""
    path = os.path.join(lab.run_dir, "outwards")
    with open(path, "wb") as f:
        f.write(OUTWARDS)

    def hop():
        return json.loads(balance.ctl(
            "explain", path, "--from", f"{addresses.PROXIES[0][4]}:5060", "--to",
            f"{addresses.INSIDE[4]}:5060", "--json")[1])["results"][0]["verdict"]["next_hop"]

    expect_equal(hop(), None, "next hop before there is a route")
    lab.balancer.ip("route", "add", f"{FAR_HOST}/32", "via", addresses.CALLER[4], "dev",
                    lab.twin("outside"))
    found = wait_until(hop, 60, "the kernel's route to be known")
    expect_equal((found["address"], found["port"]), (addresses.CALLER[4], "outside"), "next hop")
    text = balance.ctl("explain", path, "--from", f"{addresses.PROXIES[0][4]}:5060", "--to",
                       f"{addresses.INSIDE[4]}:5060")[1]
    expect(f"next hop: {addresses.CALLER[4]} at port outside\n" in text, text)


def replay_of_the_callers_cable_agrees(balance, outside, went):
    """It has no memory: an INVITE that came again is decided again."""
    answer = json.loads(balance.ctl("replay", outside.path, "--json")[1])
    expect(not answer["damaged"] and answer["messages"] >= 4 * CALLS, answer)
    came = [m.call_id for m in outside.messages()
            if m.method == "INVITE" and m.target == addresses.OUTSIDE[4]]
    for i, proxy in enumerate(p[4] for p in addresses.PROXIES):
        wanted = sum(went[call] == proxy for call in came)
        replayed = sum(n for what, n in answer["decisions"].items()
                       if proxy in what and what.endswith("by hash"))
        expect_equal(replayed, wanted, f"calls of proxy {i + 1}, replayed and seen")


def fetch(lab, path):
    """What the balancer's HTTP port, which only its own loopback has, answers."""
    return lab.balancer.run(
        sys.executable, "-c", "import sys, urllib.request as u; "
        "print(u.urlopen('http://127.0.0.1:8460' + sys.argv[1], timeout=30).read().decode())", path)


def sum_of(text, name, *labels):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name) and all(label in line for label in labels))


def sent(balance):
    return balance.show("counters")["total"]["counters"]["sent"]


def metrics_add_up(lab, balance, inside, went):
    def between_probes():
        """The metrics, and how many messages were sent, if none was meanwhile."""
        before = sent(balance)
        text = fetch(lab, "/metrics")
        return (text, before) if sent(balance) == before else None

    text, n_sent = wait_until(between_probes, 60, "nothing to be sent while metrics are read")
    # One that came again, after a slow answer, went again.
    n_invites = sum(m.method == "INVITE" and m.source == addresses.INSIDE[4]
                    for m in inside.messages())
    expect_equal(sum_of(text, "strowger_member_new_calls_total{"), n_invites, "new calls")
    expect_equal(sum_of(text, "strowger_packets_ended_total{", 'end="sent"'), n_sent, "sent")
    expect(sum_of(text, "strowger_member_first_answer_seconds_count") >= len(went),
           "times to the first answer")
    for stage in ("rx", "decap", "parse", "classify", "route", "rewrite", "tx"):
        expect(sum_of(text, "strowger_stage_duration_seconds_count{", f'stage="{stage}"') > 0,
               f"stage {stage} was never timed")


def listening(lab):
    """TCP addresses that somebody listens at in the balancer."""
    return [line.split()[3] for line in lab.balancer.run("ss", "-ltnH").splitlines()]


def rising_errors_take_a_configuration_back(lab, balance):
    """A member whose answers are all 503, and whom nobody watches, comes with a configuration that
    nobody confirms."""
    with open(balance.config_file, encoding="utf-8") as f:
        before = f.read()
    member = f"      - {{name: sick, address: \"{addresses.PHONES[0][4]}:5098\", weight: 200}}\n"
    path = os.path.join(lab.run_dir, "sick.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(before.replace("    members:\n", "    health: {probes: false, window_s: 0}\n"
                               "    members:\n" + member, 1))
    answering = lab.run_in(lab.farm, "sick", sys.executable, ANSWERER, addresses.PHONES[0][4],
                           "5098")
    answering.wait_for(lambda: "ready" in answering.output(), 60, "the sick member")
    balance.ctl("apply", path, "--confirm", "3600")
    expect("sick" in balance.members(), "the configuration is not served")
    lab.call(rate=RATE)  # until the lab ends
    wait_until(lambda: "sick" not in balance.members(), 60, "the configuration before to be back")
    why = json.loads(balance.ctl("history", "--json")[1])["undone"]["why"]
    expect("errors rose" in why, why)
    with open(balance.config_file, encoding="utf-8") as f:
        expect_equal(f.read(), before, "the file")


def the_page_is_served_to_loopback_alone(lab):
    expect_equal(listening(lab), ["127.0.0.1:8460"], "TCP addresses of the balancer")
    page = fetch(lab, "/")
    expect("<title>Strowger</title>" in page, page[:200])


def the_bad_byte_is_shown(lab, balance):
    with lab.caller.socket() as s:
        s.bind((addresses.CALLER[4], 5099))
        s.settimeout(60)
        s.sendto(BAD, (addresses.OUTSIDE[4], addresses.SIP_PORT))
        expect(s.recv(4096).startswith(b"SIP/2.0 400 "), "no 400")

    def shown():
        out = balance.ctl("last-errors")[1]
        return out if f"^ byte {BAD.index(b'one')}" in out else None

    out = wait_until(shown, 60, "the rejected message in last-errors")
    expect("CSeq: one OPTIONS" in out and "RFC 3261" in out, out)


def an_export_can_be_replayed(lab, balance, went):
    path = os.path.join(lab.run_dir, "export.pcapng")
    balance.ctl("trace", "--past", "--method", "INVITE", "--write", path)
    answer = json.loads(balance.ctl("replay", path, "--json")[1])
    expect(answer["messages"] >= len(went) and not answer["damaged"], answer)


def main():
    need_root()
    with Tap() as tap, Lab("people", tap=tap) as lab:
        lab.start_farm()
        # A worker records each message of bursts that are no larger than this.
        balance = lab.start_strowger(weights=(10, 30), dataplane=("burst: 8",))
        outside, inside = lab.capture("outside"), lab.capture("inside")
        caller = lab.call(calls=CALLS, rate=RATE)
        with tap.case("calls_end_well"):
            expect_all_answered(caller, caller.wait())
        expect_balanced_ledger(balance)
        expect_equal((outside.stop(), inside.stop()), (0, 0), "packets that tcpdump missed")
        went = proxies_of_invites(inside)
        with tap.case("trace_tells_where_each_call_went"):
            expect_equal(len(went), CALLS, "calls on the farm's cable")
            trace_tells_where_each_call_went(balance, went)
        for case, arguments in ((a_call_is_recorded_whole, (balance, (outside, inside), went)),
                                (explain_agrees_with_what_happened, (balance, went)),
                                (explain_knows_the_kernels_routes, (lab, balance)),
                                (replay_of_the_callers_cable_agrees, (balance, outside, went)),
                                (metrics_add_up, (lab, balance, inside, went)),
                                (the_page_is_served_to_loopback_alone, (lab,)),
                                (an_export_can_be_replayed, (lab, balance, went)),
                                (the_bad_byte_is_shown, (lab, balance)),
                                (rising_errors_take_a_configuration_back, (lab, balance))):
            with tap.case(case.__name__):
                case(*arguments)


main()
