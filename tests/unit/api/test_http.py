# SPDX-License-Identifier: BSD-3-Clause
"""HTTP from people who do not mean well: strict bodies, limits, garbage, idle connections."""

import contextlib
import socket

from rig import expect, expect_equal, run_suites


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
    for path, methods in (("/v1/members", "GET, POST"), ("/v1/log", "GET, POST"),
                          ("/v1/members/k1/drain", "POST")):
        got = r.http(f"DELETE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        expect(f"\r\nAllow: {methods}\r\n".encode() in got, f"{path}: {got[:300]}")
    for name in ("", "a/b", "drain", "x" * 64, "x" * 5000):
        status, problem = r.call("POST", f"/v1/members/{name}/drain")
        expect_equal((status, problem["type"]), (404, "urn:strowger:problem:unknown-member"), name)
    for path in ("/v1/members/", "/v1/members/k1", "/v1/members/drain", "/v1/members/k1/drains"):
        expect_equal(r.call("POST", path)[1]["type"], "urn:strowger:problem:unknown-path", path)
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


run_suites(
    ({}, (strict_bodies, check_by_the_api, big_bodies_are_refused,
          garbage_and_half_requests_hurt_nobody, thousand_idle_connections_hurt_nobody)),
)
