# SPDX-License-Identifier: BSD-3-Clause
"""Dialogs of many kinds at once: for each kind a called sipp at a port of its own, and callers."""

from lab import addresses, dialogs, script, sipp


class Side:
    """Where sipps run: a host of the lab and its address of one family."""

    def __init__(self, host, name, address):
        self.host = host
        self.name = name
        self.address = address


class Party:
    """The called sides of @kinds, on one address. The called user is the port (kamailio.cfg.in)."""

    def __init__(self, lab, side, kinds):
        self.lab = lab
        self.side = side
        self.ports = {kind: addresses.DIALOG_PORT + 2 * i for i, kind in enumerate(kinds)}
        self.expected = dict.fromkeys(kinds, 0)
        self.called = [(kind, self._answer(kind, i)) for kind in kinds
                       for i in range(dialogs.n_called(kind))]
        self.callers = []
        for _, called in self.called:
            called.wait_ready()

    def _answer(self, kind, i):
        name = f"{kind}{i}-on-{self.side.name}"
        text = sipp.from_text(f"{name}.xml", dialogs.scripts(kind)[1 + i], self.lab.run_dir)
        called = sipp.Called(name, self.side.host, self.side.address, self.lab.log_dir, text,
                             self.ports[kind] + i)
        self.lab.processes.append(called.process)
        return called

    def user(self, kind):
        """Whom a caller of @kind calls."""
        return f"{'fork' if dialogs.n_called(kind) > 1 else ''}{self.ports[kind]}"

    def call(self, side, target, callee, calls, rate, first_port):
        """Start a caller of each kind at @side that sends to @target (host:port), for
        callee(kind): the user and host it asks for."""
        for i, kind in enumerate(self.ports):
            name = f"{kind}-{side.name}-to-{self.side.name}"
            text = sipp.from_text(f"{name}.xml", dialogs.scripts(kind)[0], self.lab.run_dir)
            caller = sipp.Caller(name, side.host, side.address, target, self.lab.log_dir, text,
                                 calls, rate, first_port + i, keys={"callee": callee(kind)})
            self.lab.processes.append(caller.process)
            self.callers.append((kind, caller))
            self.expected[kind] += calls

    def n_calls(self):
        return sum(caller.calls for _, caller in self.callers)

    def results(self):
        """Wait until all calls have ended. Yield (kind, side, statistics, calls it should have)."""
        for kind, caller in self.callers:
            yield kind, caller.process.name, caller.wait(), caller.calls
        for kind, called in self.called:
            yield kind, called.process.name, called.wait_ended(self.expected[kind]), \
                self.expected[kind]

    def stop(self):
        for _, called in self.called:
            called.process.stop()
