# SPDX-License-Identifier: BSD-3-Clause
"""A machine in namespaces that systemd boots as process 1, over a copy-on-write copy of this one's
files. Nothing of this machine's services starts in it, and nothing of it stays."""

import contextlib
import os
import stat
import subprocess
import tempfile

from lab.process import Process, ProcessDied
from lab.wait import WaitTimeout, wait_until
from support.tap import Skip

BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.sh")
SYSTEMD = "/usr/lib/systemd/systemd"
BOOT_S, STOP_S, STEP_S = 120, 60, 180
NAMESPACES = ("--pid", "--mount", "--net", "--uts", "--ipc", "--cgroup")
DEVICES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9),
           ("tty", 5, 0), ("net/tun", 10, 200))
# What a boot would do to the machine around: its devices, its clock, its sysctls, its modules.
MASKED = ("systemd-udevd.service", "systemd-udev-trigger.service", "systemd-sysctl.service",
          "systemd-udevd-kernel.socket", "systemd-udevd-control.socket",
          "systemd-modules-load.service", "systemd-remount-fs.service", "systemd-hwclock.service",
          "systemd-random-seed.service", "systemd-binfmt.service", "systemd-firstboot.service",
          "systemd-update-utmp.service", "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount",
          "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount",
          "kmod-static-nodes.service")
BARE = "[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\nAllowIsolate=yes\n"


def run(*argv, check=True):
    """A command; its output is in the exception when it fails."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=STEP_S, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout[-3000:]}")
    return done


def need(*argv):
    """A step that some kernels and containers refuse."""
    done = run(*argv, check=False)
    if done.returncode != 0:
        raise Skip(f"refused here: {' '.join(argv)}: {done.stdout.strip()}")


def cgroup2_folder():
    """Our own folder in the second version's hierarchy."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        mounts = [line.split()[1] for line in f if line.split()[2] == "cgroup2"]
    if not mounts:
        raise Skip("no hierarchy of cgroups of the second version is mounted here")
    with open("/proc/self/cgroup", encoding="utf-8") as f:
        ours = [line.strip().split(":", 2)[2] for line in f if line.startswith("0::")]
    return os.path.normpath(mounts[0] + "/" + (ours[0] if ours else "/"))


class Machine:
    """Use in a mount namespace of our own, as a context manager: made and booted, then gone."""

    def __init__(self):
        self.place = tempfile.mkdtemp(prefix="strowger-machine-")
        self.path = f"{self.place}/root"
        self.console = f"{self.place}.log"
        self.process = None
        self.cgroup = None

    def __enter__(self):
        try:
            self._prepare()
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _prepare(self):
        need("mount", "-t", "tmpfs", "tmpfs", self.place)
        for folder in ("root", "upper", "work"):
            os.mkdir(f"{self.place}/{folder}")
        need("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.place}/upper,"
             f"workdir={self.place}/work", self.path)
        for folder in ("run", "tmp", "dev"):
            need("mount", "-t", "tmpfs", "tmpfs", f"{self.path}/{folder}")
        for folder in ("pts", "shm", "net"):
            os.mkdir(f"{self.path}/dev/{folder}")
        for name, major, minor in DEVICES:
            try:
                os.mknod(f"{self.path}/dev/{name}", stat.S_IFCHR, os.makedev(major, minor))
            except PermissionError as error:
                raise Skip(f"refused here: mknod {name}: {error}") from error
            os.chmod(f"{self.path}/dev/{name}", 0o666)
        os.symlink("pts/ptmx", f"{self.path}/dev/ptmx")
        self.write("/run/systemd/system/bare.target", BARE)
        for unit in MASKED:
            os.symlink("/dev/null", f"{self.path}/run/systemd/system/{unit}")

    def _boot(self):
        """Until systemd says that nothing more is to be done. What is ours is not in there yet, so
        whatever goes wrong is the machine's, but for a systemd that is not installed."""
        if not os.access(SYSTEMD, os.X_OK):
            raise RuntimeError(f"{SYSTEMD} is not installed (tests/support/packages.list)")
        self.cgroup = f"{cgroup2_folder()}/strowger-machine-{os.getpid()}"
        try:
            os.mkdir(self.cgroup)
        except OSError as error:
            self.cgroup = None
            raise Skip(f"refused here: a cgroup: {error}") from error
        self.process = Process("systemd", [
            "sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.cgroup, "unshare",
            *NAMESPACES, "--fork", "--kill-child", "--propagation", "private", BOOT, self.path],
            self.console, end_with_us=True)
        try:
            self.process.wait_for(lambda: self._state() in ("running", "degraded"), BOOT_S,
                                  "the end of its boot")
        except (WaitTimeout, ProcessDied) as error:
            raise Skip(f"systemd does not boot here: {error}") from error

    def _state(self):
        """Of the systemd in there, once it is process 1. What is process 1 before that has still
        the root of this machine, whose systemd would answer."""
        try:
            with open(f"/proc/{self.init()}/comm", encoding="utf-8") as f:
                begun = f.read() == "systemd\n"
        except (FileNotFoundError, ProcessLookupError):
            begun = False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() if begun else ""

    def init(self):
        """The pid of its process 1, as seen from here; None before there is one."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                      encoding="ascii") as f:
                return f.read().split()[0]
        except (IndexError, FileNotFoundError, ProcessLookupError):
            return None

    def argv(self, *command):
        return ["nsenter", "-t", self.init() or "0", *NAMESPACES, "--root", "--wd", *command]

    def run(self, *command, check=True):
        """A command in the machine."""
        return run(*self.argv(*command), check=check)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path + path), exist_ok=True)
        with open(self.path + path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path + path, mode)

    def exists(self, path):
        return os.path.lexists(self.path + path)

    def __exit__(self, *_):
        if self.process is not None:
            init = self.init()
            if init:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(init), 9)  # with it, all that is in there
            self.process.wait_exit(STOP_S)
        for path in (f"{self.path}/run", f"{self.path}/tmp", f"{self.path}/dev", self.path,
                     self.place):
            run("umount", "-l", path, check=False)
        os.rmdir(self.place)
        if os.path.exists(self.console):
            os.unlink(self.console)
        if self.cgroup is not None:
            wait_until(self._cgroup_gone, STOP_S, "its cgroups to empty")

    def _cgroup_gone(self):
        try:
            for folder, _folders, _files in os.walk(self.cgroup, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return not os.path.exists(self.cgroup)
