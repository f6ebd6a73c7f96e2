# SPDX-License-Identifier: BSD-3-Clause
"""strowger-sipdump: verdicts, exit status, JSON, kernels.

    check_sipdump.py SOURCE_ROOT PROGRAM
"""

import glob
import json
import os
import subprocess
import sys

ROOT, PROGRAM = sys.argv[1:3]
sys.path.insert(0, os.path.join(ROOT, "tests"))

from support.tap import Tap, expect  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "rfc", "vectors")
SOUND = (b"ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\n"
         b"To: \"\xc3\xa4\\\"\" <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 ACK\r\n\r\n")


def run(*args, data=b""):
    return subprocess.run([PROGRAM, *args], input=data, capture_output=True, check=False)


def dumped(*args, data=b""):
    done = run("--json", *args, data=data)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def expected():
    with open(f"{VECTORS}/expect.tsv", encoding="utf-8") as f:
        rows = [line.split("\t") for line in f if not line.startswith("#")]
    return {row[0]: row[2] for row in rows[1:]}


def check_vectors():
    reasons = {os.path.basename(m["file"])[:-4]: m["reason"]
               for m in dumped(*sorted(glob.glob(f"{VECTORS}/*.dat")))[1]}
    expect(reasons == expected(), f"differ: {set(reasons.items()) ^ set(expected().items())}")


def check_sound():
    status, [message] = dumped("-", data=SOUND)
    expect(status == 0 and message["verdict"] == "forward", message)
    expect(message["method"] == "ACK" and message["cseq"] == 1, message)
    expect(message["headers"][2]["value"] == '"\u00c3\u00a4\\"" <sip:a@b>;tag=2', message)


def check_rejected():
    status, [message] = dumped("-", data=SOUND.replace(b"ACK", b"BYE").replace(b"1 BYE", b"1 X"))
    expect(status == 1 and message["verdict"] == "answer" and message["code"] == 400, message)
    expect(message["reason"] == "cseq_method" and message["offset"] == 112, message)
    status, [message] = dumped("-", data=SOUND.replace(b"1 ACK", b"1 X"))
    expect(status == 1 and message["verdict"] == "drop", "an ACK is never answered")
    text = run("-", data=SOUND.replace(b"1 ACK", b"1 X")).stdout.decode()
    expect(text.startswith("-: drop; cseq_method at byte 112 (RFC 3261 s8.1.1.5)\n"), text)


def check_unreadable():
    expect(run("/nonexistent/file").returncode == 2, "a file that is not there")
    expect(run().returncode == 2, "no file named")
    expect(run("--kernel", "abacus", "-").returncode == 2, "a kernel that is not there")
    expect(run("--help").returncode == 0, "help")


def check_kernels():
    files = sorted(glob.glob(f"{VECTORS}/*.dat"))
    want = run("--kernel", "scalar", *files).stdout
    for kernel in ("sse", "avx2", "avx512", "auto"):
        done = run("--kernel", kernel, *files)
        absent = b"no kernel" in done.stderr and kernel != "auto"
        expect(absent or done.stdout == want, f"{kernel} differs from scalar")


with Tap() as tap:
    for name, case in list(globals().items()):
        if name.startswith("check_"):
            with tap.case(name[len("check_"):]):
                case()
