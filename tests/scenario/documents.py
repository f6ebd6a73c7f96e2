# SPDX-License-Identifier: BSD-3-Clause
"""The commands of the documents that need a running balancer, one block after the other, as they
stand there: only paths of /run and /etc become those of the lab."""

import os
import subprocess

from _common import Lab, Tap, expect, expect_all_answered, expect_balanced_ledger, need_root
from lab import strowger
from support import documents

BLOCK_S = 180


def configure(lab, balance):
    """Members k1 and k2 of pool farm, as the documents call them."""
    with open(balance.config_file, encoding="utf-8") as f:
        text = f.read()
    for lab_name, name in (("k1v4", "k1"), ("k2v4", "k2"), ("farm4", "farm"), ("edge4", "edge")):
        text = text.replace(lab_name, name)
    text += "registrar: {domains: [example.com], store_mb: 64}\n"
    with open(balance.config_file, "w", encoding="utf-8") as f:
        f.write(text)
    balance.ctl("reload")


def run_block(lab, balance, block):
    text = block.text.replace("/etc/strowger/strowger.yaml", balance.config_file)
    text = text.replace("/run/strowger/", f"{balance.run_dir}/")
    programs = os.path.dirname(strowger.program(balance.build_dir, "ctl"))
    done = subprocess.run(
        lab.balancer.argv("env", f"PATH={programs}:{os.environ['PATH']}",
                          f"STROWGER_API={balance.api_socket}", "sh", "-eu", "-c", text),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BLOCK_S, check=False,
        cwd=balance.run_dir)  # files they write go with the lab
    expect(done.returncode == 0, f"{block}: exit code {done.returncode}\n{text}"
           f"{done.stdout[-1500:]}{done.stderr[-1500:]}")
    expect("error" not in done.stderr.lower(), f"{block}: {done.stderr[-1500:]}")


def main():
    need_root()
    with Tap() as tap, Lab("documents", tap=tap) as lab:
        lab.start_farm()
        balance = lab.start_strowger()
        configure(lab, balance)
        caller = lab.call(calls=400, rate=20)
        for block in documents.commands("lab"):
            with tap.case(f"commands_of_{block}"):
                run_block(lab, balance, block)
        with tap.case("calls_pass_meanwhile"):
            expect_all_answered(caller, caller.wait())
            expect_balanced_ledger(balance)


main()
