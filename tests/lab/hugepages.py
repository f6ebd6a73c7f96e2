# SPDX-License-Identifier: BSD-3-Clause
"""2 MiB pages reserved for the life of a lab, and given back. The lab also works with none."""

PAGES_FILE = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
SURPLUS_FILE = "/sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages"
FREE_FILE = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"


def _read(path):
    try:
        with open(path, encoding="ascii") as f:
            return int(f.read())
    except OSError:
        return 0


def _write(n):
    try:
        with open(PAGES_FILE, "w", encoding="ascii") as f:
            f.write(f"{n}\n")
    except OSError:
        pass


def reserve(wanted):
    """Add up to @wanted pages. Return how many the kernel really gave (memory may be scattered).

    Labs side by side each add their own, so giving back is a subtraction and their order does not
    matter. The caller holds the registry's lock.
    """
    before = total()
    _write(before + wanted)
    return max(0, total() - before)


def give_back(n):
    """Return @n pages reserved before. The caller holds the registry's lock."""
    if n > 0:
        _write(max(0, total() - n))


def total():
    """How many are reserved. Not those that were given back while a dying process still had them
    and go with it ("surplus"): counted here, the next to reserve would keep them for good."""
    return _read(PAGES_FILE) - _read(SURPLUS_FILE)


def free():
    return _read(FREE_FILE)
