# SPDX-License-Identifier: BSD-3-Clause
"""A shared interface with VLANs: calls come in by one of them, while the kernel keeps the rest.

The VLAN interfaces are made by tests/lab/vlan.py at both ends, so that kernels without 8021q have
them too. A ping goes over the VLAN and address that carry the calls, all the time.
"""

import json
import os
import struct
import sys

from _common import (Lab, Tap, addresses, expect_all_answered, expect_balanced_ledger, expect,
                     expect_equal, need_root, wait_until)
from lab import sipp
from lab.ping import Ping

VLAN, OTHER_VLAN = 100, 101
OUR_ADDRESS, CALLERS_ADDRESS = "203.0.113.1", "203.0.113.2"
CALLS = 200
PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab", "vlan.py")


def near_vlan(lab):
    """Named as the kernel's VLANs are: that is how the data plane finds it."""
    return f"{lab.interface('outside')}.{VLAN}"


def far_vlan(lab):
    """A name of its own: after its parent's it would be a byte too long where pids have seven digits."""
    return f"{lab.id}v.{VLAN}"


def add_vlan(lab, host, parent, name):
    """@host gets a VLAN interface on @parent. It is down."""
    process = lab.run_in(host, f"vlan-{parent}", sys.executable, PROGRAM, parent, name, str(VLAN))
    process.wait_for(lambda: "ready" in process.output(), 60, "its VLAN interface")
    return process


def configure(lab):
    """As the lab writes it, and at the outer port a VLAN with a listener."""
    plain = lab.balance.config_file
    with open(plain, encoding="utf-8") as f:
        text = f.read()
    twin = f"    twin: {lab.twin('outside')}\n"
    text = text.replace(twin, f"{twin}    vlans: [{VLAN}]\n", 1)
    listener = f'  - {{name: tagged, address: "{OUR_ADDRESS}:5060", pool: farm4}}\n'
    lab.balance.write(text.replace("pools:\n", listener + "pools:\n", 1))


def calls(lab, name, **how):
    lab.callers += 1
    caller = sipp.Caller(name, lab.caller, CALLERS_ADDRESS, f"{OUR_ADDRESS}:5060", lab.log_dir,
                         sipp.from_file("uac.xml", lab.run_dir, how.get("invite_bytes", 0)), CALLS,
                         100, 5070 + lab.callers)
    lab.processes.append(caller.process)
    expect_all_answered(caller, caller.wait())


def take_up(lab):
    """Both VLAN interfaces. A frame that came before was lost, as on any interface."""
    near, far = lab.interface("outside"), lab.peer_interface("outside")
    program = add_vlan(lab, lab.balancer, near, near_vlan(lab))
    add_vlan(lab, lab.caller, far, far_vlan(lab))
    with lab.caller.socket(17, 3) as wire:  # AF_PACKET, SOCK_RAW
        wire.bind((far, 0))
        wire.send(datagram(lab, (0x8100, VLAN)))
    program.wait_for(lambda: "lost a frame" in program.output(), 60, "it lost the frame")
    lab.balancer.address(near_vlan(lab), f"{OUR_ADDRESS}/24")
    lab.caller.address(far_vlan(lab), f"{CALLERS_ADDRESS}/24")


def mac(host, interface):
    link = json.loads(host.ip("-j", "link", "show", "dev", interface))[0]
    return bytes.fromhex(link["address"].replace(":", ""))


def datagram(lab, *tags):
    """A frame with SIP to our listener behind @tags, each (TPID, VLAN)."""
    text = b"OPTIONS sip:x@y SIP/2.0\r\n\r\n"
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(text), 0) + text
    ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                               bytes(map(int, CALLERS_ADDRESS.split("."))),
                               bytes(map(int, OUR_ADDRESS.split(".")))))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", ip, 10, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
    return (mac(lab.balancer, lab.interface("outside"))
            + mac(lab.caller, lab.peer_interface("outside"))
            + b"".join(struct.pack("!HH", *tag) for tag in tags) + b"\x08\x00" + bytes(ip) + udp)


def expect_kernels(lab, balance):
    """Datagrams to the listener with other tags pass the workers by; one with ours does not."""
    before = wait_until(balance.ledger_at_rest, 60, "the ledger to come to rest")
    with lab.caller.socket(17, 3) as wire:  # AF_PACKET, SOCK_RAW
        wire.bind((lab.peer_interface("outside"), 0))
        for tags in (((0x8100, OTHER_VLAN),), ((0x88A8, VLAN), (0x8100, VLAN)),
                     ((0x8100, VLAN), (0x8100, VLAN)), ((0x88A8, VLAN),)):
            wire.send(datagram(lab, *tags))
        wire.send(datagram(lab, (0x8100, VLAN)))
        wire.send(datagram(lab, (0x8100, VLAN)))
    # In order on one cable: when the last has come, the first ones have been left out.
    after = wait_until(lambda: received_more(balance, before, 2), 60, "both that are ours")
    expect_equal(after.counters["received"] - before.counters["received"], 2, "packets received")


def received_more(balance, before, n):
    now = balance.ledger_at_rest()
    return now and now.counters["received"] - before.counters["received"] >= n and now


def main():
    need_root()
    with Tap() as tap, Lab("vlans", tap=tap) as lab:
        lab.start_farm()
        lab.share_interfaces()
        take_up(lab)
        ping = Ping(lab, lab.caller, OUR_ADDRESS)
        before = lab.balancer.ip("addr", "show", "dev", near_vlan(lab))
        write = lab.configure
        lab.configure = lambda *a, **how: (write(*a, **how), configure(lab))
        balance = lab.start_strowger(shared=True, pool=("health: {probes: false}",))
        with tap.case("calls_over_a_vlan"):
            calls(lab, "tagged")
        with tap.case("fragments_over_a_vlan"):
            calls(lab, "tagged-large", invite_bytes=4000)
        with tap.case("untagged_calls_beside_them"):
            untagged = lab.call(calls=CALLS, rate=100)
            expect_all_answered(untagged, untagged.wait())
        with tap.case("ledger_balances"):
            expect_balanced_ledger(balance)
        with tap.case("other_tags_and_double_ones_pass_by"):
            expect_kernels(lab, balance)
        with tap.case("after_a_kill_calls_pass_again"):
            balance.dataplane.kill()
            balance.start_dataplane()
            lab.wait_dataplane()
            wait_until(balance.linked, 60, "control to reach the data plane")
            calls(lab, "tagged-again")
        with tap.case("a_stop_leaves_nothing_behind"):
            expect_equal(balance.stop(), {"control": 0, "dataplane": 0}, "exit codes")
            expect_equal(lab.balancer.ip("addr", "show", "dev", near_vlan(lab)), before, "interface")
        with tap.case("no_ping_was_lost"):
            sent, answered = ping.finish()
            tap.note(f"{answered} of {sent} pings")
            expect(sent - answered <= 1, f"{answered} of {sent} pings were answered")


main()
