# SPDX-License-Identifier: BSD-3-Clause
"""The generator as a process: started, told what to send, asked for what came back."""

import json
import pathlib
import selectors
import subprocess
import time

import machine

START_TIMEOUT_S = 60
RUN_GRACE_S = 30  # beyond the seconds a run takes


class GeneratorError(Exception):
    pass


class Generator:
    """@expect: "any", "echo", or the path of the configuration whose forwarding is expected."""

    def __init__(self, build, device, corpus, core, hugepages, expect, log, prefix=()):
        command = [*prefix, machine.program(build, "stw-bench-traffic"), "--device", device,
                   "--corpus", corpus, "--core", core]
        command += ["--expect", expect] if expect in ("any", "echo") else ["--config", expect]
        if not hugepages:
            command.append("--no-huge")
        self.log = open(log, "wb")
        self.process = subprocess.Popen(machine.child(command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        preexec_fn=lambda: machine.pin(core))
        try:
            self.answer(START_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def answer(self, timeout_s):
        """The next line, as JSON. What DPDK itself prints is passed over."""
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                line = self.process.stdout.readline()
                if not line:
                    raise GeneratorError("the generator ended: " + self.complaint())
                if line.startswith("{"):
                    return json.loads(line)
        raise GeneratorError(f"the generator said nothing for {timeout_s} s: {self.complaint()}")

    def complaint(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")[-500:].strip()

    def run(self, rate, seconds, patience_s=0.2, lead_s=0.0):
        """What came of sending @rate messages a second; a dictionary of stw-bench-traffic. Of the first
        @lead_s latencies do not count."""
        try:
            self.process.stdin.write(f"run {rate:.0f} {seconds} {patience_s} {lead_s}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise GeneratorError("the generator ended: " + self.complaint()) from None
        result = self.answer(seconds + patience_s + RUN_GRACE_S)
        result["lost"] = result["due"] - result["received"]
        return result

    def close(self):
        try:
            self.process.stdin.close()  # which it takes for "quit"
        except BrokenPipeError:
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
