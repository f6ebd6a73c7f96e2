# SPDX-License-Identifier: BSD-3-Clause
"""Both of Strowger's processes and its command-line client, inside a host."""

import json
import os
import re
import subprocess

from lab import addresses
from lab.process import Process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
READY_S = 60
DEFAULT_API_SOCKET = "/run/strowger/api.sock"
PROGRAMS = {
    "dataplane": ["dataplane/strowger-dataplane"],
    "control": ["control/strowger-control"],
    "ctl": ["control/strowgerctl", "control/cli/strowgerctl"],
}


def program(build_dir, name):
    """Where the build put it."""
    paths = [os.path.join(build_dir, path) for path in PROGRAMS[name]]
    for path in paths:
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"not built: {paths[0]}")


class CtlError(Exception):
    """strowgerctl refused or failed."""

    def __init__(self, arguments, code, text):
        super().__init__(f"strowgerctl {' '.join(arguments)}: exit code {code}: {text.strip()}")
        self.code = code
        self.text = text


class Member:
    """One row of `show members`."""

    def __init__(self, row):
        self.name = row["name"]
        self.address = row["address"]
        self.number = row["number"]
        self.new_calls = (row.get("counters") or {}).get("new_calls", 0)
        self.weight = sum(use["weight"] for use in row["pools"])


def drop_names():
    """The ledger's rows that are drops: the table in counters.h is the one list there is."""
    with open(os.path.join(ROOT, "include", "strowger", "counters.h"), encoding="utf-8") as f:
        return re.findall(r"X\(DROP_\w+, \"(\w+)\"", f.read())


class Ledger:
    """The drop ledger of all workers together, as `show counters` tells it."""

    def __init__(self, reply):
        total = reply["total"]
        self.counters = total["counters"]
        self.balanced = total["ledger"]["balanced"]
        self.drops = {name: self.counters[name] for name in drop_names()}

    def __repr__(self):
        return ", ".join(f"{name} {n}" for name, n in self.counters.items() if n)


class Pair:
    """Data plane and control with one configuration, and the client of their API."""

    def __init__(self, build_dir, config_file, api_socket, log_dir):
        self.build_dir = build_dir
        self.config_file = config_file
        self.api_socket = api_socket
        self.log_dir = log_dir
        self.dataplane = None
        self.control = None

    def __enter__(self):
        self.start_dataplane()
        self.start_control()
        self.wait_control()
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        return False

    def argv(self, *command):
        """@command as it is run; a lab puts it into a host."""
        return list(command)

    def start_dataplane(self):
        self.dataplane = self._start("dataplane")

    def start_control(self):
        self.control = self._start("control")

    def _start(self, name):
        return Process(name, self.argv(program(self.build_dir, name), "--config",
                                       self.config_file),
                       os.path.join(self.log_dir, f"{name}.log"), end_with_us=True)

    def wait_control(self):
        """The API answers, and control has reached the data plane."""
        self.control.wait_for(self.linked, READY_S, "it serves by the data plane")

    def dead(self):
        """A process that ended by itself, or None."""
        for process in (self.dataplane, self.control):
            if process is not None and not process.running():
                return process
        return None

    def alive(self):
        return self.dead() is None

    def stop(self):
        """Both, control first. Return their exit codes."""
        codes = {}
        for name in ("control", "dataplane"):
            process = getattr(self, name)
            if process is not None:
                codes[name] = process.stop()
                setattr(self, name, None)
        return codes

    # the API, by its client

    def ctl(self, *arguments, check=True, text=""):
        """Run strowgerctl, with @text on its standard input. Return (exit code, output); an
        exception when @check and it failed."""
        done = subprocess.run(
            [program(self.build_dir, "ctl"), "--socket", self.api_socket, *arguments],
            input=text, capture_output=True, text=True, check=False, timeout=180)
        if check and done.returncode != 0:
            raise CtlError(arguments, done.returncode, done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def show(self, what):
        """`strowgerctl show WHAT --json`, as Python values."""
        return json.loads(self.ctl("show", what, "--json")[1])

    def ctl_lines(self, *arguments):
        """What strowgerctl prints as JSON, one value a line."""
        return [json.loads(line) for line in self.ctl(*arguments)[1].splitlines()]

    def linked(self):
        """The data plane serves tables, and control knows."""
        return self.generation() > 0

    def generation(self):
        """Of the tables being served, as control knows; 0 without, or while it does not answer."""
        if not os.path.exists(self.api_socket):
            return 0
        code, text = self.ctl("show", "version", "--json", check=False)
        return json.loads(text)["generation"] if code == 0 else 0

    def members(self):
        """{name: Member}."""
        return {row["name"]: Member(row) for row in self.show("members")["members"]}

    def ledger(self):
        return Ledger(self.show("counters"))

    def ledger_at_rest(self):
        """The ledger once nothing moves in it, else None: two readings that agree."""
        first, second = self.ledger(), self.ledger()
        return second if first.counters["received"] == second.counters["received"] else None

    def summary(self):
        """One line for a person."""
        ledger = self.ledger()
        return (f"received {ledger.counters['received']}  sent {ledger.counters['sent']}  "
                f"dropped {sum(ledger.drops.values())}")


class Strowger(Pair):
    """The lab's balancer."""

    def __init__(self, host, build_dir, run_dir, log_dir):
        super().__init__(build_dir, os.path.join(run_dir, "strowger.yaml"),
                         os.path.join(run_dir, "api.sock"), log_dir)
        self.host = host
        self.run_dir = run_dir
        self.dataplane_socket = os.path.join(run_dir, "dataplane.sock")

    def argv(self, *command):
        return self.host.argv(*command)

    def write_config(self, ports, weights, families, cores, extra="", hugepages="auto",
                     crossed=False, shared=False, pool=(), dataplane=(), neighbours=None):
        """The configuration of the lab's balancer.

        @ports is a list of (name, device, twin, addresses); @weights has one weight a proxy.
        @crossed: at addresses.CROSS_PORT each family's callers reach the farm of the other.
        @pool: further options of each pool, @dataplane: of the data plane, a line each. @neighbours: of each
        port, which has no kernel side then.
        """
        lines = render_ports(ports, shared, neighbours) + render_service(weights, families, crossed, pool)
        self.write(render_processes(self, cores, hugepages, dataplane) + "\n".join(lines) + "\n"
                   + extra)

    def write(self, text):
        """Replace the configuration file in one step."""
        temporary = self.config_file + ".new"
        with open(temporary, "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(temporary, self.config_file)

    def wait_dataplane(self, twins):
        """Its twins exist and its socket is there."""
        self.dataplane.wait_for(lambda: os.path.exists(self.dataplane_socket)
                                and set(twins) <= set(self.host.links()),
                                READY_S, "its twins and its socket are there")


def api_socket_of(config_file):
    """The API's socket as a configuration names it. (Control prints no such thing, and Debian's
    Python has no YAML: the key is looked for where people write it.)"""
    with open(config_file, encoding="utf-8") as f:
        text = f.read()
    section = re.search(r"^api:(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    found = section and re.search(r"\bsocket:\s*[\"']?([^\s\"',}]+)", section.group(1))
    return found.group(1) if found else DEFAULT_API_SOCKET


def quoted(items):
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def render_processes(balancer, cores, hugepages="auto", dataplane=()):
    """The first part of strowger.yaml: what is not about the network."""
    return "\n".join([
        "dataplane:",
        f"  cores: [{', '.join(map(str, cores))}]",
        f"  hugepages: {hugepages}",
        "  memory_mb: 256",
        f"  socket: {balancer.dataplane_socket}",
        *(f"  {option}" for option in dataplane),
        "control:",
        f"  state_dir: {balancer.run_dir}/state",
        "api:",
        f"  socket: {balancer.api_socket}",
    ]) + "\n"


def render_ports(ports, shared, neighbours=None):
    lines = ["ports:"]
    for name, device, twin, port_addresses in ports:
        lines += [f"  - name: {name}", f'    device: "{device}"']
        if neighbours:
            lines += ["    kernel: none", "    neighbours:",
                      *(f'      - {{address: "{address}", mac: "{mac}"}}'
                        for address, mac in neighbours[name].items())]
        else:
            lines += [f"    kernel: {'shared' if shared else 'twin'}", f"    twin: {twin}"]
        if not shared:
            lines.append(f"    addresses: {quoted(port_addresses)}")
    return lines


def render_service(weights, families, crossed, pool=()):
    """Listeners and pools: one pool a family, both with the same proxies and weights."""
    lines = ["listeners:"]
    for f in families:
        outside = addresses.host_port(addresses.OUTSIDE[f])
        inside = addresses.host_port(addresses.INSIDE[f])
        lines += [f'  - {{name: edge{f}, address: "{outside}", pool: farm{f}}}',
                  f'  - {{name: inner{f}, address: "{inside}"}}']
        if crossed:
            outside = addresses.host_port(addresses.OUTSIDE[f], addresses.CROSS_PORT)
            lines += [f'  - {{name: cross{f}, address: "{outside}", pool: farm{10 - f}}}']
    lines += ["pools:"]
    for f in families:
        lines += [f"  - name: farm{f}", *(f"    {line}" for line in pool)]
        lines += ["    members:"] if weights else []
        for i, weight in enumerate(weights):
            member = addresses.host_port(addresses.PROXIES[i][f])
            lines += [f'      - {{name: k{i + 1}v{f}, address: "{member}", weight: {weight}}}']
    return lines
