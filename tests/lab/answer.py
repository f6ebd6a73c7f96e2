#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SIP server that answers every request but ACK with 503.

    answer.py ADDRESS PORT     say "ready", answer until SIGTERM
"""

import re
import socket
import sys

COPIED = re.compile(rb"^(?:Via|v|From|f|To|t|Call-ID|i|CSeq)\s*:.*$", re.IGNORECASE | re.MULTILINE)


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((sys.argv[1], int(sys.argv[2])))
        print("ready", flush=True)
        while True:
            request, sender = s.recvfrom(65535)
            if request.startswith((b"ACK ", b"SIP/2.0 ")):
                continue
            lines = [line.rstrip(b"\r") for line in COPIED.findall(request)]
            s.sendto(b"\r\n".join([b"SIP/2.0 503 Service Unavailable", *lines,
                                   b"Content-Length: 0", b"", b""]), sender)


main()
