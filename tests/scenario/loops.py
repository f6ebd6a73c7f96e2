# SPDX-License-Identifier: BSD-3-Clause
"""Two balancers back to back, each the only member of the other's pool: whatever a stranger asks for
goes round, and must end soon, with an answer that says why (RFC 5393)."""

import os

from _common import Lab, Tap, addresses, expect, expect_balanced_ledger, need_root, wait_until
from lab import strowger

FAMILY = 4
PORT = 5070
PACKETS_MAX = 70
SECOND = addresses.PROXIES[0][FAMILY]
REQUEST = """{method} {uri} SIP/2.0\r
Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{n};rport\r
From: <sip:lab@{host}>;tag=1\r
To: <{uri}>\r
Call-ID: loop{n}@lab\r
CSeq: 1 {method}\r
Max-Forwards: {hops}\r
{extra}Content-Length: 0\r
\r
"""

SECOND_CONFIG = """ports:
  - name: inside
    device: "{driver}2,iface={interface}"
    twin: {twin}
    addresses: ["{address}"]
    routes: [{{to: default, via: {gateway}}}]
listeners:
  - {{name: second, address: {second}, pool: first}}
pools:
  - {{name: first, members: [{{name: first, address: {gateway}}}]}}
"""

LOOP = (482, 483)
# what a stranger may ask for: name, Request-URI, headers in addition, answers
TARGETS = [
    ("the_first", f"sip:x@{addresses.OUTSIDE[FAMILY]}", "", LOOP),
    ("the_second", f"sip:x@{SECOND}", "", LOOP),
    # a listener without a pool
    ("the_inner_side", f"sip:x@{addresses.INSIDE[FAMILY]}", "", (503,)),
    ("routes_to_and_fro", f"sip:x@{SECOND}",
     f"Route: <sip:{addresses.OUTSIDE[FAMILY]};lr>\r\n"
     + f"Route: <sip:{SECOND};lr>,<sip:{addresses.INSIDE[FAMILY]};lr>\r\n" * 5, LOOP),
]
# What a message may have at most (dataplane.max_headers, max_vias); what goes round has less.
LIMITS = ("max_headers: 200", "max_vias: 60")
HOPS_END = (483, 200)  # 200: OPTIONS, which may be answered instead (s16.3 step 3)
# of header lines a REQUEST has seven, of Via elements one: name, more of them, answers
EDGES = [
    ("as_many_header_lines_as_allowed", "a:1\r\n" * 193, HOPS_END),
    ("more_header_lines", "a:1\r\n" * 194, (513,)),
    ("as_many_vias_as_allowed", "v:SIP/2.0/UDP a" + ",SIP/2.0/UDP a" * 58 + "\r\n",
     HOPS_END),
    ("more_vias", "v:SIP/2.0/UDP a" + ",SIP/2.0/UDP a" * 59 + "\r\n", (513,)),
]
METHODS = ("INVITE", "MESSAGE", "REGISTER", "OPTIONS")


def second_balancer(lab):
    """The other one, where the farm stands else. It is started by `with`."""
    run_dir = os.path.join(lab.run_dir, "second")
    log_dir = os.path.join(lab.log_dir, "second")
    for path in (run_dir, log_dir):
        os.makedirs(path, exist_ok=True)
    second = strowger.Strowger(lab.farm, lab.build_dir, run_dir, log_dir)
    interface = lab.peer_interface("inside")
    lab.keep_kernel_out(lab.farm, interface)
    twin = f"{lab.id}st"
    cores = [min(os.sched_getaffinity(0))]
    second.write(strowger.render_processes(second, cores) + SECOND_CONFIG.format(
        driver=lab.driver, interface=interface, twin=twin, second=SECOND,
        address=f"{SECOND}/{addresses.PREFIX_BITS[FAMILY]}", gateway=addresses.INSIDE[FAMILY]))
    return second


class Stranger:
    """Sends one request at a time and takes what comes back."""

    def __init__(self, lab):
        self.socket = lab.caller.socket()
        self.socket.bind((addresses.CALLER[FAMILY], PORT))
        self.socket.setblocking(False)
        self.n = 0

    def ask(self, method, uri, extra="", hops=70):
        """The status of the final answer."""
        self.n += 1
        text = REQUEST.format(method=method, uri=uri, extra=extra, hops=hops, n=self.n, port=PORT,
                              host=addresses.CALLER[FAMILY])
        self.socket.sendto(text.encode(), (addresses.OUTSIDE[FAMILY], addresses.SIP_PORT))
        return wait_until(lambda: self.status(f"loop{self.n}@lab"), 60, f"an answer to {method}")

    def status(self, call_id):
        try:
            data = self.socket.recv(65536).decode(errors="replace")
        except BlockingIOError:
            return 0
        return int(data.split()[1]) if data.startswith("SIP/2.0") and call_id in data else 0


def packets(balancers):
    """Messages that the two have received, once nothing moves."""
    return sum(wait_until(one.ledger_at_rest, 60, "the ledger to come to rest")
               .counters["requests"] + one.ledger().counters["responses"] for one in balancers)


def ends(stranger, balancers, uri, extra, statuses, hops=70):
    """Each method ends so, and the two have not talked much about it."""
    most = 0
    for method in METHODS:
        before = packets(balancers)
        status = stranger.ask(method, uri, extra, hops)
        expect(status in statuses, f"{method} was answered {status}")
        most = max(most, packets(balancers) - before)
    expect(most <= PACKETS_MAX, f"{most} packets for one request")
    return most


def main():
    need_root()
    with Tap() as tap, Lab("loops", tap=tap) as lab:
        balance = lab.start_strowger(weights=(1, 0), dataplane=LIMITS)
        with second_balancer(lab) as second:
            stranger = Stranger(lab)
            most = 0
            for name, uri, extra, statuses in TARGETS:
                with tap.case(f"loop_{name}_ends_with_an_answer"):
                    n = ends(stranger, (balance, second), uri, extra, statuses)
                    tap.note(f"packets for one request: at most {n}")
                    most = max(most, n)
            with tap.case("loop_goes_round"):
                expect(most > 4, f"no request went to the other and back: {most} packets")
            for name, extra, statuses in EDGES:
                with tap.case(f"loop_{name}_get_{statuses[0]}"):
                    ends(stranger, (balance, second), TARGETS[0][1], extra, statuses, 0)
            with tap.case("loop_ends_by_max_forwards_too"):
                ends(stranger, (balance, second), TARGETS[0][1], "", HOPS_END, 1)
            with tap.case("loop_ledger_of_the_first_balances"):
                expect_balanced_ledger(balance)
            with tap.case("loop_ledger_of_the_second_balances"):
                # the first asked after its health before it was up
                expect_balanced_ledger(second, ("no_tables",))


main()
