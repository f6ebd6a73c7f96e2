# SPDX-License-Identifier: BSD-3-Clause
"""The Debian package: built, installed into a clean root, run there, upgraded, removed, purged.

The root is made by debootstrap from the mirror that apt uses here, in a folder and namespaces of its
own. systemd does not run in it; its units are judged by systemd's own tools.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from _common import Tap, expect, expect_equal, need_root, wait_until
from lab.lab import default_build_dir
from lab.process import Process
from support import documents
from support.tap import Skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = ("strowger-dataplane.service", "strowger-control.service")
EXPOSED_AT_MOST = {"strowger-dataplane.service": 50, "strowger-control.service": 25}
STEP_S = 300
CONFIG = """
dataplane: {cores: [%d], hugepages: no, memory_mb: 64, mbufs: 4096}
ports:
  - {name: lan, device: "net_af_xdp0,iface=eth0", kernel: shared}
listeners:
  - {name: edge, address: 192.0.2.10, pool: farm}
pools:
  - {name: farm, members: [{name: k1, address: 192.0.2.11}]}
"""


def run(*argv, check=True, **how):
    """A command, its output in the exception when it fails."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=STEP_S, check=False, **how)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout[-3000:]}")
    return done


def mirror():
    """(suite, URI) of the main archive as apt here knows it."""
    lines = run("apt-get", "indextargets", "--format",
                "$(CREATED_BY) $(SITE) $(RELEASE) $(COMPONENT)").stdout.splitlines()
    for line in lines:
        words = line.split()
        if words[:1] == ["Packages"] and words[-1] == "main" and re.fullmatch(r"[a-z]+", words[-2]):
            return words[-2], words[1]
    raise Skip("apt knows no archive")


class CleanRoot:
    """A Debian of nothing but what a Debian must have."""

    def __init__(self, path):
        self.path = path

    def make(self):
        suite, uri = mirror()
        run("debootstrap", "--variant=minbase", suite, self.path, uri)
        run("mount", "-t", "proc", "proc", f"{self.path}/proc")
        # A mirror that does not answer once is no fault of the package; debootstrap asks again, too.
        self.write("/etc/apt/apt.conf.d/90patience", 'Acquire::Retries "5";\n')
        # Services of what we depend on must not start in here either.
        with open(f"{self.path}/usr/sbin/policy-rc.d", "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexit 101\n")
        os.chmod(f"{self.path}/usr/sbin/policy-rc.d", 0o755)

    def unmake(self):
        """Nothing of this machine must be in there when it is removed."""
        run("umount", f"{self.path}/proc")

    def run(self, *argv, check=True):
        return run("chroot", self.path, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", *argv,
                   check=check)

    def exists(self, path):
        return os.path.lexists(self.path + path)

    def read(self, path):
        with open(self.path + path, encoding="utf-8") as f:
            return f.read()

    def write(self, path, text):
        with open(self.path + path, "w", encoding="utf-8") as f:
            f.write(text)

    def install(self, package):
        shutil.copy(package, f"{self.path}/tmp/")
        self.run("apt-get", "install", "-yq", "--no-install-recommends",
                 f"/tmp/{os.path.basename(package)}")


def builds(build_dir, out):
    """Two packages, the second newer."""
    script = os.path.join(ROOT, "packaging", "deb.sh")
    return [run(script, build_dir, out, suffix).stdout.splitlines()[-1] for suffix in ("", "+1")]


def is_complete(package):
    listed = run("dpkg-deb", "--contents", package).stdout
    for path in ("usr/sbin/strowger-dataplane", "usr/sbin/strowger-control", "usr/bin/strowgerctl",
                 "man8/strowger-dataplane.8.gz", "examples/one-interface.yaml", "sysusers.d",
                 "doc/strowger/copyright", *UNITS):
        expect(path in listed, f"{path} is not in the package")
    expect("usr/local" not in listed, "something is below /usr/local")
    owners = {line.split()[1] for line in listed.splitlines()}
    expect_equal(owners, {"root/root"}, "owners")


def units_are_good(root):
    """systemd understands each line, and finds little that could be shut."""
    for unit in UNITS:
        path = f"/usr/lib/systemd/system/{unit}"
        expect("ExecStart=/usr/sbin/" in root.read(path), f"{unit} runs another program")
        done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                   f"--root={root.path}", root.path + path, check=False)
        complaints = [line for line in done.stdout.splitlines() if unit in line]
        expect(not complaints, f"{complaints}")
        done = run("systemd-analyze", "security", "--offline=yes",
                   f"--threshold={EXPOSED_AT_MOST[unit]}", f"--root={root.path}", unit, check=False)
        expect_equal(done.returncode, 0, f"exposure of {unit}\n{done.stdout[-1500:]}")


def installs_and_starts_nothing(root, package):
    root.install(package)
    expect("strowger" in root.read("/etc/passwd"), "there is no user")
    expect_equal(root.run("stat", "-c", "%a %U %G", "/etc/strowger").stdout.strip(),
                 "750 root strowger", "/etc/strowger")
    expect_equal(root.run("stat", "-c", "%a %U %G", "/var/lib/strowger").stdout.strip(),
                 "700 strowger strowger", "/var/lib/strowger")
    for unit in UNITS:
        expect("ConditionPathExists=/etc/strowger/strowger.yaml"
               in root.read(f"/usr/lib/systemd/system/{unit}"), f"{unit} starts unconfigured")
    expect(not root.exists("/etc/strowger/strowger.yaml"), "a configuration nobody wrote")
    for program in ("strowger-dataplane", "strowger-control"):
        root.run(program, "--version")
    for example in glob.glob(f"{root.path}/usr/share/doc/strowger/examples/*.yaml"):
        root.run("strowger-control", "--check", example[len(root.path):])


def unit_value(root, unit, key):
    return re.search(rf"^{key}=(.*)$", root.read(f"/usr/lib/systemd/system/{unit}"),
                     re.MULTILINE).group(1)


def as_its_unit(root, unit, program):
    """@program in the root as the unit's user with no more than the unit's capabilities."""
    caps = ",".join("+" + cap.removeprefix("CAP_").lower()
                    for cap in unit_value(root, unit, "AmbientCapabilities").split())
    bounds = unit_value(root, unit, "CapabilityBoundingSet").split()
    bound = ",".join("+" + cap.removeprefix("CAP_").lower() for cap in bounds)
    return ["setpriv", "--reuid", "strowger", "--regid", "strowger", "--init-groups",
            "--inh-caps", f"-all,{caps}", "--ambient-caps", f"-all,{caps}",
            "--bounding-set", f"-all,{bound}", "--no-new-privs",
            "env", "XDG_RUNTIME_DIR=/run/strowger", program]


class Running:
    """Both processes in the root, in a network of their own, as their units would run them."""

    def __init__(self, root, logs):
        self.root = root
        self.logs = logs
        self.processes = []

    def __enter__(self):
        # The namespace is gone with this process.
        self.holder = Process("holder", ["unshare", "--net", "sleep", "infinity"],
                              f"{self.logs}/holder.log", end_with_us=True)
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net")
                   != os.readlink("/proc/self/ns/net"), 30, "a network namespace")
        for command in (["link", "add", "eth0", "type", "veth", "peer", "name", "far0"],
                        ["addr", "add", "192.0.2.10/24", "dev", "eth0"],
                        ["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                        ["link", "set", "far0", "up"]):
            run(*self.argv("ip", *command))
        run("mount", "--bind", "/dev", f"{self.root.path}/dev")
        run("mount", "-t", "sysfs", "sysfs", f"{self.root.path}/sys")
        self.root.run("install", "-d", "-o", "strowger", "-g", "strowger", "-m", "750",
                      "/run/strowger")
        return self

    def argv(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *command]

    def start(self, name):
        argv = as_its_unit(self.root, f"{name}.service", f"/usr/sbin/{name}")
        self.processes.append(Process(name, self.argv("chroot", self.root.path, *argv),
                                      f"{self.logs}/{name}.log", end_with_us=True))
        return self.processes[-1]

    def ctl(self, *arguments, check=True):
        return self.root.run("strowgerctl", *arguments, check=check)

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()
        self.holder.stop()
        for path in ("sys", "dev"):
            run("umount", "-l", f"{self.root.path}/{path}")


def serves_as_its_units_would(root, logs):
    """With the rights of the units and no others; nothing but what the package brought."""
    root.write("/etc/strowger/strowger.yaml", CONFIG % max(os.sched_getaffinity(0)))
    root.run("chown", "root:strowger", "/etc/strowger/strowger.yaml")
    root.run("chmod", "640", "/etc/strowger/strowger.yaml")
    with Running(root, logs) as running:
        dataplane = running.start("strowger-dataplane")
        dataplane.wait_for(lambda: root.exists("/run/strowger/dataplane.sock"), 60, "its socket")
        control = running.start("strowger-control")
        control.wait_for(lambda: running.ctl("show", "version", check=False).returncode == 0, 60,
                         "its API answers")
        wait_until(lambda: json.loads(running.ctl("show", "version", "--json").stdout)
                   ["generation"] > 0, 60, "tables to be served")
        ports = json.loads(running.ctl("show", "ports", "--json").stdout)["ports"]
        expect_equal([(p["name"], p["kernel"], p["link"]) for p in ports],
                     [("lan", "eth0", "up")], "ports")
        for process in (control, dataplane):
            expect_equal(process.stop(), 0, f"exit code of {process.name}\n{process.tail()}")
        expect("xdp" not in run(*running.argv("ip", "link", "show", "eth0")).stdout,
               "an XDP program is left")


# In a root that was not booted no systemd runs and no journal is written, and the machine's sysctls
# are not ours to set. So these commands of the documents run against stand-ins, which fail when what
# they are asked about (a unit, a key) is not there; everything else is the real program.
STAND_INS = {
    "systemctl": "for unit; do case $unit in strowger*) "
                 "test -e /usr/lib/systemd/system/${unit%.service}.service;; esac; done",
    "journalctl": "for unit; do case $unit in strowger*) "
                  "test -e /usr/lib/systemd/system/${unit%.service}.service;; esac; done",
    "sysctl": "key=${2%%=*}; test -e /proc/sys/$(echo $key | tr . /)",
}


def documents_are_right(root, tap):
    """Each block of commands for a fresh machine, in order."""
    os.makedirs(f"{root.path}/stand-ins", exist_ok=True)
    for name, script in STAND_INS.items():
        root.write(f"/stand-ins/{name}", f"#!/bin/sh -eu\n{script}\n")
        os.chmod(f"{root.path}/stand-ins/{name}", 0o755)
    for block in documents.commands("root"):
        with tap.case(f"commands_of_{block}"):
            root.run("env", "PATH=/stand-ins:/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-eu", "-c",
                     block.text)


def upgrades(root, package):
    """What people wrote stays, and so does the state."""
    root.write("/etc/strowger/strowger.yaml", "# mine\n")
    root.write("/var/lib/strowger/kept", "state\n")
    root.install(package)
    expect("+1" in root.run("dpkg-query", "-W", "-f", "${Version}", "strowger").stdout, "version")
    expect_equal(root.read("/etc/strowger/strowger.yaml"), "# mine\n", "configuration")
    expect_equal(root.read("/var/lib/strowger/kept"), "state\n", "state")


def is_removed_and_purged(root):
    root.run("dpkg", "--remove", "strowger")
    expect(not root.exists("/usr/sbin/strowger-control"), "a program stays after remove")
    expect_equal(root.read("/etc/strowger/strowger.yaml"), "# mine\n", "configuration")
    root.run("dpkg", "--purge", "strowger")
    for path in ("/etc/strowger", "/var/lib/strowger", "/run/strowger"):
        expect(not root.exists(path), f"{path} stays after purge")
    left = run("find", root.path, "-xdev", "-name", "*strowger*", "-not", "-path",
               f"{root.path}/tmp/*", "-not", "-path", f"{root.path}/var/cache/*").stdout.split()
    expect(not left, f"left after purge: {left}")


def in_private_mounts():
    """Run again where our mounts are nobody else's, and go with us."""
    if os.environ.get("STW_PRIVATE_MOUNTS") != "yes":
        os.environ["STW_PRIVATE_MOUNTS"] = "yes"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              *sys.argv])


def main():
    need_root()
    in_private_mounts()
    build_dir = default_build_dir()
    with Tap() as tap, tempfile.TemporaryDirectory(prefix="strowger-package-") as place:
        root = CleanRoot(f"{place}/root")
        packages = []
        with tap.case("package_is_built"):
            packages += builds(build_dir, place)
            is_complete(packages[0])
        if not packages:
            return
        began = time.monotonic()
        with tap.case("clean_root_is_made"):
            root.make()
        if tap.n_failed or not root.exists("/usr/bin/apt-get"):
            return  # skipped, or said why
        with tap.case("it_installs_and_starts_nothing"):
            installs_and_starts_nothing(root, packages[0])
        tap.note(f"root and installation: {time.monotonic() - began:.0f} s")
        with tap.case("units_are_good"):
            units_are_good(root)
        with tap.case("it_serves_with_the_rights_of_its_units"):
            serves_as_its_units_would(root, place)
        with tap.case("an_upgrade_keeps_what_people_wrote"):
            upgrades(root, packages[1])
        with tap.case("remove_keeps_the_configuration_and_purge_leaves_nothing"):
            is_removed_and_purged(root)
        shutil.copy(packages[0], f"{root.path}/tmp/")
        os.unlink(f"{root.path}/tmp/{os.path.basename(packages[1])}")
        documents_are_right(root, tap)
        root.unmake()


main()
