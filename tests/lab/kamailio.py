# SPDX-License-Identifier: BSD-3-Clause
"""A Kamailio proxy of the farm."""

import os

from lab import addresses
from lab.process import Process

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kamailio.cfg.in")
READY_S = 60


class Way:
    """What is unusual about a proxy: nothing, unless said.

    @advertise: {family: address} that it calls its own in Via and Record-Route.
    @mask: hides what it knows behind this address (its module topoh).
    @registrar: phones register with it, and are called by what they registered.
    @patient: repeats later than others, for peers of which a slow machine runs many (script.py).
    """

    def __init__(self, advertise=None, mask=None, registrar=False, patient=False):
        self.advertise = advertise
        self.mask = mask
        self.registrar = registrar
        self.patient = patient

    def listen(self, address, family):
        line = f"listen=udp:{addresses.host_port(address)}"
        if self.advertise:
            line += f" advertise {addresses.host_port(self.advertise[family])}"
        return line

    def defines(self):
        words = [word for word, on in (("TOPOH", self.mask), ("REGISTRAR", self.registrar),
                                       ("PATIENT", self.patient)) if on]
        return "\n".join(f"#!define {word}" for word in words)


def render(index, way):
    """The configuration of proxy number @index."""
    own, phone = addresses.PROXIES[index], addresses.PHONES[index]
    values = {
        "DEFINES": way.defines(),
        "LISTEN": "\n".join(way.listen(own[f], f) for f in addresses.FAMILIES),
        "MASK": way.mask or "",
    }
    for f in addresses.FAMILIES:
        values[f"UAS{f}"] = addresses.bracketed(phone[f])
        values[f"PHONE{f}"] = addresses.bracketed(addresses.PHONES[0][f])
        values[f"INSIDE{f}"] = addresses.bracketed(addresses.INSIDE[f])
    with open(TEMPLATE, encoding="utf-8") as f:
        text = f.read()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def start(host, index, run_dir, log, way=Way()):
    """Start proxy number @index in @host; returns at once."""
    directory = os.path.join(run_dir, f"kamailio{index}")
    os.makedirs(directory, exist_ok=True)
    config = os.path.join(directory, "kamailio.cfg")
    with open(config, "w", encoding="utf-8") as f:
        f.write(render(index, way))
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
