# SPDX-License-Identifier: BSD-3-Clause
"""What `make bench` writes: the place of each figure, and which runs may count."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

import environment  # noqa: E402
import run as bench_run  # noqa: E402
from measure import LOWER, metric  # noqa: E402
from path import balancer, profile  # noqa: E402
from path import run as path_run  # noqa: E402
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
    bench.runs = [{"messages": n * 2, "msg_per_s": n, "swaps": [{"check_us": 90, "swap_us": 7}],
                   "counters": {"cycles_busy": n * 1400}}
                  for n in (3.0e6, 3.3e6, 3.1e6, 3.4e6, 3.2e6)]
    bench.floor_runs = {"io": [2.0e7] * 5, "rxonly": []}
    return bench


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
    with tap.case("the cost of a swap is taken from every run"):
        swap = bench_run.swap_cost(report)
        expect_equal((swap["median"], len(swap["runs"])), (7.0, 5), "swap")
    with tap.case("the summary names the rate, the floor and the stages"):
        text = "\n".join(bench_run.summary({"path": report, "tables": {}}))
        for wanted in ("3.20 M/s per core", "20.00 M/s", "parse 50.0 ns"):
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
    report_cases(TAP)
    surroundings(TAP)
