# SPDX-License-Identifier: BSD-3-Clause
"""
What a benchmark borrows is given back however it ends: also when it is cut off while the kernel still
looks for hugepages, and then by itself, or by the next one. A file stands for the kernel's counter.
"""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

import machine  # noqa: E402
from lab import hugepages, registry  # noqa: E402
from support.tap import Tap, expect_equal  # noqa: E402

# A benchmark that wants 384 pages and is cut off when 59 were found, by what argv[2] says.
CUT_OFF = f"""
import os, pathlib, signal, sys
sys.path[:0] = {[str(ROOT / "bench"), str(ROOT / "tests")]!r}
import machine
from lab import hugepages, registry
directory = pathlib.Path(sys.argv[1])
registry.DIR, hugepages.PAGES_FILE = str(directory), str(directory / "pages")
hugepages.SURPLUS_FILE = str(directory / "surplus")
os.geteuid = lambda: 0

def write(n):
    total = hugepages.total()
    pathlib.Path(hugepages.PAGES_FILE).write_text(str(min(n, total + 59)))
    if n > total:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))

hugepages._write = write
try:
    with machine.ends_cleanly(), machine.workspace(384):
        sys.exit(1)
except KeyboardInterrupt:
    pass
"""


def pages():
    return hugepages.total()


def cut_off(directory, how):
    return subprocess.run([sys.executable, "-c", CUT_OFF, str(directory), how],
                          check=False).returncode


with Tap() as TAP, tempfile.TemporaryDirectory() as DIRECTORY:
    registry.DIR = DIRECTORY
    hugepages.PAGES_FILE = hugepages.FREE_FILE = str(pathlib.Path(DIRECTORY) / "pages")
    hugepages.SURPLUS_FILE = str(pathlib.Path(DIRECTORY) / "surplus")  # not there: none
    machine.os.geteuid = lambda: 0
    pathlib.Path(hugepages.PAGES_FILE).write_text("100", encoding="ascii")

    with TAP.case("what was borrowed is given back"):
        with machine.workspace(20) as (work, huge):
            expect_equal((pages(), huge, work.is_dir()), (120, True, True), "meanwhile")
        expect_equal((pages(), work.exists(), registry.entries()), (100, False, []), "afterwards")
    with TAP.case("cut off while pages were being found, it gives back those that were"):
        expect_equal((cut_off(DIRECTORY, "SIGTERM"), pages()), (0, 100), "end, pages")
        expect_equal(registry.entries(), [], "entries")
    with TAP.case("killed then, the next one does"):
        expect_equal((cut_off(DIRECTORY, "SIGKILL"), pages()), (-9, 159), "end, pages")
        with machine.workspace(20):
            expect_equal(pages(), 120, "the next one's and those of others")
        expect_equal((pages(), registry.entries()), (100, []), "afterwards")
    with TAP.case("pages that go with a dying process are nobody's to keep"):
        # As the kernel counts: it holds one that was given back already.
        pathlib.Path(hugepages.PAGES_FILE).write_text("101", encoding="ascii")
        pathlib.Path(hugepages.SURPLUS_FILE).write_text("1", encoding="ascii")
        expect_equal(pages(), 100, "reserved")
