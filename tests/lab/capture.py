# SPDX-License-Identifier: BSD-3-Clause
"""What went over a cable: tcpdump into a file, then one pass over it for SIP messages."""

import os
import re
import socket
import struct

from lab.process import Process

SNAP_BYTES = 1000
ETH_IPV4, ETH_IPV6 = 0x0800, 0x86DD
IPPROTO_FRAGMENT6 = 44
CALL_ID = re.compile(rb"\r\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE)
CSEQ = re.compile(rb"\r\nCSeq[ \t]*:[ \t]*\d+[ \t]+(\S+)", re.IGNORECASE)


class Capture:
    """tcpdump on one interface of a host, until stop()."""

    def __init__(self, host, interface, path, log):
        self.path = path
        self.process = Process(f"tcpdump-{interface}", host.argv(
            "tcpdump", "-i", interface, "-s", str(SNAP_BYTES), "-B", "32768", "-n", "-U",
            # otherwise the kernel keeps the last packets for up to a second, and stop() loses them
            "--immediate-mode", "-Z", "root", "-w", path, "ip or ip6"), log)
        # The file's header is written when the capture has begun.
        self.process.wait_for(
            lambda: os.path.exists(path) and os.path.getsize(path) >= 24, 60, "it captures")

    def stop(self):
        """End it; return how many packets the kernel did not give it."""
        self.process.signal(2)
        self.process.wait_exit(60)
        lost = re.search(r"(\d+) packets dropped by kernel", self.process.output())
        return int(lost.group(1)) if lost else 0

    def messages(self):
        """Yield each SIP message (see Message) in the order it was seen."""
        for time_s, frame in read_pcap(self.path):
            message = parse_frame(time_s, frame)
            if message:
                yield message


class Message:
    """The start of one SIP message as seen on the cable."""

    __slots__ = ("time_s", "source", "target", "method", "status", "call_id", "cseq_method",
                 "fragmented", "length")

    def __repr__(self):
        word = self.method or self.status
        return f"{self.source} -> {self.target}: {word} {self.call_id}"


def read_pcap(path):
    """Yield (time, frame) of a classic pcap file; a record cut by a kill ends it. Read piece by
    piece: a minute of calls is a gigabyte."""
    with open(path, "rb", buffering=1 << 20) as f:
        header = f.read(24)
        order = "<" if header[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        fraction = 1e-9 if header[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
        record = struct.Struct(order + "IIII")
        while len(head := f.read(record.size)) == record.size:
            seconds, part, kept, _ = record.unpack(head)
            frame = f.read(kept)
            if len(frame) < kept:
                return
            yield seconds + part * fraction, frame


def extract(source, target, wanted):
    """Write those frames of the pcap file @source to @target whose SIP message is @wanted."""
    with open(target, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for time_s, frame in read_pcap(source):
            message = parse_frame(time_s, frame)
            if message and wanted(message):
                f.write(struct.pack("<IIII", int(time_s), int(time_s % 1 * 1e6), len(frame),
                                    len(frame)) + frame)


def parse_frame(time_s, frame):
    """The SIP message a frame starts, or None (not SIP, not UDP, a later fragment)."""
    if len(frame) < 14:
        return None
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == ETH_IPV4:
        ip = parse_ipv4(frame[14:])
    elif kind == ETH_IPV6:
        ip = parse_ipv6(frame[14:])
    else:
        ip = None
    if ip is None or len(ip[3]) < 8 + 12:
        return None
    source, target, fragmented, udp = ip
    return parse_sip(time_s, source, target, fragmented, udp)


def parse_ipv4(packet):
    """(source, target, fragmented, UDP bytes) of a first or only fragment."""
    if len(packet) < 20 or packet[9] != socket.IPPROTO_UDP:
        return None
    fragment = struct.unpack_from("!H", packet, 6)[0]
    if fragment & 0x1FFF:
        return None
    header = (packet[0] & 15) * 4
    return (socket.inet_ntop(socket.AF_INET, packet[12:16]),
            socket.inet_ntop(socket.AF_INET, packet[16:20]),
            bool(fragment & 0x2000), packet[header:])


def parse_ipv6(packet):
    """The same for IPv6, with or without a fragment header."""
    if len(packet) < 48:
        return None
    following, payload, fragmented = packet[6], packet[40:], False
    if following == IPPROTO_FRAGMENT6:
        fragment = struct.unpack_from("!H", payload, 2)[0]
        if fragment & 0xFFF8:
            return None
        following, payload, fragmented = payload[0], payload[8:], bool(fragment & 1)
    if following != socket.IPPROTO_UDP:
        return None
    return (socket.inet_ntop(socket.AF_INET6, packet[8:24]),
            socket.inet_ntop(socket.AF_INET6, packet[24:40]), fragmented, payload)


def parse_sip(time_s, source, target, fragmented, udp):
    """What stands in the first bytes of the datagram."""
    body = udp[8:]
    line = body.split(b"\r\n", 1)[0].split(b" ")
    call_id = CALL_ID.search(body)
    if len(line) < 3 or call_id is None:
        return None
    m = Message()
    m.time_s, m.source, m.target, m.fragmented = time_s, source, target, fragmented
    m.length = struct.unpack_from("!H", udp, 4)[0] - 8
    m.status = int(line[1]) if line[0] == b"SIP/2.0" else 0
    m.method = "" if m.status else line[0].decode(errors="replace")
    m.call_id = call_id.group(1).decode(errors="replace")
    cseq = CSEQ.search(body)
    m.cseq_method = cseq.group(1).decode(errors="replace") if cseq else ""
    return m
