# SPDX-License-Identifier: BSD-3-Clause
"""The commands of the documents: fenced blocks of `sh`, each with a mark that says where it is run.

    <!-- run: lab -->    beside a running balancer (tests/scenario/documents.py)
    <!-- run: root -->   in a clean Debian root, as root (tests/scenario/package.py)
    <!-- run: clone -->  in a clone; `make` targets that the test suite itself uses or contains
"""

import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = ("lab", "root", "clone")
MARK = re.compile(r"<!-- run: (\w+) -->")
FENCE = re.compile(r"^```(\w*)\s*$")
COMMAND = re.compile(r"^(\$ |sudo |make |curl |strowger|systemctl |journalctl |apt|sysctl |meson |ip )")


class Block:
    """One fenced block."""

    def __init__(self, page, line, language, place):
        self.page, self.line, self.language, self.place = page, line, language, place
        self.text = ""

    def __str__(self):
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"

    def is_commands(self):
        return self.language == "sh" or (self.language == "" and any(
            COMMAND.match(line) for line in self.text.splitlines()))


def pages():
    return [os.path.join(ROOT, "README.md"), *sorted(glob.glob(f"{ROOT}/docs/**/*.md",
                                                               recursive=True))]


def blocks_of(page):
    """All fenced blocks of @page."""
    found, current, place = [], None, None
    with open(page, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            fence = FENCE.match(line)
            if current is not None:
                if fence:
                    current = None
                else:
                    current.text += line
            elif fence:
                current = Block(page, number, fence.group(1), place)
                found.append(current)
            mark = MARK.match(line) if current is None else None
            if mark:
                place = mark.group(1)
            elif line.strip() and current is None:
                place = None
    return found


def commands(place, page=None):
    """Blocks that are run at @place, in order."""
    return [block for one in ([page] if page else pages()) for block in blocks_of(one)
            if block.place == place]
