# SPDX-License-Identifier: BSD-3-Clause
"""A DNS server that knows a few rows: A, SRV and NAPTR over UDP, for names in URIs.

Run as a program inside a host: dns.py ADDRESS PORT FILE, the file being JSON of
{"name": [["A", TTL, "192.0.2.1"], ["SRV", TTL, PRIORITY, WEIGHT, PORT, "host"], ...]}.
"""

import json
import os
import socket
import struct
import sys

TYPES = {"A": 1, "SRV": 33, "NAPTR": 35}
SOA, ABSENCE_S = 6, 5


def name_bytes(name):
    labels = [label for label in name.encode().split(b".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def string_bytes(text):
    return bytes([len(text)]) + text.encode()


def data_bytes(kind, fields):
    if kind == "A":
        return socket.inet_aton(fields[0])
    if kind == "SRV":
        return struct.pack("!HHH", *fields[:3]) + name_bytes(fields[3])
    order, preference, flags, service, replacement = fields
    return (struct.pack("!HH", order, preference) + string_bytes(flags) + string_bytes(service)
            + string_bytes("") + name_bytes(replacement))


def record(name, number, ttl_s, data):
    return name_bytes(name) + struct.pack("!HHIH", number, 1, ttl_s, len(data)) + data


def read_question(query):
    """(name in lower case, type, bytes of the question)."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack_from("!H", query, at + 1)[0], query[12:at + 5]


def answer(zone, query):
    name, number, question = read_question(query)
    rows = [record(name, number, row[1], data_bytes(row[0], row[2:]))
            for row in zone.get(name, []) if TYPES[row[0]] == number]
    soa = name_bytes("ns.example") * 2 + struct.pack("!IIIII", 1, 1, 1, 1, ABSENCE_S)
    authority = [] if rows else [record("example", SOA, ABSENCE_S, soa)]
    flags = 0x8180 if name in zone else 0x8183
    return (query[:2] + struct.pack("!HHHHH", flags, 1, len(rows), len(authority), 0) + question
            + b"".join(rows + authority))


def serve(address, port, path):
    with open(path, encoding="utf-8") as f:
        zone = json.load(f)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, port))
        while True:
            query, peer = s.recvfrom(4096)
            s.sendto(answer(zone, query), peer)


def start(lab, host, zone, address="127.0.0.1", port=5353):
    """Run it inside @host of @lab; returns when it is bound."""
    from lab import addresses  # not for the program

    path = os.path.join(lab.run_dir, "zone.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(zone, f)
    process = lab.run_in(host, "dns", sys.executable, os.path.abspath(__file__), address,
                         str(port), path)
    process.wait_for(lambda: process.udp_bound(addresses.proc_hex(address), port), 60,
                     f"it is bound to {address}")
    return process


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
