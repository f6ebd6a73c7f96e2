# SPDX-License-Identifier: BSD-3-Clause
"""docs/parsing.md has one row for each reject of sip.h, and each test it names exists.

    check_parsing_md.py SOURCE_ROOT
"""

import glob
import os
import re
import sys

ROOT = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, "tests"))

from support.tap import Tap, expect  # noqa: E402

REJECT = re.compile(r'X\((\w+), (\d+), "[^"]*",\s*\\?\s*"([^"]*)"\)')
ROW = re.compile(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \| (\d+) \| (.*) \|$", re.MULTILINE)
TEST = re.compile(r"^static void (\w+)\(void \*\*state\)", re.MULTILINE)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def rejects():
    """Rows of STW_SIP_REJECTS: name, section, status."""
    macro = read("include/strowger/sip.h").split("#define STW_SIP_REJECTS(X)")[1].split("\n\n")[0]
    return {name.lower(): (section, status) for name, status, section in REJECT.findall(macro)}


def tests():
    return {name for path in glob.glob(f"{ROOT}/tests/rfc/parse/*.c")
            for name in TEST.findall(read(path))}


def main():
    page = read("docs/parsing.md")
    rows = {name: (section, status) for name, section, status, _ in ROW.findall(page)}
    known = tests()
    with Tap() as tap:
        with tap.case("the table of rejects is that of sip.h"):
            expect(len(rejects()) > 20, "no rejects found in sip.h")
            expect(rows == rejects(), f"differ: {set(rows.items()) ^ set(rejects().items())}")
        with tap.case("each row names a test"):
            for name, _, _, named in ROW.findall(page):
                expect(set(re.findall(r"`(\w+)`", named)) & known, f"{name} names no test")
        with tap.case("each test named exists"):
            named = set(re.findall(r"`((?:rfc\d+|s\d)\w*)`", page))
            expect(not named - known, f"not there: {named - known}")


main()
