# SPDX-License-Identifier: BSD-3-Clause
"""Checks on the tree itself.

    lint.py SOURCE_ROOT BUILD_ROOT
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.tap import Skip, Tap, expect  # noqa: E402

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
NAMED_DOC = re.compile(r"`(docs/[\w./-]+\.md)`")
SCENARIO_DIR = "tests/scenario"
FORMATTER = "clang-format-14"


def introspect(build, what):
    """What meson knows. Read from its files: a running build does not disturb that."""
    with open(os.path.join(build, "meson-info", f"intro-{what}.json"), encoding="utf-8") as f:
        return json.load(f)


def compiled_files(build):
    """Sources of all targets."""
    return {os.path.realpath(source) for target in introspect(build, "targets")
            for group in target["target_sources"] for source in group.get("sources", [])}


def tested_files(build):
    """Sources of programs that some test runs, and files that stand on a test's command line."""
    words = {os.path.realpath(word) for test in introspect(build, "tests") for word in test["cmd"]}
    found = set(words)
    for target in introspect(build, "targets"):
        if words & {os.path.realpath(path) for path in target["filename"]}:
            found |= {os.path.realpath(source) for group in target["target_sources"]
                      for source in group.get("sources", [])}
    return found


def relative(root, paths):
    return sorted(os.path.relpath(path, root) for path in paths)


def no_test_file_is_forgotten(root, build):
    files = {os.path.realpath(path)
             for path in glob.glob(f"{root}/tests/**/*.c", recursive=True)}
    forgotten = relative(root, files - compiled_files(build))
    expect(not forgotten, f"in no meson.build: {', '.join(forgotten)}")


def each_test_program_is_run(root, build):
    files = {os.path.realpath(path)
             for path in glob.glob(f"{root}/tests/**/test_*.c", recursive=True)}
    idle = relative(root, files - tested_files(build))
    expect(not idle, f"compiled, but no test() runs them: {', '.join(idle)}")


def each_scenario_is_run(root, build):
    files = {os.path.realpath(path) for path in glob.glob(f"{root}/{SCENARIO_DIR}/*.py")
             if not os.path.basename(path).startswith("_")}
    idle = relative(root, files - tested_files(build))
    expect(not idle, f"no test() runs them: {', '.join(idle)}")


def each_document_named_exists(root):
    missing = []
    expect(os.path.exists(f"{root}/README.md"), "there is no README.md")
    for page in [f"{root}/README.md", *glob.glob(f"{root}/docs/*.md")]:
        with open(page, encoding="utf-8") as f:
            text = f.read()
        named = {os.path.join(os.path.dirname(page), link) for link in LINK.findall(text)
                 if "://" not in link}
        named |= {os.path.join(root, path) for path in NAMED_DOC.findall(text)}
        missing += [f"{os.path.relpath(page, root)} names {os.path.relpath(path, root)}"
                    for path in sorted(named) if not os.path.exists(path)]
    expect(not missing, "; ".join(missing))


def sources(root, *endings):
    """Files that git knows and that are there, by their names from the root."""
    listed = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, "ls-files"],
                            capture_output=True, text=True, check=False).stdout.split("\n")
    return [name for name in listed
            if name.endswith(endings) and os.path.exists(os.path.join(root, name))]


def each_source_names_its_licence(root):
    bare = []
    for name in sources(root, ".c", ".h", ".py", ".sh"):
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as f:
            if "SPDX-License-Identifier: BSD-3-Clause" not in f.read(400):
                bare.append(name)
    expect(not bare, f"no SPDX line: {', '.join(bare)}")


def c_is_formatted(root):
    """Each release has its own taste: the one in packages.list decides."""
    if shutil.which(FORMATTER) is None:
        raise Skip(f"no {FORMATTER} here")
    told = subprocess.run([FORMATTER, "--dry-run", "-Werror", "--ferror-limit=1",
                           *sources(root, ".c", ".h")],
                          cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    files = sorted({line.split(":", 1)[0] for line in told.stderr.splitlines()
                    if "[-Wclang-format-violations]" in line})
    expect(told.returncode == 0,
           f"{FORMATTER} -i {' '.join(files)}" if files else told.stderr[-1000:])


def main(root, build):
    root = os.path.realpath(root)
    with Tap() as tap:
        with tap.case("no test file is forgotten by meson"):
            no_test_file_is_forgotten(root, build)
        with tap.case("each test program is run by a test"):
            each_test_program_is_run(root, build)
        with tap.case("each scenario is run by a test"):
            each_scenario_is_run(root, build)
        with tap.case("each document named in README and docs exists"):
            each_document_named_exists(root)
        with tap.case("each source names its licence"):
            each_source_names_its_licence(root)
        with tap.case("C is formatted as .clang-format says"):
            c_is_formatted(root)


main(sys.argv[1], sys.argv[2])
