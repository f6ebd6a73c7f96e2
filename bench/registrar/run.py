# SPDX-License-Identifier: BSD-3-Clause
"""
Registrars side by side, one core each for the system under test:

  rates     REGISTERs answered 200 a second: ours (control's slow path on a socket, with nothing
            around it; and the whole balancer, see lane.py) and Kamailio's, in turns. Without passwords, by MD5 and by SHA-256; phones use a nonce
            again with the next count. "memory" is what outlives no power failure: ours with
            durability relaxed (which outlives the process), Kamailio's usrloc in memory alone
            (which does not). "disk" is on disk before it is answered: ours with group commit,
            Kamailio's written through to SQLite.
  memory    bytes a binding: our store's file, Kamailio's shared memory
  restart   a store of a million bindings (quick: 100 000): open_s until REGISTERs and calls are answered, read_s
            until every binding was read once

A run that met any other answer than 200 and 401, or lost more than one in a thousand, does not count:
the benchmark fails.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import machine
from lab import netns, registry
from lab.wait import wait_until
from measure import HIGHER, LOWER, metric, quantity
from registrar import lane

HERE = pathlib.Path(__file__).resolve().parent
REGISTRAR, PHONES = "192.0.2.1", "203.0.113.9"
USERS, WINDOW = 20000, 256
USERS_OF_SQLITE = 200
PATIENCE_S = 60
SQL = pathlib.Path("/usr/share/kamailio/db_sqlite")
# system, passwords, what outlives what; in the order of a round
CASES = (("strowger", "none", "memory"), ("kamailio", "none", "memory"), ("lane", "none", "memory"),
         ("strowger", "md5", "memory"), ("kamailio", "md5", "memory"), ("lane", "md5", "memory"),
         ("strowger", "sha-256", "memory"), ("kamailio", "sha-256", "memory"),
         ("lane", "sha-256", "memory"),
         ("strowger", "none", "disk"), ("kamailio", "none", "disk"),
         ("strowger", "md5", "disk"))


class RegistrarError(Exception):
    """A run that must not count."""


@contextlib.contextmanager
def host():
    """A network of its own, taken away by the next lab or benchmark if not by us."""
    entry = registry.Entry(f"bench-registrar-{os.getpid()}", [f"stw-registrar-{os.getpid()}"])
    registry.reap()
    try:
        with registry.lock():
            entry.save()
        h = netns.Host(entry.data["namespaces"][0])
        h.create()
        h.address("lo", f"{REGISTRAR}/24", f"{PHONES}/24")
        yield h
    finally:
        registry.remove(entry)


@contextlib.contextmanager
def running(command, core, work, ready):
    """@command on @core until the end of the block, from when @ready(its output) on."""
    log = work / "log"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(machine.child(command), stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   preexec_fn=lambda: machine.pin(core))
    try:
        def is_ready():
            if process.poll() is not None:
                raise RegistrarError(f"{command[0]} ended: {log.read_text()[-2000:]}")
            return ready(log.read_text())
        wait_until(is_ready, PATIENCE_S, "the registrar to be ready")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def kamailio(h, work, auth, keeps):
    """Its command, with a configuration and a database of its own."""
    config, database = work / "kamailio.cfg", work / "kamailio.sqlite"
    values = {"ADDRESS": REGISTRAR, "CHILDREN": "1", "DATABASE": str(database),
              "ALGORITHM": {"md5": "MD5", "sha-256": "SHA-256"}.get(auth, "MD5")}
    text = (HERE / "kamailio.cfg.in").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    config.write_text(text, encoding="utf-8")
    defines = [] if auth == "none" else ["-A", "AUTH"]
    if keeps == "disk":
        defines += ["-A", "SQLITE"]
        for name in ("standard-create.sql", "usrloc-create.sql"):
            subprocess.run(["sqlite3", database], input=(SQL / name).read_text(), text=True,
                           check=True)
    return h.argv("kamailio", "-f", str(config), "-DD", "-E", "-x", "fm", "-X", "fm", "-m", "512",
                  "-M", "64", "-b", str(8 << 20), "-Y", str(work), "-w", str(work), *defines)


def shared_kib(pid):
    """Shared memory that a process of the session of @pid has touched, the most of any."""
    most = 0
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError, ValueError):
            if os.getpgid(int(status.parent.name)) != pid:
                continue
            for line in status.read_text().splitlines():
                if line.startswith("RssShmem:"):
                    most = max(most, int(line.split()[1]))
    return most


class RegistrarBench:
    def __init__(self, build, h, base, core, seconds, affinity, work, huge):
        self.build = build
        self.host = h
        self.base = base
        self.core = core
        self.seconds = seconds
        self.affinity = affinity
        self.work = work
        self.huge = huge

    def bound(self):
        return REGISTRAR in self.host.run("ss", "-lunH", "sport", "=", ":5060")

    def command(self, work, system, auth, keeps):
        if system == "kamailio":
            return kamailio(self.host, work, auth, keeps), lambda log: self.bound()
        program = str(machine.program(self.build, "stw-bench-registrar"))
        return self.host.argv(program, "serve", f"{REGISTRAR}:5060", str(work / "store"), auth,
                              "relaxed" if keeps == "memory" else "durable", str(USERS)), \
            lambda log: "ready" in log

    def measure(self, system, auth, keeps):
        """One run: (what the phones saw, bytes of shared memory a binding)."""
        work = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        # It takes one at a time, and on a busy disk a while for each: more would wait in vain.
        slow = (system, keeps) == ("kamailio", "disk")
        users, window = (USERS_OF_SQLITE, 4) if slow else (USERS, WINDOW)
        try:
            command, ready = self.command(work, system, auth, keeps)
            with running(command, self.core, work, ready) as process:
                before = shared_kib(process.pid)
                done = subprocess.run(self.host.argv(
                    str(machine.program(self.build, "stw-bench-phones")), PHONES, REGISTRAR, auth,
                    str(users), str(window), str(self.seconds)),
                    capture_output=True, text=True, check=True, timeout=PATIENCE_S * 3)
                bytes_each = (shared_kib(process.pid) - before) * 1024 / users
        finally:
            shutil.rmtree(work)
        return self.rate(done.stdout, system, auth, keeps), bytes_each

    def rate(self, output, *case):
        """What the phones saw, if it counts."""
        seen = json.loads(output.splitlines()[-1])
        total = seen["rate"] * self.seconds
        if seen["other"] or seen["lost"] > total / 1000 + 1:
            raise RegistrarError(f"{' '.join(case)} does not count: {seen}")
        return seen["rate"]

    def measure_lane(self, auth, keeps):
        """One run of the whole balancer: what the phones saw."""
        store = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        with lane.serving(self.build, self.work, store, self.core, self.affinity, auth, keeps,
                          USERS, self.huge) as served:
            phones = subprocess.Popen(
                machine.child(["timeout", 3 * PATIENCE_S,
                               machine.program(self.build, "stw-bench-phones"), *served.phones,
                               lane.PHONES, lane.REGISTRAR, auth, USERS, lane.WINDOW,
                               self.seconds]),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True)
            with phones:
                output = phones.stdout.read()
            if phones.returncode:
                raise RegistrarError(f"the phones ended with {phones.returncode}")
            served.check()
        shutil.rmtree(store)
        return self.rate(output, "lane", auth, keeps)

    def output(self, *args):
        return json.loads(subprocess.run(
            [machine.program(self.build, "stw-bench-registrar"), *map(str, args)],
            capture_output=True, text=True, check=True,
            preexec_fn=lambda: machine.pin(self.core)).stdout)

    def restart(self, bindings, rounds):
        with tempfile.TemporaryDirectory(dir=self.base) as store:
            filled = self.output("fill", store, bindings)
            runs = [self.output("open", store) for _ in range(rounds)]
        if any(run["bindings"] != bindings for run in runs):
            raise RegistrarError(f"bindings after a restart: {runs}")
        return {"bindings": bindings,
                "bytes_a_binding": filled["bytes"] / bindings,
                "open_s": metric([run["open_s"] for run in runs], "s", LOWER),
                "read_s": metric([run["read_s"] for run in runs], "s", LOWER)}


def run(build, quick, progress):
    """Returns registrar.* of the report."""
    core = machine.worker_core()
    cases = [case for case in CASES if not quick or case[1] != "sha-256"]
    bindings = 100000 if quick else 1000000
    rates, shared = {}, []
    base = build / "bench" / f"registrar-{os.getpid()}"  # not in memory: durable is on disk
    base.mkdir(parents=True)
    try:
        with host() as h, machine.stand_aside(core) as affinity, \
                machine.workspace(lane.HUGEPAGES) as (work, huge):
            bench = RegistrarBench(build, h, base, core, 0.5 if quick else 3, affinity, work, huge)
            for i in range(1 if quick else 5):
                progress.say(f"registrar: round {i + 1}, ours and Kamailio's in turns")
                for case in cases:
                    if case[0] == "lane":
                        rates.setdefault(case, []).append(bench.measure_lane(*case[1:]))
                        continue
                    rate, bytes_each = bench.measure(*case)
                    rates.setdefault(case, []).append(rate)
                    if case == ("kamailio", "none", "memory"):
                        shared.append(bytes_each)
            progress.say(f"registrar: {bindings} bindings, restarted")
            restart = bench.restart(bindings, 3)
    finally:
        shutil.rmtree(base)
    report = {"users": USERS, "window": WINDOW, "restart": restart,
              "kamailio_bytes_a_binding": metric(shared, "bytes", LOWER)}
    for (system, auth, keeps), runs in rates.items():
        report.setdefault(keeps, {}).setdefault(auth, {})[system] = metric(runs, "1/s", HIGHER)
    for keeps in ("memory", "disk"):
        for row in report[keeps].values():
            if "kamailio" in row:
                row["times_kamailio"] = row["strowger"]["median"] / row["kamailio"]["median"]
            if "lane" in row:
                row["lane_times_kamailio"] = row["lane"]["median"] / row["kamailio"]["median"]
    return report


def summary(report):
    """Lines for the terminal."""
    for keeps in ("memory", "disk"):
        for auth, row in report[keeps].items():
            line = (f"REGISTER, {keeps}, {auth:>7} {quantity(row['strowger']['median'], '1/s')}")
            if "kamailio" in row:
                line += (f", Kamailio {quantity(row['kamailio']['median'], '1/s')}: "
                         f"{row['times_kamailio']:.1f} times")
            yield line
            if "lane" in row:
                yield (f"  the whole balancer  {quantity(row['lane']['median'], '1/s')} on one "
                       f"core: {row['lane_times_kamailio']:.1f} times")
    restart = report["restart"]
    yield (f"registrar, restart  {restart['bindings']} bindings: open "
           f"{restart['open_s']['median'] * 1000:.0f} ms, all read "
           f"{restart['read_s']['median']:.2f} s, {restart['bytes_a_binding']:.0f} bytes each on "
           f"disk; Kamailio {report['kamailio_bytes_a_binding']['median']:.0f} in memory")
