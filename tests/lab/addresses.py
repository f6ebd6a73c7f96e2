# SPDX-License-Identifier: BSD-3-Clause
"""The lab's address plan: documentation prefixes, the same in every lab (hosts are isolated)."""

import socket

SIP_PORT = 5060
# Where callers of one family reach the farm of the other
CROSS_PORT = 5062
# The first of the ports of dialogs that run side by side
DIALOG_PORT = 5100

# index: 4 or 6
CALLER = {4: "192.0.2.2", 6: "2001:db8:0:1::2"}
OUTSIDE = {4: "192.0.2.1", 6: "2001:db8:0:1::1"}
INSIDE = {4: "198.51.100.1", 6: "2001:db8:0:2::1"}
PROXIES = [{4: "198.51.100.11", 6: "2001:db8:0:2::11"},
           {4: "198.51.100.12", 6: "2001:db8:0:2::12"}]
PHONES = [{4: "198.51.100.21", 6: "2001:db8:0:2::21"},
          {4: "198.51.100.22", 6: "2001:db8:0:2::22"}]
PREFIX_BITS = {4: 24, 6: 64}
FAMILIES = (4, 6)


def with_prefix(address):
    """Both families of @address as ip(8) and the configuration want them."""
    return [f"{address[f]}/{PREFIX_BITS[f]}" for f in FAMILIES]


def bracketed(text):
    """As it stands in a URI."""
    return f"[{text}]" if ":" in text else text


def host_port(text, port=SIP_PORT):
    return f"{bracketed(text)}:{port}"


def proc_hex(text):
    """As /proc/net/udp writes it: 32-bit words in the machine's order."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    packed = socket.inet_pton(family, text)
    words = [packed[i:i + 4][::-1].hex() for i in range(0, len(packed), 4)]
    return "".join(words).upper()
