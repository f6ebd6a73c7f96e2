# SPDX-License-Identifier: BSD-3-Clause
"""libstrowger-sip as others use it: installed, found by pkg-config, linked by a program of theirs.

    check_library.py SOURCE_ROOT BUILD_ROOT SANITIZERS COMPILER...
"""

import glob
import os
import subprocess
import sys
import tempfile

ROOT, BUILD, SANITIZERS = sys.argv[1:4]
COMPILER = sys.argv[4:]
sys.path.insert(0, os.path.join(ROOT, "tests"))

from support.tap import Tap, expect  # noqa: E402

PROGRAM = r"""
#include <stdio.h>
#include <string.h>

#include <strowger/sip.h>
#include <strowger/sip_headers.h>
#include <strowger/sip_number.h>

int main(void)
{
	const char *text = "OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: this one\r\n\r\n";
	struct stw_sip_msg m;

	if (stw_sip_init(STW_KERNEL_AUTO) != STW_OK ||
	    stw_sip_locate(text, strlen(text), &m) != STW_SIP_ACCEPTED)
		return 1;
	struct stw_span id = m.value[STW_HDR_CALL_ID];
	printf("%.*s, %s\n", id.len, text + id.off,
	       stw_sip_reject_rows[stw_sip_parse(text, strlen(text), &m)].name);
	return 0;
}
"""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    expect(done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def check_a_program_of_others(directory):
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "devel", "--destdir", directory)
    [found] = glob.glob(f"{directory}/**/libstrowger-sip.pc", recursive=True)
    flags = run("pkg-config", "--cflags", "--libs", "libstrowger-sip",
                env={**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found),
                     "PKG_CONFIG_SYSROOT_DIR": directory}).split()
    source, program = f"{directory}/program.c", f"{directory}/program"
    with open(source, "w", encoding="utf-8") as f:
        f.write(PROGRAM)
    more = [] if SANITIZERS == "none" else [f"-fsanitize={SANITIZERS}"]
    run(*COMPILER, *more, "-Wall", "-Werror", source, *flags, "-o", program)
    expect(run(program) == "this one, cseq_missing\n", "what it found")


with Tap() as tap, tempfile.TemporaryDirectory() as work:
    with tap.case("a program of others"):
        check_a_program_of_others(work)
