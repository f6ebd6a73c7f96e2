# SPDX-License-Identifier: BSD-3-Clause
"""
What `make bench` writes: the place of each figure, and which runs may count.

    test_report.py STW_BENCH_RECENT
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

import environment  # noqa: E402
import run as bench_run  # noqa: E402
from measure import LOWER, metric  # noqa: E402
from path import balancer, profile  # noqa: E402
from path import run as path_run  # noqa: E402
from tables import run as tables_run  # noqa: E402
from support.tap import Tap, expect, expect_equal  # noqa: E402

ENDS = {"received": 0, "sent": 0, "answered": 0, "kernel": 0, "handed_over": 0, "merged": 0}


def sample(when, drops=0, **counters):
    return balancer.Sample(when, {"counters": {**ENDS, **counters}, "ledger": {"drops": drops}})


def ledger_cases(tap):
    with tap.case("a run in which everything was sent counts"):
        growth = sample(12.5, sent=9000).since(sample(10.0, sent=4000))
        expect_equal((growth.seconds, growth.counters["sent"]), (2.5, 5000), "growth")
        expect_equal(growth.complaints(), [], "complaints")
    with tap.case("one drop, or one answer, and it does not"):
        growth = sample(1, drops=4, sent=10).since(sample(0, drops=3))
        expect_equal(growth.complaints(), ["1 messages dropped"], "complaints")
        growth = sample(1, sent=10, answered=2).since(sample(0))
        expect_equal(growth.complaints(), ["2 messages answered"], "complaints")
    with tap.case("a run in which nothing was sent does not count"):
        expect_equal(sample(1).since(sample(0)).complaints(), ["nothing was sent"], "complaints")


def fake_bench():
    """A PathBench with its runs, as if it had measured."""
    bench = path_run.PathBench.__new__(path_run.PathBench)
    bench.core = 1
    bench.profile = None
    bench.runs = [{"messages": n * 2, "msg_per_s": n,
                   "counters": {"cycles_busy": n * 1400}}
                  for n in (3.0e6, 3.3e6, 3.1e6, 3.4e6, 3.2e6)]
    bench.floor_runs = {"io": [2.0e7] * 5, "rxonly": []}
    return bench


SWAPS = [{"generation": n, "check_us": 90, "swap_us": us} for n, us in ((4, 9), (5, 7), (6, 30))]


def tables_entry():
    return tables_run.entry(
        {"slots": 65537, "image_bytes": 300000, "build_ms": [2, 1, 3], "check_ms": [0.1]},
        SWAPS, 0, {"pause_us": [24, 60, 23], "quiet_us": [23], "turn_us": [17]})


def tables_cases(tap):
    with tap.case("tables.1000: build_ms, visible_us, lost and the worst pause, with all runs"):
        row = tables_entry()
        expect_equal([row[name]["median"] for name in ("build_ms", "visible_us", "pause_us")],
                     [2, 9, 24], "medians")
        expect_equal(row["visible_us"]["runs"], [9, 7, 30], "runs")
        expect_equal((row["lost"], row["worst_pause_us"], row["swaps"]), (0, 60, 3), "scalars")
    growth = sample(12.5, sent=9000).since(sample(10.0, sent=4000))
    with tap.case("swaps that lost nothing and brought new tables each time count"):
        expect_equal(tables_run.complaints(SWAPS, growth), [], "complaints")
        expect_equal(growth.lost, 0, "lost")
    with tap.case("one lost message, and they do not"):
        lossy = sample(1, drops=1, sent=10, answered=2).since(sample(0))
        expect_equal(lossy.lost, 3, "lost")
        expect_equal(tables_run.complaints(SWAPS, lossy),
                     ["1 messages dropped", "2 messages answered"], "complaints")
    with tap.case("a change without new tables, or none at all, and they do not"):
        stuck = SWAPS[:2] + [dict(SWAPS[1])]
        expect_equal(tables_run.complaints(stuck, growth),
                     ["a change brought no new tables: generations [4, 5, 5]"], "stuck")
        unserved = [dict(SWAPS[0], generation=None)]
        expect_equal(len(tables_run.complaints(unserved, growth)), 1, "not served")
        expect_equal(tables_run.complaints([], growth), ["no swap was seen"], "none")
    with tap.case("a farm for each size: as many members, each with an address and a name of its own"):
        for size in tables_run.SIZES:
            routes, rows = balancer.farm(size)
            addresses = set(re.findall(r"address: ([0-9.]+)", rows))
            names = set(re.findall(r"name: (\w+)", rows))
            expect_equal((len(addresses), len(names)), (size, size), f"{size} members")
            expect("10.0.0.0/16" in routes, routes)


def recent_cases(tap, program):
    with tap.case("the recent-call table's program tells every figure, each as often as asked"):
        done = subprocess.run([program, "--rounds", "2"], capture_output=True, text=True,
                              check=False)
        expect_equal(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)["ns"]
        expect_equal(list(found), ["hit", "cold", "miss", "insert"], "figures")
        expect(all(len(runs) == 2 and min(runs) > 0 for runs in found.values()), f"{found}")


def report_cases(tap):
    stages = {"ns_per_message": {"parse": metric([50], "ns", LOWER)}}
    report = fake_bench().report({"sip_bytes_mean": 600.5}, stages)
    with tap.case("path.proxy.msg_per_s_per_core is the median, beside extremes and all runs"):
        proxy = report["proxy"]
        expect_equal(proxy["msg_per_s_per_core"], 3.2e6, "median")
        expect_equal((proxy["min"], proxy["max"], len(proxy["rate"]["runs"])), (3.0e6, 3.4e6, 5),
                     "extremes and runs")
        expect_equal(proxy["bytes_per_message"], 600.5, "bytes")
        expect_equal(proxy["tsc_cycles_per_message"]["median"], 700.0, "cycles")
    with tap.case("the cost above the floor is a difference of times, not of rates"):
        expect(abs(report["proxy"]["ns_above_floor"]["median"] - (1e9 / 3.2e6 - 50)) < 1e-6,
               f"{report['proxy']['ns_above_floor']}")
    with tap.case("a floor that was not measured is left out"):
        expect_equal(list(report["floor"]), ["io"], "floor")
    with tap.case("the summary names the rate, the floor and the stages"):
        text = "\n".join(bench_run.summary({
            "path": report, "tables": {"1000": tables_entry()},
            "micro": {"recent": {"entries": 64, "hit": metric([2.5], "ns", LOWER)}}}))
        for wanted in ("3.20 M/s per core", "20.00 M/s", "parse 50.0 ns",
                       "tables, 1000 members build 2.00 ms, visible 9.00 us, lost 0 in 3 swaps, "
                       "pause 24.00 us (worst 60.00 us; without a swap 23.00 us)",
                       "recent-call table   hit 2.50 ns"):
            expect(wanted in text, f"{wanted!r} not in {text!r}")


def surroundings(tap):
    with tap.case("the environment tells what a figure depends on"):
        found = environment.describe(ROOT / "no-such-build")
        for key in ("commit", "dirty", "date", "cpu", "kernel", "compiler", "dpdk", "hugepages",
                    "load_average"):
            expect(key in found, f"no {key}")
        expect(found["cpu"]["count"] >= 1 and found["kernel"], f"{found}")
    with tap.case("a profile's lines are read: function and share"):
        text = ("# Overhead  Symbol\n"
                "    41.20%  [.] stw_sip_parse\n"
                "     0.90%  [k] clear_page_erms\n\n")
        expect_equal(profile.parse(text), [{"symbol": "stw_sip_parse", "percent": 41.2},
                                           {"symbol": "clear_page_erms", "percent": 0.9}], "rows")


with Tap() as TAP:
    ledger_cases(TAP)
    tables_cases(TAP)
    recent_cases(TAP, sys.argv[1])
    report_cases(TAP)
    surroundings(TAP)
