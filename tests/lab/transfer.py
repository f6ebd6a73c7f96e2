#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A TCP transfer whose bytes are checked, and a question whether a UDP port is refused.

    transfer.py serve ADDRESS        take one connection, count the bytes that are as expected
    transfer.py send ADDRESS         send until SIGTERM, then say how many
    transfer.py refused ADDRESS PORT exit 0 when the kernel over there says "port unreachable"
"""

import signal
import socket
import sys
import time

PORT = 8022
PATTERN = bytes(i * 31 & 0xff for i in range(4096 + 251))
CHUNK = 16384
PAUSE_S = 0.02  # some 800 kB a second: enough to notice a stall, little for the CPU
PATIENCE_S = 60


def expected(offset, length):
    """@length bytes of an endless pattern whose period is no power of two."""
    period = len(PATTERN)
    start = offset % period
    return (PATTERN * (length // period + 2))[start:start + length]


def serve(address):
    with socket.create_server((address, PORT)) as listener:
        print("listening", flush=True)
        connection, _ = listener.accept()
    connection.settimeout(PATIENCE_S)
    received = 0
    while data := connection.recv(1 << 16):
        if data != expected(received, len(data)):
            print(f"wrong bytes after {received}", flush=True)
            return 1
        received += len(data)
        print("received", received, flush=True)
    return 0


def send(address):
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    sent = 0
    with socket.create_connection((address, PORT), PATIENCE_S) as connection:
        connection.settimeout(PATIENCE_S)
        while not ending:
            connection.sendall(expected(sent, CHUNK))
            sent += CHUNK
            time.sleep(PAUSE_S)
    print("sent", sent, flush=True)
    return 0


def refused(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address, port))
        s.settimeout(PATIENCE_S)
        s.send(b"OPTIONS sip:nobody SIP/2.0\r\n\r\n")
        try:
            print("answered:", s.recv(2048))
        except ConnectionRefusedError:
            return 0
        except socket.timeout:
            print("silence")
    return 1


def main():
    command, address, *rest = sys.argv[1:]
    return {"serve": serve, "send": send,
            "refused": lambda a: refused(a, int(rest[0]))}[command](address)


sys.exit(main())
