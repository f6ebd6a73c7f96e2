# SPDX-License-Identifier: BSD-3-Clause
"""explain, replay and plan: answers of the code the workers run, without any worker."""

import base64
import json
import os
import struct

from rig import MEMBERS, expect, expect_equal, run_suites, until

EDGE = "192.0.2.1:5060"
CALLER = "192.0.2.99:5060"


def invite(call_id, method="INVITE", extra="", to_tag="", max_forwards=70):
    return (f"{method} sip:bob@192.0.2.1 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK-1\r\n"
            f"{extra}From: <sip:alice@192.0.2.99>;tag=a\r\nTo: <sip:bob@192.0.2.1>{to_tag}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 {method}\r\nMax-Forwards: {max_forwards}\r\n"
            "Content-Length: 0\r\n\r\n").encode()


def write(r, name, data):
    path = os.path.join(r.dir, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def explain(r, data, *options):
    answer = json.loads(r.good("explain", write(r, "message", data), "--json", *options))
    return answer["results"][0]


def endpoint(text):
    host, port = text.split(":")
    return bytes(int(part) for part in host.split(".")), int(port)


def udp_packet(data, source=CALLER, target=EDGE, vlan=False, fragment=False):
    (src, sport), (dst, dport) = endpoint(source), endpoint(target)
    udp = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0x2000 if fragment else 0, 64, 17, 0)
    tag = b"\x81\x00\x00\x07" if vlan else b""
    return bytes(12) + tag + b"\x08\x00" + ip + src + dst + udp


def pcap(packets, order="<", link=1, magic=0xa1b2c3d4):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for i, packet in enumerate(packets):
        out += struct.pack(order + "IIII", i, 0, len(packet), len(packet)) + packet
    return out


def pcapng(packets, order="<"):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + size + body + size

    out = block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack(order + "HHI", 1, 0, 0))
    for packet in packets:
        out += block(6, struct.pack(order + "IIIII", 0, 0, 0, len(packet), len(packet)) + packet)
    return out


def a_new_call_goes_by_hash(r):
    result = explain(r, invite("one@caller"))
    expect_equal((result["listener"], result["from"]), ("edge", CALLER), "listener and sender")
    expect_equal((result["verdict"]["action"], result["verdict"]["how"]), ("forward", "hash"), "how")
    taken = [c for c in result["candidates"] if c["taken"]]
    expect_equal([c["name"] for c in taken], [result["verdict"]["member"]], "taken")
    expect_equal(sum(c["slots"] for c in result["candidates"]), result["key"]["slots"], "slots")
    other = [c for c in result["candidates"] if not c["taken"]]
    expect_equal([c["why"] for c in other], ["the slot is another's"], "why not")
    leaves = base64.b64decode(result["rewritten_base64"]).decode()
    expect(leaves.startswith("INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;"),
           leaves)
    expect("Record-Route: <sip:192.0.2.1:5060;lr;stw=" in leaves, leaves)
    expect("Max-Forwards: 69\r\n" in leaves, leaves)


def the_cookie_names_the_member(r):
    first = explain(r, invite("two@caller"))
    leaves = base64.b64decode(first["rewritten_base64"]).decode()
    route = next(line for line in leaves.split("\r\n") if line.startswith("Record-Route: "))
    result = explain(r, invite("two@caller", "BYE", route[len("Record-"):] + "\r\n", ";tag=b"))
    expect_equal(result["verdict"]["how"], "cookie", "how")
    expect_equal(result["verdict"]["member"], first["verdict"]["member"], "member")
    forged = route[len("Record-"):].replace("stw=", "stw=0")[:-2] + ">"
    result = explain(r, invite("two@caller", "BYE", forged + "\r\n", ";tag=b"))
    expect_equal(result["verdict"]["how"], "hash", "how, when the cookie is forged")


def what_is_not_forwarded_says_why(r):
    verdict = explain(r, invite("x", max_forwards=0))["verdict"]
    expect_equal((verdict["action"], verdict["status"]), ("answer", 483), "no hops left")
    result = explain(r, invite("x").replace(b"CSeq: 1 INVITE", b"CSeq: one INVITE"))
    expect_equal((result["verdict"]["status"], result["message"]["rejected"]["name"]), (400, "cseq"),
                 "a bad CSeq")
    bad = invite("x").replace(b"CSeq: 1 INVITE", b"CSeq: one INVITE")
    expect_equal(result["message"]["rejected"]["offset"], bad.index(b"one"), "the byte that told")
    result = explain(r, b"hello\r\n\r\n")
    expect(not result["decided"] and "first line" in result["why_not"], result)
    result = explain(r, invite("x"), "--to", "192.0.2.7:5060")
    expect(not result["decided"] and "no listener" in result["why_not"], result)
    r.good("drain", "k1")
    why = {c["name"]: c["why"] for c in explain(r, invite("one@caller"))["candidates"]}
    expect("drained" in why["k1"], why)
    r.good("undrain", "k1")


def people_can_read_it(r):
    out = r.good("explain", write(r, "message", invite("one@caller\x1b[2J".replace("\x1b", "%"))))
    for text in ("decision: forward to k", "listener: edge (192.0.2.1:5060)", "CANDIDATE", "slot "):
        expect(text in out, out)
    code, _, err = r.run("explain", os.path.join(r.dir, "no-such-file"))
    expect(code == 1 and "No such file" in err, err)
    out = r.good("explain", write(r, "message", invite("x").replace(b"bob", b"bo\x9b\x01b", 1)))
    expect("\x01" not in out, "a control character reached the terminal")


def captures_of_every_kind(r):
    packets = [udp_packet(invite(f"call-{i}@c"), vlan=i % 2 == 1) for i in range(20)]
    packets += [udp_packet(invite("f"), fragment=True), bytes(60), b""]
    wanted = None
    for data in (pcap(packets), pcap(packets, ">"), pcap(packets, magic=0xa1b23c4d),
                 pcapng(packets), pcapng(packets, ">"),
                 pcap([p[14 + 4 * (p[12:13] == b"\x81"):] for p in packets], link=101)):
        answer = json.loads(r.good("replay", write(r, "capture", data), "--json"))
        expect_equal((answer["messages"], answer["undecided"]), (20, 0), "messages")
        expect_equal((answer["fragments"], answer["others"], answer["damaged"]), (1, 2, False),
                     "left out")
        wanted = wanted or answer["decisions"]
        expect_equal(answer["decisions"], wanted, "decisions")
    expect_equal(sum(wanted.values()), 20, "decisions")
    whole = pcapng(packets)
    for cut in range(0, len(whole), 97):
        code, out, err = r.run("replay", write(r, "capture", whole[:cut]), "--json")
        expect(code in (0, 1), f"cut at {cut}: {code} {err}")
    result = json.loads(r.good("explain", write(r, "capture", whole), "--packet", "3", "--json"))
    expect_equal(result["results"][0]["message"]["call_id"], "call-2@c", "the third packet")


def replay_tells_what_another_configuration_changes(r):
    packets = [udp_packet(invite(f"call-{i}@c")) for i in range(400)]
    capture = write(r, "capture", pcap(packets))
    with open(r.config, "rb") as f:
        text = f.read()
    same = write(r, "same.yaml", text)
    answer = json.loads(r.good("replay", capture, "--config", same, "--json"))
    expect_equal(answer["different"], [], "by the same file")
    other = write(r, "other.yaml", text.replace(b"address: 198.51.100.12", b"address: 198.51.100.13"))
    answer = json.loads(r.good("replay", capture, "--config", other, "--json"))
    moved = len(answer["different"])
    were = sum(n for what, n in answer["decisions"].items() if "to k2" in what)
    expect(0 < were <= moved < 400, f"{moved} of 400 differ, {were} went to the member that moved")
    for row in answer["different"]:
        expect(row["verdict"]["to"] != row["would"]["verdict"]["to"], row)
    out = r.good("replay", capture, "--config", other)
    expect(f"{moved} decided otherwise by {other}" in out, out[-300:])


REGISTRAR = "registrar: {domains: [example.com], calls: location}\n"


def registered(user, address):
    """A line of `location import`."""
    return json.dumps({"aor": f"sip:{user}@example.com", "bindings": [
        {"contact": f"sip:{user}@{address}", "source": address, "listener": EDGE,
         "expires_s": 4000000000, "call_id": "c", "cseq": 1}]}) + "\n"


def another_configuration_finds_users_where_they_are(r):
    """Whoever is registered with the registrar that runs is found by a configuration that does not."""
    r.write(extra=REGISTRAR)
    r.good("reload")
    where = "203.0.113.5:5062"
    r.good("location", "import", write(r, "users", registered("carol", where).encode()))
    calls = [invite(f"call-{user}@c").replace(b"sip:bob@192.0.2.1 SIP",
                                              f"sip:{user}@example.com SIP".encode())
             for user in ("carol", "nobody")]
    capture = write(r, "capture", pcap([udp_packet(call) for call in calls]))
    with open(r.config, "rb") as f:
        text = f.read()

    def would(configuration):
        """What @configuration makes of the calls that it decides otherwise, by Call-ID."""
        other = write(r, "other.yaml", configuration)
        answer = json.loads(r.good("replay", capture, "--config", other, "--json"))
        for row in answer["different"]:
            now, then = row["verdict"], row["would"]["verdict"]
            yield (row["message"]["call_id"], now.get("status") or now["to"],
                   then.get("status") or then["to"])

    carol, nobody = (explain(r, call)["verdict"] for call in calls)
    expect_equal((carol["to"], nobody["status"]), (where, 404), "by what runs")
    expect_equal(list(would(text)), [], "by the same file")
    redirect = text.replace(b"calls: location", b"calls: redirect")
    expect_equal(list(would(redirect)), [("call-carol@c", where, 302)], "by redirection")
    farm = list(would(text.replace(b"calls: location", b"calls: pool")))
    expect_equal([(call, now) for call, now, _ in farm],
                 [("call-carol@c", where), ("call-nobody@c", 404)], "by the pool: both differ")
    members = {f"{address}:5060" for _, address, _ in MEMBERS}
    expect({then for _, _, then in farm} <= members, farm)
    # The other way round: the registrar runs, but only the other one asks it.
    r.write(extra=REGISTRAR.replace("calls: location", "calls: pool"))
    r.good("reload")
    expect_equal([(call, then) for call, _, then in would(text)],
                 [("call-carol@c", where), ("call-nobody@c", 404)], "only the other one asks")
    r.good("unbind", "carol@example.com")
    expect_equal([(call, then) for call, _, then in would(redirect)],
                 [("call-carol@c", 404), ("call-nobody@c", 404)], "of one who is gone")
    r.write()
    r.good("reload")


def plan_tells_what_moves(r):
    with open(r.config, "rb") as f:
        text = f.read()
    plan = json.loads(r.good("plan", write(r, "new.yaml", text), "--json"))
    expect_equal(plan["pools"][0]["moved_share"], 0, "the same file moves")
    third = text.replace(b"      - {name: k2", b"      - {name: k3, address: 198.51.100.13, "
                         b"weight: 10}\n      - {name: k2")
    plan = json.loads(r.good("plan", write(r, "new.yaml", third), "--json"))
    pool = plan["pools"][0]
    expect(abs(pool["moved_share"] - 1 / 3) < 0.02, f"moved {pool['moved_share']}")
    new = {m["name"]: m for m in pool["members"]}
    expect_equal((new["k3"]["was"], new["k3"]["share_before"]), (False, 0), "k3 before")
    expect(abs(new["k3"]["share_after"] - 1 / 3) < 0.001, new["k3"])
    out = r.good("plan", write(r, "new.yaml", third))
    expect("of new calls move" in out and "k3" in out, out)
    number = r.members()["k2"]["number"]
    for command in ("open", "open", "open", "close"):
        r.tell_fake(f"{command} {number}")
    pool = json.loads(r.good("plan", write(r, "new.yaml", third), "--json"))["pools"][0]
    expect_equal({m["name"]: m["open"] for m in pool["members"]}, {"k1": 0, "k2": 2, "k3": None},
                 "open requests")
    less = text.replace(b"      - {name: k2, address: 198.51.100.12, weight: 10}\n", b"")
    pool = json.loads(r.good("plan", write(r, "new.yaml", less), "--json"))["pools"][0]
    expect_equal([(m["stays"], m["open"]) for m in pool["members"]], [(True, 0), (False, 2)],
                 "open requests when k2 goes")
    rows = [line.split() for line in r.good("plan", write(r, "new.yaml", third)).splitlines()]
    expect_equal({row[0]: row[-1] for row in rows if row and row[0] in ("k1", "k2", "k3")},
                 {"k1": "0", "k2": "2", "k3": "-"}, "the column OPEN NOW")
    elsewhere = third.replace(b"/state\n", b"/nothing-there-yet\n")
    plan = json.loads(r.good("plan", write(r, "new.yaml", elsewhere), "--json"))
    expect(abs(plan["pools"][0]["moved_share"] - 1 / 3) < 0.02, "moved, with another state_dir")
    expect(not os.path.exists(os.path.join(r.dir, "nothing-there-yet")), "a plan made a state_dir")
    code, _, err = r.run("plan", write(r, "new.yaml", b"pools: 7\n"))
    expect(code == 1 and "/new.yaml:1: " in err, err)
    expect_equal([m["name"] for m in r.show("pools")["pools"][0]["members"]],
                 [name for name, _, _ in MEMBERS], "members after plans")


def plan_predicts_the_load_of_each_member(r):
    """What comes now, spread by the shares that would be."""
    with open(r.config, "rb") as f:
        text = f.read()
    heavy = write(r, "new.yaml", text.replace(
        b"      - {name: k2", b"      - {name: k3, address: 198.51.100.13, weight: 60}\n"
        b"      - {name: k2"))

    def planned():
        """Once calls are counted in the last ten seconds; more come until they are."""
        for _ in range(20):
            r.tell_fake(f"count {r.members()['k1']['number']}")
        pool = json.loads(r.good("plan", heavy, "--json"))["pools"][0]
        return pool if (pool["calls_per_s"] or 0) > 2 else None

    pool = until(planned, "a rate of calls")
    rate, members = pool["calls_per_s"], {m["name"]: m for m in pool["members"]}
    expect(abs(members["k3"]["share_after"] - 0.75) < 0.01, members["k3"])
    for name, m in members.items():
        expect(abs(m["calls_per_s_after"] - rate * m["share_after"]) <= 0.11, f"{name}: {m}, {rate}")
        expect(abs(m["calls_per_s_before"] - rate * m["share_before"]) <= 0.11, f"{name}: {m}")


RULES = """rules:
  - {name: texts, methods: [MESSAGE], pool: farm}
  - name: berlin
    numbers: ["+4930", {prefix: "+49301", pool: farm}]
    pool: farm
  - {name: away, users: ["bo*"], redirect: {to: member, pool: farm, status: 301}}
"""


def a_rule_is_told_with_those_before_it(r):
    r.write(extra=RULES)
    r.good("reload")
    result = explain(r, invite("rule"))
    expect_equal((result["verdict"]["action"], result["verdict"]["status"],
                  result["verdict"]["rule"]), ("answer", 301, "away"), "verdict")
    rules = result["rules"]
    expect_equal((rules["matched"], [row["name"] for row in rules["tried"]]),
                 ("away", ["texts", "berlin"]), "rules")
    expect("method" in rules["tried"][0]["why_not"] and "number" in rules["tried"][1]["why_not"],
           rules)
    rewritten = base64.b64decode(result["rewritten_base64"])
    expect(b"Contact: <sip:bob@198.51.100." in rewritten, rewritten)
    text = r.good("explain", write(r, "message", invite("rule")))
    expect("rule:     away" in text and "before it texts: the method" in text, text)
    number = invite("n").replace(b"sip:bob@192.0.2.1 SIP", b"tel:+49-30-1234 SIP")
    expect_equal(explain(r, number)["rules"]["matched"], "berlin", "number")
    other = invite("o").replace(b"sip:bob@192.0.2.1 SIP", b"sip:alice@192.0.2.1 SIP")
    rules = explain(r, other)["rules"]
    expect_equal((rules["matched"], len(rules["tried"])), (None, 3), "none fits")
    dialog = explain(r, invite("rule", method="BYE", to_tag=";tag=1"))
    expect("dialog" in dialog["rules"]["not_asked"], dialog["rules"])
    rows = r.show("rules")["rules"]
    expect_equal([(row["name"], row["action"], row["hits"]) for row in rows],
                 [("texts", "pool farm", 0), ("berlin", "pool farm", 0),
                  ("away", "301 to a member of farm", 0)], "show rules")
    shown = r.good("show", "rules")
    expect("2 numbers" in shown and "HITS/S" in shown, "show rules")
    r.write()
    r.good("reload")


def what_control_takes_over_says_what_for(r):
    r.write(extra="rules:\n  - {name: left, methods: [SUBSCRIBE], to: kernel}\n")
    r.good("reload")
    subscribe = invite("k", method="SUBSCRIBE")
    verdict = explain(r, subscribe)["verdict"]
    expect_equal((verdict["action"], verdict["for"], verdict["rule"], "name" in verdict),
                 ("resolve", "a rule", "left", False), "verdict of a rule")
    text = r.good("explain", write(r, "message", subscribe))
    expect("decision: leave it to the kernel, for a rule" in text, text)
    r.write()
    r.good("reload")


def strict_bodies(r):
    for body in (b"", b"{}", b"[]", b'{"messages": 1}', b'{"messages": [1]}',
                 b'{"messages": [{"base64": "!"}]}', b'{"messages": [{"base64": "AAA"}]}',
                 b'{"messages": [{"base64": "QUJD", "from": "here"}]}',
                 b'{"messages": [{"base64": "QUJD", "to": 7}]}',
                 b'{"messages": [], "config": 1}'):
        expect_equal(r.call("POST", "/v1/explain", body)[0], 400, f"status of {body!r}")
    expect_equal(r.call("POST", "/v1/explain", b'{"messages": [], "config": "x: 1"}')[0], 422,
                 "a bad configuration")


def without_tables_it_says_so(r):
    result = explain(r, invite("x"))
    expect(not result["decided"] and "no tables" in result["why_not"], result)
    expect_equal(r.run("plan", r.config)[0], 1, "plan without tables")


def limits_of_the_configuration_are_held(r):
    """Seven lines a message has; the configuration comes from here and is read at the start."""
    with open(r.config, encoding="utf-8") as f:
        text = f.read()
    with open(r.config, "w", encoding="utf-8") as f:
        f.write(text.replace("dataplane:\n", "dataplane:\n  max_headers: 8\n  max_vias: 60\n"))
    r.stop()
    r.start()
    until(lambda: explain(r, invite("x"))["decided"], "tables")
    for extra, name in (("X: 1\r\n", None), ("X: 1\r\nY: 2\r\n", "too_many_headers"),
                        ("v: SIP/2.0/UDP a" + ",SIP/2.0/UDP a" * 58 + "\r\n", None),
                        ("v: SIP/2.0/UDP a" + ",SIP/2.0/UDP a" * 59 + "\r\n", "too_many_vias")):
        result = explain(r, invite("x", extra=extra))
        rejected = (result["message"].get("rejected") or {}).get("name")
        expect_equal(rejected, name, f"{len(extra)} bytes more")
        if name:
            expect_equal(result["verdict"]["status"], 513, "status")


if __name__ == "__main__":
    run_suites(({}, (without_tables_it_says_so,)),
               ({"fake": True},
                (a_new_call_goes_by_hash, the_cookie_names_the_member,
                 what_is_not_forwarded_says_why, people_can_read_it, captures_of_every_kind,
                 replay_tells_what_another_configuration_changes,
                 another_configuration_finds_users_where_they_are, plan_tells_what_moves,
                 plan_predicts_the_load_of_each_member,
                 a_rule_is_told_with_those_before_it,
                 what_control_takes_over_says_what_for, strict_bodies,
                 limits_of_the_configuration_are_held)))
