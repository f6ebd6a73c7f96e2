#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A VLAN interface (802.1Q) in user space, for kernels without one: a TAP whose frames leave by a
parent interface with a tag, and that gets what arrives there with this tag and no second one.
Frames are lost while either is down, as on a cable that is not plugged in.

    vlan.py PARENT NAME VLAN     make it, say "ready", serve until SIGTERM
"""

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
SIOCGIFHWADDR, SIOCSIFHWADDR = 0x8927, 0x8924
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4
PACKET_OUTGOING = 4
ETH_P_ALL, ETH_P_8021Q = 3, 0x8100
TAGS = (ETH_P_8021Q, 0x88A8)
AUXDATA = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, vlan_tci, vlan_tpid
FRAME_MAX = 65536
LOSSES = (errno.EIO, errno.ENETDOWN, errno.ENOBUFS)  # a TAP that is down, a parent, a full queue


def make_tap(name, mac):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFHWADDR, struct.pack("16sH6s8x", name.encode(), 1, mac))
    return tap


def mac_of(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        answer = fcntl.ioctl(s, SIOCGIFHWADDR, struct.pack("16s16x", interface.encode()))
    return answer[18:24]


def tag_of(ancillary):
    """(TCI, TPID) that the kernel took off the frame, or None."""
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            row = AUXDATA.unpack(data[:AUXDATA.size])
            if row[0] & TP_STATUS_VLAN_VALID:
                return row[5], row[6]
    return None


@contextlib.contextmanager
def losing():
    try:
        yield
    except OSError as error:
        if error.errno not in LOSSES:
            raise
        print(f"lost a frame: {error.strerror}", flush=True)


def send(wire, tap, tag):
    frame = os.read(tap, FRAME_MAX)
    wire.send(frame[:12] + tag + frame[12:])


def receive(wire, tap, vlan):
    frame, ancillary, _flags, address = wire.recvmsg(FRAME_MAX, 256)
    tag = tag_of(ancillary)
    inner = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= 14 else 0
    if address[2] == PACKET_OUTGOING or tag is None or inner in TAGS:
        return
    if tag[0] & 0xFFF == vlan and tag[1] == ETH_P_8021Q:
        os.write(tap, frame)


def main():
    parent, name, vlan = sys.argv[1], sys.argv[2], int(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    tap = make_tap(name, mac_of(parent))
    tag = struct.pack("!HH", ETH_P_8021Q, vlan)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        wire.bind((parent, ETH_P_ALL))
        print("ready", flush=True)
        while True:
            for source in select.select([wire, tap], [], [])[0]:
                with losing():
                    if source == tap:
                        send(wire, tap, tag)
                    else:
                        receive(wire, tap, vlan)


main()
