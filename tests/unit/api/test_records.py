# SPDX-License-Identifier: BSD-3-Clause
"""The flight recorder as people see it: trace, last-errors, files for Wireshark, HEP."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

from rig import PATIENCE_S, expect, expect_equal, free_port, run_suites, until
from support.tap import Skip

RING = 16  # messages that the fake data plane keeps


def past(r, *options):
    rows = [json.loads(line) for line in r.good("trace", "--past", "--json", *options).splitlines()]
    expect_equal({row["version"] for row in rows} | {1}, {1}, "version of each line")
    return rows


def ids(records):
    return [record["call_id"] for record in records]


def fill(r):
    for i in range(20):
        r.tell_fake(f"record good {i}")
    r.tell_fake("record bad 7")


def nothing_recorded_yet(r):
    expect_equal(past(r), [], "records")
    expect("no message was rejected" in r.good("last-errors"), "last-errors")


def the_last_messages_are_there(r):
    fill(r)
    records = past(r)
    expect_equal(len(records), RING, "records")
    expect_equal(ids(records), [f"call-{i}@caller" for i in range(5, 20)] + ["bad-7@caller"], "calls")
    first = records[0]
    times = [record["at_unix_us"] for record in records]
    expect(times == sorted(times) and len(set(times)) > 1, f"times to the microsecond: {times}")
    expect_equal((first["action"], first["how"], first["member"], first["from"], first["sent_to"]),
                 ("forward", "hash", "k1", "192.0.2.99:5060", "192.0.2.1:5060"), "a call")
    expect_equal(first["decision"], "forward to 198.51.100.11:5060 by hash", "decision")
    expect_equal(first["first_line"], "INVITE sip:bob@192.0.2.1 SIP/2.0", "first line")


def filters(r):
    for options, n in ((("--call-id", "call-7@caller"), 1), (("--call-id", "call-7"), 0),
                       (("--user", "bob"), 15), (("--user", "alice"), 15), (("--user", "ali"), 0),
                       (("--user", "b"), 1), (("--method", "OPTIONS"), 1), (("--method", "BYE"), 0),
                       (("--address", "198.51.100.11"), 15), (("--address", "192.0.2.99"), 16),
                       (("--address", "192.0.2.98"), 0), (("--code", "400"), 1), (("--code", "4"), 1),
                       (("--code", "5"), 0), (("--method", "INVITE", "--user", "alice"), 15)):
        expect_equal(len(past(r, *options)), n, f"records with {options}")
    expect_equal(len(past(r, "--count", "3")), 3, "records counted")


def no_more_than_the_limit_are_told(r):
    """The newest ones, the oldest of them first, and how many there were besides."""
    everything = r.call("POST", "/v1/records", b"")[1]["records"]
    expect_equal(len(everything), RING, "all that is kept")
    for limit in (1, 5, RING - 1, RING, RING + 1, 20000):
        answer = r.call("POST", "/v1/records", json.dumps({"limit": limit}).encode())[1]
        expect_equal(ids(answer["records"]), ids(everything[-limit:]), f"limit {limit}")
        expect_equal(answer["left_out"], max(0, RING - limit), f"left out by a limit of {limit}")


def rejected_ones_show_the_byte(r):
    out = r.good("last-errors")
    lines = out.splitlines()
    mark = next(i for i, line in enumerate(lines) if "^ byte " in line)
    expect("\x1b" not in out, "an escape reached the terminal")
    expect("CSeq: o\\x1bne OPTIONS" in lines[mark - 1], lines[mark - 1])
    expect_equal(lines[mark].index("^"), lines[mark - 1].index("o\\x1bne"), "column of the mark")
    expect("RFC 3261 s20.16" in out and "answer 400" in out, out)


def explain_takes_a_call_from_the_recorder(r):
    out = r.good("explain", "--call-id", "call-9@caller")
    expect("decision: forward to k" in out and "call-9@caller" in out, out)
    code, _, err = r.run("explain", "--call-id", "no-such-call")
    expect(code == 1 and "no message of call" in err, err)


def following(r, *options):
    child = subprocess.Popen([r.ctl_program, "--socket", r.api, "trace", *options],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    expect(child.stderr.readline().startswith("following"), "trace does not follow")
    return child


def what_comes_is_followed(r):
    with following(r, "--json", "--count", "2", "--method", "INVITE") as child:
        for i in (101, 102):
            r.tell_fake("record bad 1")
            r.tell_fake(f"record good {i}")
        out = child.communicate(timeout=PATIENCE_S)[0]
        expect_equal(child.returncode, 0, "exit code")
    expect_equal(ids(json.loads(line) for line in out.splitlines()),
                 ["call-101@caller", "call-102@caller"], "calls followed")


def what_was_overwritten_is_counted(r):
    cursor = r.call("POST", "/v1/records", b'{"from_now": true}')[1]["cursor"]
    for i in range(RING + 4):
        r.tell_fake(f"record good {i}")
    body = json.dumps({"cursor": cursor}).encode()
    answer = r.call("POST", "/v1/records", body)[1]
    expect_equal((len(answer["records"]), answer["lost"]), (RING, 4), "records and lost")
    body = json.dumps({"cursor": answer["cursor"]}).encode()
    answer = r.call("POST", "/v1/records", body)[1]
    expect_equal((len(answer["records"]), answer["lost"]), (0, 0), "records and lost, again")


def ctrl_c_ends_a_trace(r):
    path = os.path.join(r.dir, "live.pcapng")
    child = subprocess.Popen([r.ctl_program, "--socket", r.api, "trace", "--write", path],
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with child:
        until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, "the file")
        recorded = iter(range(1000, 100000))
        before = os.path.getsize(path)

        def grows():
            r.tell_fake(f"record good {next(recorded)}")
            return os.path.getsize(path) > before

        until(grows, "a packet in the file")
        child.send_signal(signal.SIGINT)
        err = child.communicate(timeout=PATIENCE_S)[1]
        expect_equal((child.returncode, "messages written to" in err), (0, True), err)


def wireshark_reads_what_is_written(r):
    path = os.path.join(r.dir, "past.pcapng")
    fill(r)
    r.good("trace", "--past", "--write", path)
    answer = json.loads(r.good("replay", path, "--json"))
    expect_equal((answer["messages"], answer["damaged"]), (RING, False), "replay of the export")
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    done = subprocess.run(["tshark", "-r", path, "-d", "udp.port==5060,sip", "-T", "fields",
                           "-e", "ip.src", "-e", "udp.dstport", "-e", "sip.Call-ID", "-e",
                           "frame.comment", "-e", "ip.checksum.status"],
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 0, f"tshark: {done.stderr}")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    expect_equal(len(rows), RING, "packets")
    expect_equal(rows[0][:4], ["192.0.2.99", "5060", "call-5@caller",
                               "forward to 198.51.100.11:5060 by hash"], "first packet")
    expect("rejected: cseq" in rows[-1][3], rows[-1])


def chunks(packet):
    expect_equal((packet[:4], struct.unpack("!H", packet[4:6])[0]), (b"HEP3", len(packet)), "head")
    found, at = {}, 6
    while at < len(packet):
        vendor, kind, length = struct.unpack("!HHH", packet[at:at + 6])
        expect(vendor == 0 and length >= 6, "a chunk")
        found[kind] = packet[at + 6:at + length]
        at += length
    return found


def hep_server_gets_them(r):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE_S)
        port = server.getsockname()[1]
        r.write(extra=f"hep: {{server: '127.0.0.1:{port}', node: 2001}}\n")
        r.good("reload")
        r.tell_fake("record good 77")
        found = chunks(server.recv(65535))
    expect_equal(found[15].split(b"\r\n")[0], b"INVITE sip:bob@192.0.2.1 SIP/2.0", "payload")
    expect_equal(found[17], b"call-77@caller", "correlation")
    expect_equal((found[3], found[4], found[7]), (bytes((192, 0, 2, 99)), bytes((192, 0, 2, 1)),
                                                  struct.pack("!H", 5060)), "addresses")
    expect_equal((found[1], found[2], found[11], found[12]),
                 (b"\x02", b"\x11", b"\x01", struct.pack("!I", 2001)), "family to node")


def sngrep_reads_them(r):
    if not shutil.which("sngrep"):
        raise Skip("sngrep is not installed")
    port = free_port(socket.SOCK_DGRAM)
    out = os.path.join(r.dir, "sngrep.pcap")
    log = os.path.join(r.dir, "sngrep.log")
    with open(log, "w", encoding="utf-8") as f:
        child = subprocess.Popen(["sngrep", "-N", "-q", "-L", f"udp:127.0.0.1:{port}", "-O", out],
                                 stdin=subprocess.DEVNULL, stdout=f, stderr=f)
    try:
        r.write(extra=f"hep: {{server: '127.0.0.1:{port}'}}\n")
        r.good("reload")
        numbers = iter(range(5000, 100000))

        def arrived():
            expect(child.poll() is None, "sngrep ended")
            r.tell_fake(f"record good {next(numbers)}")
            with open(out, "rb") as f:
                return b"@caller\r\nCSeq: 1 INVITE" in f.read()

        until(lambda: os.path.exists(out) and arrived(), "a call in sngrep's file")
    finally:
        child.terminate()
        child.wait(PATIENCE_S)


CAPTURE = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
loadmodule "xlog.so"
loadmodule "pv.so"
loadmodule "db_text.so"
loadmodule "sipcapture.so"
modparam("sipcapture", "hep_capture_on", 1)
modparam("sipcapture", "db_url", "text://{dir}/db")
request_route {{
    xlog("L_ERR", "captured $rm $ci from $si:$sp\\n");
    exit;
}}
"""


def kamailio_captures_them(r):
    """Its sipcapture takes our packets apart, and shows messages as from where they came."""
    if not shutil.which("kamailio"):
        raise Skip("kamailio is not installed")
    port = free_port(socket.SOCK_DGRAM)
    os.makedirs(os.path.join(r.dir, "db"))
    with open(os.path.join(r.dir, "db", "sip_capture"), "w", encoding="utf-8") as f:
        f.write("id(int)\n")
    config, log = os.path.join(r.dir, "capture.cfg"), os.path.join(r.dir, "capture.log")
    with open(config, "w", encoding="utf-8") as f:
        f.write(CAPTURE.format(port=port, dir=r.dir))
    with open(log, "w", encoding="utf-8") as f:
        child = subprocess.Popen(["kamailio", "-f", config, "-DD", "-E", "-m", "16", "-Y", r.dir],
                                 stdin=subprocess.DEVNULL, stdout=f, stderr=f)
    try:
        r.write(extra=f"hep: {{server: '127.0.0.1:{port}'}}\n")
        r.good("reload")
        numbers = iter(range(7000, 100000))

        def arrived():
            with open(log, encoding="utf-8") as f:
                text = f.read()
            expect(child.poll() is None, f"kamailio ended: {text[-600:]}")
            r.tell_fake(f"record good {next(numbers)}")
            return re.search(r"captured INVITE call-7\d+@caller from 192\.0\.2\.99:5060", text)

        until(arrived, "a call in Kamailio's log")
    finally:
        child.terminate()
        child.wait(PATIENCE_S)


def strict_bodies(r):
    for body in (b"[]", b'{"call_id": 7}', b'{"call_id": ""}', b'{"limit": 0}', b'{"limit": 20001}',
                 b'{"code": 700}', b'{"code": "4xx"}', b'{"address": "here"}', b'{"errors": 1}',
                 b'{"cursor": {}}', b'{"cursor": {"pid": 1, "next": [-1]}}', b'{"what": 1}',
                 b'{"user": "a", "user": "b"}'):
        expect_equal(r.call("POST", "/v1/records", body)[0], 400, f"status of {body!r}")
    expect_equal(r.call("POST", "/v1/records", b"")[0], 200, "no body")
    body = json.dumps({"cursor": {"pid": 1, "next": [1 << 62]}}).encode()
    expect_equal(len(r.call("POST", "/v1/records", body)[1]["records"]), RING, "a stale cursor")


def without_a_data_plane_it_says_so(r):
    code, _, err = r.run("trace", "--past")
    expect(code == 1 and "none is connected" in err, err)


if __name__ == "__main__":
    run_suites(({}, (without_a_data_plane_it_says_so,)),
               ({"fake": True},
                (nothing_recorded_yet, the_last_messages_are_there, filters,
                 no_more_than_the_limit_are_told,
                 rejected_ones_show_the_byte, explain_takes_a_call_from_the_recorder,
                 what_comes_is_followed, what_was_overwritten_is_counted, ctrl_c_ends_a_trace,
                 wireshark_reads_what_is_written, strict_bodies, hep_server_gets_them,
                 sngrep_reads_them, kamailio_captures_them)))
