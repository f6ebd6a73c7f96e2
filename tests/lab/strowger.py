# SPDX-License-Identifier: BSD-3-Clause
"""Both of Strowger's processes and its command-line client, inside a host."""

import json
import os
import subprocess

from lab import addresses
from lab.process import Process

READY_S = 60
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


class Strowger:
    """One balancer: a configuration, two processes, one API socket."""

    def __init__(self, host, build_dir, run_dir, log_dir, lab_id):
        self.host = host
        self.build_dir = build_dir
        self.run_dir = run_dir
        self.log_dir = log_dir
        self.lab_id = lab_id
        self.config_file = os.path.join(run_dir, "strowger.yaml")
        self.api_socket = os.path.join(run_dir, "api.sock")
        self.dataplane_socket = os.path.join(run_dir, "dataplane.sock")
        self.dataplane = None
        self.control = None

    def write_config(self, ports, weights, families=addresses.FAMILIES, cores=(0,), extra=""):
        """The configuration of the lab's balancer.

        @ports is a list of (name, device, twin, addresses); @weights has one weight a proxy.
        """
        text = render(self, ports, weights, families, cores) + extra
        temporary = self.config_file + ".new"
        with open(temporary, "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(temporary, self.config_file)

    def start_dataplane(self):
        self.dataplane = Process("dataplane", self.host.argv(
            program(self.build_dir, "dataplane"), "--config", self.config_file),
            os.path.join(self.log_dir, "dataplane.log"))

    def start_control(self):
        self.control = Process("control", self.host.argv(
            program(self.build_dir, "control"), "--config", self.config_file),
            os.path.join(self.log_dir, "control.log"))

    def wait_dataplane(self, twins):
        """Its twins exist and its socket is there."""
        self.dataplane.wait_for(lambda: os.path.exists(self.dataplane_socket)
                                and set(twins) <= set(self.host.links()),
                                READY_S, "its twins and its socket are there")

    def wait_control(self):
        """The API answers."""
        self.control.wait_for(self._answers, READY_S, "its API answers")

    def _answers(self):
        if not os.path.exists(self.api_socket):
            return False
        return self.ctl("show", "version", check=False)[0] == 0

    def ctl(self, *arguments, check=True):
        """Run strowgerctl. Return (exit code, output); an exception when @check and it failed."""
        done = subprocess.run(
            [program(self.build_dir, "ctl"), "--socket", self.api_socket, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
        if check and done.returncode != 0:
            raise CtlError(arguments, done.returncode, done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def show(self, what):
        """`strowgerctl show WHAT --json`, as Python values."""
        return json.loads(self.ctl("show", what, "--json")[1])

    def stop(self):
        """Both, in the order a person would. Return their exit codes."""
        codes = {}
        for name in ("control", "dataplane"):
            process = getattr(self, name)
            if process is not None:
                codes[name] = process.stop()
                setattr(self, name, None)
        return codes


def quoted(items):
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def render(balancer, ports, weights, families, cores):
    """The text of strowger.yaml."""
    lines = [
        "dataplane:",
        f"  cores: [{', '.join(map(str, cores))}]",
        "  hugepages: auto",
        "  memory_mb: 256",
        f"  socket: {balancer.dataplane_socket}",
        "control:",
        f"  state_dir: {balancer.run_dir}/state",
        "api:",
        f"  socket: {balancer.api_socket}",
        "ports:",
    ]
    for name, device, twin, port_addresses in ports:
        lines += [
            f"  - name: {name}",
            f'    device: "{device}"',
            "    kernel: twin",
            f"    twin: {twin}",
            f"    addresses: {quoted(port_addresses)}",
        ]
    lines += render_service(weights, families)
    return "\n".join(lines) + "\n"


def render_service(weights, families):
    """Listeners and pools: one pool a family, both with the same proxies and weights."""
    lines = ["listeners:"]
    for f in families:
        outside = addresses.host_port(addresses.OUTSIDE[f])
        inside = addresses.host_port(addresses.INSIDE[f])
        lines += [f'  - {{name: edge{f}, address: "{outside}", pool: farm{f}}}',
                  f'  - {{name: inner{f}, address: "{inside}"}}']
    lines += ["pools:"]
    for f in families:
        lines += [f"  - name: farm{f}", "    members:"]
        for i, weight in enumerate(weights):
            member = addresses.host_port(addresses.PROXIES[i][f])
            lines += [f'      - {{name: k{i + 1}v{f}, address: "{member}", weight: {weight}}}']
    return lines
