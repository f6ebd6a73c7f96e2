# SPDX-License-Identifier: BSD-3-Clause
"""What each lab owns, written down before it is made, so that anybody can take it away.

One JSON file a lab under /run/strowger-lab. Three parties remove: the lab itself at its end, its
watchdog when the lab's process was killed, and the next lab to start when both were.
"""

import contextlib
import fcntl
import glob
import json
import os
import shutil

from lab import hugepages, netns

DIR = "/run/strowger-lab"


@contextlib.contextmanager
def lock():
    """One lab at a time changes what labs share: hugepages and this directory."""
    os.makedirs(DIR, mode=0o755, exist_ok=True)
    with open(os.path.join(DIR, "lock"), "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def start_time(pid):
    """When process @pid started, in clock ticks; None without one. Tells a reused pid."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


class Entry:
    """The record of one lab."""

    def __init__(self, lab_id, namespaces):
        self.data = {
            "id": lab_id,
            "owner": os.getpid(),
            "owner_start": start_time(os.getpid()),
            "namespaces": namespaces,
            "run_dir": os.path.join(DIR, lab_id),
            "hugepages": 0,
        }

    @property
    def path(self):
        return os.path.join(DIR, self.data["id"] + ".json")

    def save(self):
        """Replace the record in one step: a reader never sees half of it."""
        temporary = self.path + ".new"
        with open(temporary, "w", encoding="utf-8") as f:
            json.dump(self.data, f)
        os.replace(temporary, self.path)

    def owner_alive(self):
        start = start_time(self.data["owner"])
        return start is not None and start == self.data["owner_start"]

    @classmethod
    def load(cls, path):
        entry = cls.__new__(cls)
        with open(path, encoding="utf-8") as f:
            entry.data = json.load(f)
        return entry


def reserve(entry, wanted):
    """Add up to @wanted hugepages to what @entry owns, and save it.

    A signal ends the kernel's search for pages half way, so how many there were before is written
    down first: whoever takes the entry away finds what was added until then.
    """
    with lock():
        entry.data["hugepages_from"] = hugepages.total()
        entry.save()
        entry.data["hugepages"] = hugepages.reserve(wanted)
        del entry.data["hugepages_from"]
        entry.save()


def owned(entry):
    """How many hugepages are to be given back. The caller holds the lock."""
    if "hugepages_from" in entry.data:
        return max(0, hugepages.total() - entry.data["hugepages_from"])
    return entry.data["hugepages"]


def remove(entry):
    """Take away everything of a lab. May be repeated, and after any interruption."""
    for name in entry.data["namespaces"]:
        netns.delete(name)
    shutil.rmtree(entry.data["run_dir"], ignore_errors=True)
    with lock():
        if os.path.exists(entry.path):
            hugepages.give_back(owned(entry))
            os.unlink(entry.path)


def entries():
    """All labs on this machine, dead or alive."""
    found = []
    for path in glob.glob(os.path.join(DIR, "*.json")):
        with contextlib.suppress(FileNotFoundError, ValueError):
            found.append(Entry.load(path))
    return found


def reap():
    """Remove the labs whose process is gone. Return their ids."""
    dead = [entry for entry in entries() if not entry.owner_alive()]
    for entry in dead:
        remove(entry)
    return [entry.data["id"] for entry in dead]
