# SPDX-License-Identifier: BSD-3-Clause
"""Makes docs/rfc-coverage.md of tests/rfc/requirements.txt, and checks both.

    rfc_coverage.py SOURCE_ROOT           write the page
    rfc_coverage.py SOURCE_ROOT --check   as a test: each row is shown by tests that there are, and
                                          the page is fresh
"""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.tap import Tap, expect  # noqa: E402

ROWS = "tests/rfc/requirements.txt"
PAGE = "docs/rfc-coverage.md"
TEST = re.compile(r"static void (rfc\d+_s\w+)\(void \*\*")
NAMED = re.compile(r"\b(?:rfc\d+_s\w+|scenario:\w+)")
SCENARIO = re.compile(r"^    '(\w+)': \[\[", re.MULTILINE)
INSTEAD = {"n/a": "does not apply", "other": "done otherwise", "gap": "**not done yet**"}
HEAD = """# RFC coverage

<!-- Made of tests/rfc/requirements.txt by tests/support/rfc_coverage.py. A test fails when they differ: change the rows, then run it. -->

What RFCs ask of a stateless proxy in front of a farm, in short, and which test shows it: {shown} rows are shown by tests, {otherwise} are done
otherwise on purpose, {na} do not apply, {gaps} are not done yet. Names are test functions below `tests/`; a scenario is a program in
`tests/scenario/` with real peers. RFC 3261 section 16 is whole; of the others there is what touches us.
"""


class Row:
    """One requirement."""

    def __init__(self, rfc, line, text):
        self.rfc = rfc
        self.line = line
        parts = [part.strip() for part in text.split(" | ")]
        if len(parts) != 4:
            raise ValueError(f"{ROWS}:{line}: four parts are wanted: {text}")
        self.section, self.level, self.what, shown = parts
        word, _, reason = shown.partition(" ")
        self.instead = word if word in INSTEAD else ""
        self.reason = reason if self.instead else ""
        self.tests = NAMED.findall(shown)
        if not self.instead and (not self.tests or NAMED.sub("", shown).strip()):
            raise ValueError(f"{ROWS}:{line}: neither names of tests nor a reason: {shown}")
        if self.instead and not reason:
            raise ValueError(f"{ROWS}:{line}: no reason after {word}")

    def shown(self):
        """As it stands in the page."""
        if self.instead:
            return f"{INSTEAD[self.instead]}: {NAMED.sub(lambda m: f'`{m[0]}`', self.reason)}"
        return "<br>".join(f"`{name}`" for name in self.tests)


def read_rows(root):
    rows, rfc = [], None
    with open(os.path.join(root, ROWS), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line.startswith("RFC "):
                rfc = line
            elif line and not line.startswith("#"):
                rows.append(Row(rfc, number, line))
    return rows


def tests_of(root):
    """Every test that a row may name."""
    found = set()
    for path in glob.glob(f"{root}/tests/**/*.c", recursive=True):
        with open(path, encoding="utf-8", errors="replace") as f:
            found |= set(TEST.findall(f.read()))
    with open(f"{root}/tests/scenario/meson.build", encoding="utf-8") as f:
        found |= {f"scenario:{name}" for name in SCENARIO.findall(f.read())}
    return found


def page(rows):
    def count(instead):
        return sum(row.instead == instead for row in rows)

    lines = [HEAD.format(shown=count(""), otherwise=count("other"), na=count("n/a"),
                         gaps=count("gap"))]
    rfc = None
    for row in rows:
        if row.rfc != rfc:
            rfc = row.rfc
            lines += ["", f"## {rfc}", "", "| section | | what | shown by |", "|---|---|---|---|"]
        lines.append(f"| {row.section} | {row.level} | {row.what} | {row.shown()} |")
    return "\n".join(lines) + "\n"


def check(root, rows):
    known = tests_of(root)
    with Tap() as tap:
        with tap.case("each requirement is shown by tests that there are"):
            missing = [f"{ROWS}:{row.line}: no test {name}" for row in rows for name in row.tests
                       if name not in known]
            expect(not missing, "\n".join(missing))
        with tap.case("the page of requirements is fresh"):
            with open(os.path.join(root, PAGE), encoding="utf-8") as f:
                fresh = f.read() == page(rows)
            expect(fresh, f"{PAGE} is stale: run python3 tests/support/rfc_coverage.py .")


def main(root, option=None):
    rows = read_rows(root)
    if option == "--check":
        check(root, rows)
    with open(os.path.join(root, PAGE), "w", encoding="utf-8") as f:
        f.write(page(rows))


main(*sys.argv[1:])
