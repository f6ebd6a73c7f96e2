# SPDX-License-Identifier: BSD-3-Clause
"""A Kamailio proxy of the farm."""

import os

from lab import addresses
from lab.process import Process

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kamailio.cfg.in")
READY_S = 20


def render(index):
    """The configuration of proxy number @index."""
    own, phone = addresses.PROXIES[index], addresses.PHONES[index]
    listen = "\n".join(f"listen=udp:{addresses.host_port(own[f])}" for f in addresses.FAMILIES)
    with open(TEMPLATE, encoding="utf-8") as f:
        text = f.read()
    for key, value in (("LISTEN", listen), ("UAS4", phone[4]), ("UAS6", phone[6])):
        text = text.replace(f"@{key}@", value)
    return text


def start(host, index, run_dir, log):
    """Start proxy number @index in @host; returns at once."""
    directory = os.path.join(run_dir, f"kamailio{index}")
    os.makedirs(directory, exist_ok=True)
    config = os.path.join(directory, "kamailio.cfg")
    with open(config, "w", encoding="utf-8") as f:
        f.write(render(index))
    return Process(f"kamailio{index}", host.argv(
        "kamailio", "-f", config, "-DD", "-E", "-m", "256", "-M", "16",
        "-w", directory, "-Y", directory, "-P", os.path.join(directory, "pid")), log)


def wait_ready(process, index):
    """Its sockets are bound: from here on datagrams wait in them, none is lost."""
    for family in addresses.FAMILIES:
        address = addresses.PROXIES[index][family]
        process.wait_for(
            lambda a=address: process.udp_bound(addresses.proc_hex(a), addresses.SIP_PORT),
            READY_S, f"it is bound to {address}")
