# SPDX-License-Identifier: BSD-3-Clause
"""A home: one more host, behind a NAT that the caller's host does."""

from lab import netns

ROUTER, HOME = "10.0.0.1", "10.0.0.2"
NETWORK = "10.0.0.0/24"
# With ports of the NAT's own choice, as most routers do it: nothing in a message is where it came from.
RULES = """
table ip nat {{
	chain post {{
		type nat hook postrouting priority srcnat;
		ip saddr {network} oifname "{outside}" masquerade fully-random
	}}
}}
"""


def start_home(lab):
    """The host. Its address is HOME."""
    home = lab.add_host("home")
    near, far = f"{lab.id}hr", f"{lab.id}h"
    netns.cable(lab.caller, near, home, far)
    lab.caller.address(near, f"{ROUTER}/24")
    home.address(far, f"{HOME}/24")
    home.ip("route", "add", "default", "via", ROUTER)
    lab.caller.sysctl("net.ipv4.ip_forward", 1)
    lab.caller.run("nft", RULES.format(network=NETWORK, outside=lab.peer_interface("outside")))
    return home
