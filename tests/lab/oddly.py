#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A member that is not quite there, and a stranger who speaks in members' names.

    oddly.py silent ADDRESS             answers OPTIONS, and nothing else, once ADDRESS is free
    oddly.py busy ADDRESS SECONDS       answers OPTIONS; INVITEs get 503 with Retry-After
    oddly.py forge SOURCE TARGET FIRST N
                                        N answers to health probes, from SOURCE's port 5060; the
                                        probes that were never sent are numbered from FIRST
    oddly.py unreachable SOURCE TARGET MEMBER N
                                        N times ICMP "port unreachable" to TARGET: MEMBER is dead
"""

import errno
import socket
import struct
import sys
import time

PORT = 5060
POLL_S = 0.01
KEPT = ("via", "v", "from", "f", "to", "t", "call-id", "i", "cseq")


def answer(request, status, more=""):
    """The response to @request, by the headers that it copies (RFC 3261 s8.2.6)."""
    head = request.split("\r\n\r\n")[0].split("\r\n")[1:]
    kept = [line for line in head if line.split(":")[0].strip().lower() in KEPT]
    kept = [line + ";tag=odd" if line.lower().startswith(("to:", "t:")) and "tag=" not in line
            else line for line in kept]
    return "\r\n".join([f"SIP/2.0 {status}", *kept]) + f"\r\n{more}Content-Length: 0\r\n\r\n"


def take(sock, address):
    """Have @address as soon as whoever has it now is gone."""
    print("waiting", flush=True)
    while True:
        try:
            sock.bind((address, PORT))
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            time.sleep(POLL_S)
    print("serving", flush=True)


def serve(address, invite):
    """Answer OPTIONS for ever; @invite says what an INVITE gets, if anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        take(sock, address)
        while True:
            data, peer = sock.recvfrom(65535)
            request = data.decode(errors="replace")
            if request.startswith("OPTIONS "):
                sock.sendto(answer(request, "200 OK").encode(), peer)
            elif request.startswith("INVITE ") and invite:
                sock.sendto(invite(request).encode(), peer)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_packet(source, target, protocol, payload):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(target))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp_packet(source, target, payload):
    return ip_packet(source, target, socket.IPPROTO_UDP,
                     struct.pack("!HHHH", PORT, PORT, 8 + len(payload), 0) + payload)


def send_all(target, packets):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        for packet in packets:
            sock.sendto(packet, (target, 0))


def forge(source, target, first, count):
    """What a member would answer, as far as a stranger can know it."""
    return [udp_packet(source, target, answer(
        f"OPTIONS sip:{source}:{PORT} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {target}:{PORT};branch=z9hG4bK03000000{i:016x}\r\n"
        f"From: <sip:health@{target}:{PORT}>;tag=1\r\nTo: <sip:{source}:{PORT}>\r\n"
        f"Call-ID: stw-{i % 4:08x}-{i:016x}\r\nCSeq: {i} OPTIONS\r\n\r\n", "200 OK").encode())
        for i in range(first, first + count)]


def unreachable(source, target, member, count):
    """ICMP errors about probes that were never sent."""
    packets = []
    for i in range(count):
        quoted = udp_packet(target, member, f"OPTIONS sip:{member}:{PORT} SIP/2.0\r\nVia: "
                            f"SIP/2.0/UDP {target}:{PORT};branch=z9hG4bK{i:024x}\r\n".encode())
        body = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        packets.append(ip_packet(source, target, socket.IPPROTO_ICMP, body))
    return packets


def main():
    what, *rest = sys.argv[1:]
    if what == "silent":
        serve(rest[0], None)
    elif what == "busy":
        serve(rest[0], lambda request: answer(request, "503 Service Unavailable",
                                              f"Retry-After: {rest[1]}\r\n"))
    elif what == "forge":
        send_all(rest[1], forge(rest[0], rest[1], int(rest[2]), int(rest[3])))
    elif what == "unreachable":
        send_all(rest[1], unreachable(rest[0], rest[1], rest[2], int(rest[3])))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
