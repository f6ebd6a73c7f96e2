# SPDX-License-Identifier: BSD-3-Clause
"""What a figure depends on: commit, CPU, kernel, compiler, flags, DPDK, hugepages, load."""

import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def output(*command, default=None):
    """Standard output of a command, or @default when it is missing or fails."""
    if not shutil.which(command[0]):
        return default
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else default


def read(path, default=None):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return default


def cpu():
    fields = {}
    for line in read("/proc/cpuinfo", "").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    wide = ("sse4_2", "avx2", "avx512bw", "avx512vbmi2", "vaes")
    flags = fields.get("flags", "").split()
    return {
        "model": fields.get("model name", platform.machine()),
        "count": os.cpu_count(),
        "mhz": float(fields.get("cpu MHz", 0) or 0),
        "cache": fields.get("cache size"),
        "flags": [flag for flag in wide if flag in flags],
        "hypervisor": "hypervisor" in flags,
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    }


def hugepages():
    pages = {}
    for line in read("/proc/meminfo", "").splitlines():
        name, _, value = line.partition(":")
        if name in ("HugePages_Total", "HugePages_Free", "Hugepagesize"):
            pages[name] = value.strip()
    return pages


def meson(build, topic):
    text = read(pathlib.Path(build) / "meson-info" / f"intro-{topic}.json")
    return json.loads(text) if text else []


def compiler(build):
    options = {row["name"]: row["value"] for row in meson(build, "buildoptions")}
    flags = []
    commands = read(pathlib.Path(build) / "compile_commands.json")
    for row in json.loads(commands) if commands else []:
        if row["file"].endswith("dataplane/worker.c"):
            flags = [word for word in row["command"].split() if word[:2] in ("-O", "-m", "-f")
                     or word == "-DNDEBUG"]
    return {
        "version": output("cc", "--version", default="unknown").splitlines()[0],
        "buildtype": options.get("buildtype"),
        "sanitize": options.get("b_sanitize"),
        "flags": flags,
    }


def commit():
    head = output("git", "rev-parse", "HEAD")
    changed = output("git", "status", "--porcelain", "--untracked-files=no", default="")
    return {"commit": head, "dirty": bool(changed)}


def describe(build):
    """Everything a reader needs to judge or repeat a figure."""
    report = commit()
    report.update({
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu(),
        "kernel": platform.release(),
        "compiler": compiler(build),
        "dpdk": output("pkg-config", "--modversion", "libdpdk", default="unknown"),
        "hugepages": hugepages(),
        "load_average": list(os.getloadavg()),
    })
    return report
