# SPDX-License-Identifier: BSD-3-Clause
"""
What `make bench` writes: the place of each figure, and which runs may count.

    test_report.py STW_BENCH_RECENT STW_BENCH_HOP
"""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

import environment  # noqa: E402
import machine  # noqa: E402
import publish  # noqa: E402
import run as bench_run  # noqa: E402
from measure import LOWER, Progress, metric, to_json  # noqa: E402
from growth import run as growth_run  # noqa: E402
from path import balancer, profile  # noqa: E402
from path import run as path_run  # noqa: E402
from report import page as html_page  # noqa: E402
from report import plots, svg, targets  # noqa: E402
from sipp import run as sipp_run  # noqa: E402
from tables import run as tables_run  # noqa: E402
from support.tap import Skip, Tap, expect, expect_equal  # noqa: E402

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
    with tap.case("where answers are wanted, what was sent on does not count"):
        growth = sample(2, answered=500).since(sample(0, answered=100))
        expect_equal((growth.complaints("answered"), growth.per_s("answered")), ([], 200.0), "good")
        growth = sample(1, answered=5, sent=3).since(sample(0))
        expect_equal(growth.complaints("answered"), ["3 messages sent"], "bad")
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
    bench.above_floor = [1e9 / run["msg_per_s"] - 1e9 / 2.0e7 for run in bench.runs]
    bench.worker_stages = {"rx": [40.0], "parse": [130.0]}
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


def hop_cases(tap, program):
    with tap.case("a cache line goes from one CPU to another in some time"):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            raise Skip("one CPU only")
        found = machine.hop_ns(program, cpus[0], cpus[1])
        expect(found > 0, f"hop of {found} ns")
    with tap.case("from one CPU to itself there is no way"):
        done = subprocess.run([program, "0", "0"], capture_output=True, text=True, check=False)
        expect(done.returncode == 1 and not done.stdout, f"end {done.returncode}")


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
            "path": report, "tables": {"1000": tables_entry()}, "failed": {"veth": "no cable"},
            "micro": {"recent": {"entries": 64, "hit": metric([2.5], "ns", LOWER)}}}))
        for wanted in ("3.20 M/s per core", "20.00 M/s", "parse 50.0 ns",
                       "tables, 1000 members build 2.00 ms, visible 9.00 us, lost 0 in 3 swaps, "
                       "pause 24.00 us (worst 60.00 us; without a swap 23.00 us)",
                       "recent-call table   hit 2.50 ns", "veth: FAILED: no cable",
                       "missed by 36 %", "held", "not measured"):
            expect(wanted in text, f"{wanted!r} not in {text!r}")


def whole(tap):
    """The report of a run of made-up parts."""
    def breaks(*_):
        raise RuntimeError("no cable")

    parts = (bench_run.Part("tables", lambda *_: {"1000": tables_entry(), "failed": {"10": "lost"}},
                            tables_run.summary, 5, 9),
             bench_run.Part("veth", breaks, None, 7, 9))
    told = io.StringIO()
    with tap.case("a part that fails leaves its reason, and the others their figures"), \
            contextlib.redirect_stderr(io.StringIO()):
        report = bench_run.run(ROOT / "no-such-build", True, Progress(told), parts)
        expect_equal(report["failed"], {"tables.10": "lost", "veth": "RuntimeError: no cable"},
                     "failed")
        expect_equal(list(report["tables"]), ["1000"], "tables")
        expect_equal(list(report["seconds"]), ["tables", "veth"], "seconds")
    with tap.case("what a failed program said is in the reason"):
        def speaks(*_):
            subprocess.run([sys.executable, "-c", "raise SystemExit('no such corpus')"], check=True,
                           capture_output=True, text=True)
        with contextlib.redirect_stderr(io.StringIO()):
            found = bench_run.run(ROOT / "no-such-build", True, Progress(io.StringIO()),
                                  (bench_run.Part("path", speaks, None, 1, 1),))
        expect(found["failed"]["path"].endswith("exit status 1.: no such corpus"),
               f"{found['failed']}")
    with tap.case("the summary's last line tells the whole time and each part's"):
        told_last = list(bench_run.summary({**report, "duration_s": 75.2,
                                            "seconds": {"tables": 3.4, "veth": 71.6}}))[-1]
        expect_equal(told_last, "time    1:15: tables 3 s, veth 72 s", "time")
    with tap.case("progress tells what runs and how long is left"):
        expect(re.search(r"\[0:00, about 0:1[12] left\] tables begins", told.getvalue()),
               told.getvalue())
        expect(re.search(r"about 0:0[67] left\] veth begins", told.getvalue()), told.getvalue())
    return report


def is_alone(text):
    """Whether a page or plot asks for nothing from elsewhere."""
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    return not re.search(r"https?:|src=|<link|@import|url\(|<script", text)


def page_cases(tap, report):
    report["path"] = fake_bench().report({"sip_bytes_mean": 600.5},
                                         {"ns_per_message": {"parse": metric([50, 52], "ns", LOWER)}})
    with tempfile.TemporaryDirectory() as directory:
        output = pathlib.Path(directory) / "report.json"
        page = bench_run.write(report, output)
        text = page.read_text()
        drawn = sorted((output.parent / "plots").glob("*.svg"))
        with tap.case("the page needs nothing else, and has what the report has"):
            expect(is_alone(text), "it refers to something outside")
            for wanted in ("AMD" if "AMD" in report["cpu"]["model"] else "CPU", "tables.1000.build_ms",
                           "no cable", "missed by", "not measured", "prefers-color-scheme:dark"):
                expect(wanted in text, f"no {wanted!r}")
        with tap.case("each plot is in the page and a file of its own, of sound XML"):
            expect_equal([path.stem for path in drawn],
                         ["path-floor", "path-rates", "path-stages", "path-worker-stages", "tables"], "plots")
            expect_equal(text.count("<svg"), len(drawn), "plots in the page")
            for path in drawn:
                xml.etree.ElementTree.fromstring(path.read_text())
                expect(is_alone(path.read_text()), f"{path.name} refers to something outside")
        with tap.case("the report as JSON is what was measured"):
            expect_equal(json.loads(output.read_text())["path"]["proxy"]["msg_per_s_per_core"],
                         3.2e6, "rate")


DOCUMENT = """Before.
<!-- report origin: begin -->
old
<!-- report origin: end -->
Between.
<!-- report targets: begin -->
<!-- report targets: end -->
<!-- report figures: begin -->
old
<!-- report figures: end -->
<!-- report plots: begin -->
<!-- report plots: end -->
After.
"""


def publish_cases(tap, report):
    with tempfile.TemporaryDirectory() as directory:
        document = pathlib.Path(directory) / "performance.md"
        document.write_text(DOCUMENT)
        report["tables"]["1000"]["build_ms"]["runs"] = [2.0] * 100
        publish.publish(report, pathlib.Path(directory) / "performance", (document,))
        text = document.read_text()
        kept = json.loads((pathlib.Path(directory) / "performance" / "report.json").read_text())
        with tap.case("a document's blocks are written from the report, the rest stays"):
            for wanted in ("Before.", "Between.", "After.", "3.20 M/s (3.00 M/s to 3.40 M/s)",
                           "**missed by 36 %**", "(performance/tables.svg)"):
                expect(wanted in text, f"no {wanted!r} in {text}")
            expect("old" not in text, "an old figure stayed")
        with tap.case("written again from what is kept, it is the same"):
            expect_equal(publish.fill(text, kept), text, "text")
            expect_equal(kept["tables"]["1000"]["build_ms"]["runs"], [2.0] * 100, "runs kept")
            expect("raw" not in kept["path"]["proxy"], "raw runs kept")
            for picture in re.findall(r"\((performance/[^)]*)\)", text):
                expect((pathlib.Path(directory) / picture).exists(), picture)
    with tap.case("the project's own documents say what its kept report says"):
        kept = publish.KEPT / "report.json"
        if not kept.exists():
            raise Skip("no report is kept yet")
        for path in publish.DOCUMENTS:
            text = path.read_text()
            expect_equal(publish.fill(text, json.loads(kept.read_text())), text, path.name)


def text_cases(tap):
    with tap.case("a report as text is the report, with each metric and all its runs in one line"):
        report = {"commit": "abc", "none": None, "odd": {}, "flags": ["-O3"] * 40, "empty": [],
                  "tables": {"10": {"build_ms": metric(range(200), "ms", LOWER)}},
                  "rows": [{"symbol": "a" * 90, "percent": 2.5}, {"symbol": "b" * 90}]}
        found = to_json(report)
        expect_equal(json.loads(found), report, "read back")
        expect_equal(sum('"runs"' in line and line.endswith(", 199.0]}")
                         for line in found.splitlines()), 1, "lines with all the runs")


def growth_cases(tap):
    with tap.case("the exponent of what grows is found, and of what does not"):
        for e in (0, 0.5, 1, 2):
            found = growth_run.exponent({float(x): 7 * x ** e for x in (1, 16, 300, 4096)})
            expect(abs(found - e) < 1e-9, f"{found} for {e}")
    members = growth_run.KINDS[0]
    with tap.case("what grows faster than the design says is named"):
        points = [(x, {"parse": [100], "route": [50.0 * x ** 0.5], "rewrite": [30], "checksum": [9]})
                  for x in (1, 16, 256)]
        expect_equal(growth_run.entry(members, points)["too_fast"], ["route"], "members")
        lines = [(x, {"parse": [9 * x], "route": [50], "rewrite": [3 * x], "checksum": [x]})
                 for x in (8, 40, 110)]
        expect_equal(growth_run.entry(growth_run.KINDS[3], lines)["too_fast"], [], "lines")


    with tap.case("bindings grow in the location table's figures, and count with the others"):
        def row(hit):
            return {"hit_ns": metric([hit], "ns", LOWER), "miss_ns": metric([20], "ns", LOWER)}
        for hits, fast in (((40, 50, 60), []), ((40, 400, 4000), ["hit"])):
            report = {"growth": {"too_fast": 1},
                      "location": {str(10 ** (3 + i)): row(hit) for i, hit in enumerate(hits)}}
            growth_run.complete(report)
            found = report["growth"]
            expect_equal((found["bindings"]["too_fast"], found["too_fast"]),
                         (fast, 1 + len(fast)), f"{hits}")
        expect("growth-bindings" in plots.draw(report), "plot")


class SippStatistics:
    def __init__(self, answered, failed=0):
        self.answered, self.failed, self.unexpected, self.retransmissions = answered, failed, 0, 0


def sipp_cases(tap):
    def attempts(limit, failing_above):
        def attempt(rate, seconds):
            calls = int(rate * seconds)
            failed = 2 if rate > failing_above else 0
            return sipp_run.Step(rate, calls, max(seconds, calls / limit),
                                 SippStatistics(calls - failed, failed),
                                 [{"answered": calls - failed, "unexpected": 0}])
        return attempt
    with tap.case("sipp's rate rises until it cannot follow; the last good one is confirmed"):
        steps, confirmed = sipp_run.search(attempts(1800, 1e9), 4, 15)
        expect_equal([step.rate for step in steps], [500, 750, 1125, 1687.5, 2531.25, 1687.5],
                     "rates")
        expect_equal((confirmed.wrong(), confirmed.calls), (0, 25312), "confirmed")
    with tap.case("a failed call ends the search, and is told when it happens to all"):
        steps, confirmed = sipp_run.search(attempts(1e9, 1000), 4, 15)
        expect_equal((confirmed.rate, confirmed.wrong()), (750, 0), "confirmed")
        _, confirmed = sipp_run.search(attempts(1e9, 0), 4, 15)
        expect(confirmed.wrong() > 0, "all calls well")


    with tap.case("why sipp's part failed is told; what it measured is a metric"):
        for found, wanted in ((None, "no calls were measured: it ended with -9"),
                              ({"failed": "LabError: no sipp"}, "LabError: no sipp")):
            try:
                sipp_run.taken(found, -9)
                raise AssertionError("taken")
            except RuntimeError as error:
                expect_equal(str(error), wanted, "reason")
        expect_equal(sipp_run.taken({"calls_per_s": 7.5}, 0)["calls_per_s"]["runs"], [7.5], "runs")


def target_cases(tap):
    with tap.case("a target is held or missed, by how much, whichever side is better"):
        found = {t.name: targets.verdict(t, value, holds) for t, value, holds in targets.judge({
            "path": {"proxy": {"msg_per_s_per_core": 4e6}},
            "tables": {"1000": {"build_ms": metric([2, 3, 4], "ms", LOWER), "lost": 0,
                                "visible_us": metric([150], "us", LOWER)}}})}
        for name, wanted in (("whole path from memory, one core", "missed by 20 %"),
                             ("table image of 1000 members, build", "held"),
                             ("the same, until visible", "missed by 50 %"),
                             ("messages lost by changes of tables", "held"),
                             ("p99 added over memif at 90 %", "not measured")):
            expect_equal(found[name], wanted, name)
    with tap.case("the page tells what stands in the way of a target that is missed, and only then"):
        for built_ms, missed in ((4, 0), (6, 1)):
            text = html_page.target_table({
                "tables": {"1000": {"build_ms": metric([built_ms], "ms", LOWER), "lost": 0}},
                "location": {"10000000": {"hit_ns": metric([built_ms * 6], "ns", LOWER)}}})
            expect_equal(text.count("two lines of memory"), missed, f"{built_ms} ms")
            expect_equal(text.count("nothing known"), missed, f"{built_ms} ms")
    with tap.case("a latency less than the ceiling's is noise, and holds no target"):
        for added, wanted in ((-3, "not judged: less than nothing is noise"), (0, "held"),
                              (40, "missed by 100 %")):
            found = {t.name: targets.verdict(t, value, holds) for t, value, holds in targets.judge(
                {"memif": {"added_us": {"90": {"p99": metric([added], "us", LOWER)}}}})}
            expect_equal(found["p99 added over memif at 90 %"], wanted, str(added))
    with tap.case("lines of a plot: whole numbers on an axis, also over a logarithm"):
        expect_equal(svg.Axis(1, 4096, 0, 100, True).ticks(), [1, 10, 100, 1000], "logarithm")
        expect_equal(svg.Axis(0, 300, 0, 100, False).ticks(), [0, 50, 100, 150, 200, 250, 300],
                     "even")
        expect_equal([svg.number(v) for v in (0, 1.5, 1960000, 0.25, 4.2e-5)],
                     ["0", "1.5", "1.96 M", "250 m", "42 \u00b5"], "numbers")


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
    hop_cases(TAP, sys.argv[2])
    report_cases(TAP)
    REPORT = whole(TAP)
    page_cases(TAP, REPORT)
    publish_cases(TAP, REPORT)
    text_cases(TAP)
    growth_cases(TAP)
    sipp_cases(TAP)
    target_cases(TAP)
    surroundings(TAP)
