# SPDX-License-Identifier: BSD-3-Clause
"""What documents say that a test can look at without running it: each block of commands says where it
is run, what make is told exists, and names of tests and of counters are real.

    check_documents.py BUILD_ROOT
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support import documents  # noqa: E402
from support.tap import Tap, expect  # noqa: E402


def each_block_says_where_it_is_run():
    silent = [str(block) for page in documents.pages() for block in documents.blocks_of(page)
              if block.is_commands() and block.place not in documents.PLACES]
    expect(not silent, f"commands without a mark (tests/support/documents.py): {silent}")
    for place in documents.PLACES:
        expect(documents.commands(place), f"no command is run at {place}")


def clone_blocks_are_targets_of_make():
    for block in documents.commands("clone"):
        for line in block.text.splitlines():
            words = line.split("#")[0].split()
            expect(words[:2] == ["sudo", "make"], f"{block}: {line}: not sudo make")
            done = subprocess.run(["make", "--no-print-directory", "--dry-run", *words[2:]],
                                  cwd=documents.ROOT, capture_output=True, text=True, check=False)
            expect(done.returncode == 0, f"{block}: {line}: {done.stderr}")


def tests_of(build):
    """Names of all tests, and of scenarios."""
    listed = subprocess.run(["meson", "introspect", build, "--tests"], capture_output=True,
                            text=True, check=True)
    rows = json.loads(listed.stdout)
    return ({row["name"] for row in rows}, {suite.split(":")[-1] for row in rows
                                            for suite in row["suite"]})


def threat_model_names_real_tests(build):
    names, suites = tests_of(build)
    with open(os.path.join(documents.ROOT, "docs", "threat-model.md"), encoding="utf-8") as f:
        rows = [line for line in f if line.startswith("|") and line.count("|") == 4]
    shown = [word for row in rows for word in re.findall(r"`([\w-]+)`", row.split("|")[3])]
    known = names | suites | drop_rows() | {"read", "secrets"}
    unknown = [word for word in shown if word not in known]
    expect(not unknown, f"docs/threat-model.md names no test: {unknown}")
    expect(len(shown) > 10, "docs/threat-model.md names hardly any test")


def drop_rows():
    with open(os.path.join(documents.ROOT, "include", "strowger", "counters.h"),
              encoding="utf-8") as f:
        return set(re.findall(r'X\(DROP_\w+, "(\w+)"', f.read()))


def operations_names_real_counters():
    with open(os.path.join(documents.ROOT, "docs", "operations.md"), encoding="utf-8") as f:
        text = f.read()
    part = text[text.index("The frequent ones:"):].split("\n\n")[0]
    named = [word for word in re.findall(r"`(\w+)`", part) if "_" in word]
    unknown = set(named) - drop_rows()
    expect(named and not unknown, f"docs/operations.md names counters that are none: {unknown}")


def main():
    build = sys.argv[1]
    with Tap() as tap:
        for case in (each_block_says_where_it_is_run, clone_blocks_are_targets_of_make,
                     operations_names_real_counters):
            with tap.case(case.__name__):
                case()
        with tap.case("threat_model_names_real_tests"):
            threat_model_names_real_tests(build)


main()
