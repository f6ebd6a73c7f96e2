# SPDX-License-Identifier: BSD-3-Clause
"""Each header compiles alone: what it needs it includes. One case a header.

    check_headers.py SOURCE_ROOT COMPILER...
"""

import concurrent.futures
import glob
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.tap import Tap, expect  # noqa: E402

PACKAGES = ["libdpdk", "liburcu-qsbr", "libmnl", "yaml-0.1", "jansson", "libmicrohttpd", "libcurl",
            "libcrypto"]
WARNINGS = ["-Wall", "-Wextra", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef", "-Werror"]


def headers(root):
    """Ours, as they are included: path below include/, or path from the root."""
    public = glob.glob(f"{root}/include/strowger/**/*.h", recursive=True)
    private = [path for top in ("dataplane", "control", "tests", "bench")
               for path in glob.glob(f"{root}/{top}/**/*.h", recursive=True)]
    # A *_body.h is a template that its includer completes, not a header.
    private = [path for path in private if not path.endswith("_body.h")]
    return sorted([f"<{os.path.relpath(path, root + '/include')}>" for path in public]
                  + [f'"{os.path.relpath(path, root)}"' for path in private])


def library_flags():
    """Include paths of the libraries, as system headers: their warnings are not ours."""
    flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], check=True,
                           capture_output=True, text=True).stdout.split()
    return [f"-isystem{flag[2:]}" if flag.startswith("-I") else flag for flag in flags]


def compile_alone(compiler, flags, header):
    """The compiler's messages; empty when it is fine."""
    # The declaration keeps -Wpedantic compilers from finding an empty translation unit.
    source = f"#include {header}\n#include {header}\nextern int stw_header_check;\n"
    done = subprocess.run([*compiler, *flags, "-fsyntax-only", "-x", "c", "-"], input=source,
                          capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def main(root, compiler):
    flags = ["-std=gnu11", "-D_GNU_SOURCE", f"-I{root}", f"-I{root}/include", *WARNINGS,
             *library_flags()]
    names = headers(root)
    with Tap() as tap, concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda name: compile_alone(compiler, flags, name), names)
        for name, messages in zip(names, results):
            with tap.case(f"{name.strip('<>').strip(chr(34))} compiles alone"):
                expect(not messages, messages)
        with tap.case("there are headers to check"):
            expect(len(names) > 10, f"only {len(names)} headers found under {root}")


main(sys.argv[1], sys.argv[2:])
