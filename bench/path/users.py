# SPDX-License-Identifier: BSD-3-Clause
"""Users of the corpus who are registered: each with one phone, at an address of its own."""

import ipaddress
import re
import time

from lab.capture import read_pcap
from path import balancer

PHONES = ipaddress.ip_address("198.19.0.1")
TOLD_AT_ONCE = 500
EXPIRES_S = 7 * 86400
HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP
WANTED = re.compile(rb"[A-Z]+ (sip:[^ ]+) SIP/2\.0\r\n")


def registrar(domains):
    """What the configuration has more: the registrar of @domains, where the corpus's users live."""
    return f"registrar:\n  domains: [{', '.join(domains)}]\n  store_mb: 256\n"


def called(corpus):
    """Addresses-of-record that the requests of the pcap file @corpus are for, each once."""
    found = {}
    for _, frame in read_pcap(corpus):
        found[WANTED.match(frame, HEADERS).group(1).decode()] = True
    return list(found)


def binding(aor, number):
    phone = PHONES + number
    return {"aor": aor,
            "bindings": [{"contact": f"{aor.split('@')[0]}@{phone}", "call_id": f"bench-{number}",
                          "cseq": 1, "source": f"{phone}:5060", "listener": "192.0.2.1:5060",
                          "expires_s": int(time.time()) + EXPIRES_S}]}


def bind(bench, config, corpus):
    """Everybody whom the requests of @corpus are for is registered from now on, in @config's store."""
    rows = [binding(aor, number) for number, aor in enumerate(called(corpus))]
    with balancer.Balancer(bench.build, config, bench.work, bench.affinity, alone=True) as control:
        for first in range(0, len(rows), TOLD_AT_ONCE):
            part = rows[first:first + TOLD_AT_ONCE]
            added = control.ask("POST", "/v1/location/put", {"users": part})["changed"]
            if added != len(part):
                raise balancer.BalancerError(f"{added} of {len(part)} users were bound")
