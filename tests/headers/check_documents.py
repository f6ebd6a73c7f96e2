# SPDX-License-Identifier: BSD-3-Clause
"""What documents say that a test can look at without running it: each block of commands says where
it is run, what make is told exists, and names of tests, counters, files, functions, metrics, options
and headings are real.

    check_documents.py BUILD_ROOT
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support import documents  # noqa: E402
from support.tap import Skip, Tap, expect  # noqa: E402


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


# Not in the tree: made when something runs, or named as an example.
MADE = re.compile(r"^(/|build/|state_dir/|strowger\.yaml$|x\.c$)|\*")
IS_PATH = re.compile(r"^[\w.{},*-]*(/[\w.{},*-]*)+$|^[\w-]+\.(c|h|py|sh|md|json|svg|yaml)$")
IS_KEY = re.compile(r"^[a-z_]+(\[\])?(\.[a-z_]+(\[\])?)+$")
ALSO_NAMED = {"application/json", "application/problem+json"}


def words_of(page):
    """Each thing in `code` of a page's text."""
    with open(page, encoding="utf-8") as f:
        return set(re.findall(r"`([^`\n]+)`", f.read()))


def tracked_files():
    """What git knows, and the folders of that."""
    listed = subprocess.run(["git", "-c", f"safe.directory={documents.ROOT}", "-C", documents.ROOT,
                             "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=False).stdout.split()
    if not listed:
        raise Skip("no clone of git")
    folders = {name[:i + 1] for name in listed for i, c in enumerate(name) if c == "/"}
    return listed, folders


def is_there(path, files, folders):
    """As it stands, or by its end: `path/rx.c` is dataplane/path/rx.c."""
    if path.endswith("/"):
        return any(("/" + folder).endswith("/" + path) for folder in folders)
    return (any(("/" + name).endswith("/" + path) for name in files)
            or is_there(path + "/", (), folders))


def paths_are_there():
    files, folders = tracked_files()
    missing = [f"{os.path.relpath(page, documents.ROOT)}: {word}" for page in documents.pages()
               for word in sorted(words_of(page))
               if IS_PATH.match(word) and not MADE.search(word) and word not in ALSO_NAMED
               and not is_there(word, files, folders)]
    expect(not missing, f"documents name files that are not there: {missing}")


def names_are_in_the_sources():
    """Functions, constants, and metrics."""
    text = ""
    for name in tracked_files()[0]:
        if name.endswith((".c", ".h", ".py")):
            with open(os.path.join(documents.ROOT, name), encoding="utf-8") as f:
                text += f.read()
    known = set(re.findall(r"\b(?:stw|STW|strowger)_\w+", text))
    named = [(page, word) for page in documents.pages() for code in words_of(page)
             for word in re.findall(r"\b(?:stw|STW|strowger)_\w*[a-zA-Z0-9]\b", code)]
    expect(len(named) > 10, "documents name hardly anything of the sources")
    unknown = sorted({f"{os.path.relpath(page, documents.ROOT)}: {word}" for page, word in named
                      if word not in known and "NAME" not in word})
    expect(not unknown, f"in no source: {unknown}")


def options_are_in_the_schema():
    with open(os.path.join(documents.ROOT, "docs", "configuration.md"), encoding="utf-8") as f:
        keys = set(re.findall(r"^#+ `([^`]+)`", f.read(), re.M))
    first = {re.split(r"[.\[]", key)[0] for key in keys}
    unknown = [f"{os.path.relpath(page, documents.ROOT)}: {word}" for page in documents.pages()
               if os.path.basename(page) not in ("configuration.md", "performance.md")
               for word in sorted(words_of(page))
               if IS_KEY.match(word) and re.split(r"[.\[]", word)[0] in first and word not in keys]
    expect(not unknown, f"documents name options that are none: {unknown}")


def headings_of(page):
    """As they are linked to."""
    with open(page, encoding="utf-8") as f:
        heads = re.findall(r"^#+ (.*)$", f.read(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def links_meet_headings():
    missing = []
    for page in documents.pages():
        with open(page, encoding="utf-8") as f:
            links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", f.read())
        missing += [f"{os.path.relpath(page, documents.ROOT)}: {link}#{anchor}"
                    for link, anchor in links
                    if anchor not in headings_of(os.path.join(os.path.dirname(page), link)
                                                 if link else page)]
    expect(not missing, f"links to headings that are not there: {missing}")


def main():
    build = sys.argv[1]
    with Tap() as tap:
        for case in (each_block_says_where_it_is_run, clone_blocks_are_targets_of_make,
                     operations_names_real_counters, paths_are_there,
                     names_are_in_the_sources, options_are_in_the_schema, links_meet_headings):
            with tap.case(case.__name__):
                case()
        with tap.case("threat_model_names_real_tests"):
            threat_model_names_real_tests(build)


main()
