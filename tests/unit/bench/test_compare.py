# SPDX-License-Identifier: BSD-3-Clause
"""bench/compare.py and the form of a quantity in a report."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

import compare  # noqa: E402
from measure import HIGHER, LOWER, metric, quantity, walk  # noqa: E402
from support.tap import Tap, expect, expect_equal  # noqa: E402


def report(rates, times, **more):
    return {"commit": "0123456789abcdef", "date": "2026-01-01T00:00:00+00:00", "quick": False,
            "cpu": {"model": "test"},
            "path": {"proxy": {"rate": metric(rates, "1/s", HIGHER)}},
            "micro": {"rows": [{"parse": metric(times, "ns", LOWER)}]}, **more}


def verdicts(before, after):
    return {change.name: change.verdict for change in compare.changes(before, after)}


def run_main(before, after, *options):
    """(exit code, output) of compare.py on two reports."""
    out = io.StringIO()
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for name, content in (("a.json", before), ("b.json", after)):
            paths.append(os.path.join(directory, name))
            pathlib.Path(paths[-1]).write_text(json.dumps(content))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = compare.main([*paths, *options])
    return code, out.getvalue()


FAST, SLOW = [3.30e6, 3.31e6, 3.29e6, 3.32e6, 3.28e6], [3.0e6, 3.01e6, 2.99e6, 3.02e6, 2.98e6]
NS = [50.0, 51.0, 49.0, 50.5, 49.5]


def metrics(tap):
    with tap.case("a quantity keeps its runs and tells median, extremes and spread"):
        m = metric([3, 1, 2], "ns", LOWER)
        expect_equal((m["median"], m["min"], m["max"], m["runs"]), (2, 1, 3, [3, 1, 2]), "metric")
        expect_equal(m["spread_percent"], 100.0, "spread")
    with tap.case("a quantity without runs is refused"):
        try:
            metric([], "ns", LOWER)
        except ValueError:
            pass
        else:
            expect(False, "no ValueError")
    with tap.case("quantities are found in dictionaries and lists, by path"):
        expect_equal([name for name, _ in walk(report(FAST, NS))],
                     ["path.proxy.rate", "micro.rows[0].parse"], "names")
    with tap.case("values are written for people"):
        expect_equal([quantity(3241000, "1/s"), quantity(950, "1/s"), quantity(51.24, "ns")],
                     ["3.24 M/s", "950 /s", "51.24 ns"], "texts")


def statistics(tap):
    with tap.case("ranks: equal values share the mean of their ranks"):
        expect_equal(compare.ranks([5, 1, 5, 3]), [3.5, 1, 3.5, 2], "ranks")
    with tap.case("five runs all above five others: 2 of the 252 ways to deal them"):
        p = compare.probability(FAST, SLOW)
        expect(abs(p - 2 / 252) < 1e-12, f"p = {p}")
    with tap.case("the same runs twice are as likely as can be"):
        expect_equal(compare.probability(NS, list(NS)), 1.0, "p")
    with tap.case("many runs: the approximation is near the exact test"):
        a, b = list(range(0, 20, 2)), list(range(5, 25, 2))
        rank = compare.ranks(a + b)
        exact, normal = compare.exact_p(rank, len(a)), compare.normal_p(rank, len(a))
        expect(abs(exact - normal) < 0.01, f"{exact} and {normal}")


def verdict_cases(tap):
    with tap.case("a higher rate is better, a lower one worse"):
        expect_equal(verdicts(report(SLOW, NS), report(FAST, NS))["path.proxy.rate"], "better",
                     "slow to fast")
        expect_equal(verdicts(report(FAST, NS), report(SLOW, NS))["path.proxy.rate"], "worse",
                     "fast to slow")
    with tap.case("a longer time is worse"):
        longer = [value * 1.2 for value in NS]
        expect_equal(verdicts(report(FAST, NS), report(FAST, longer))["micro.rows[0].parse"],
                     "worse", "verdict")
    with tap.case("a large change of the median inside the noise is noise"):
        wild, wilder = [1e6, 4e6, 2e6, 5e6, 3e6], [1.5e6, 4.5e6, 2.5e6, 5.5e6, 3.6e6]
        change = compare.changes(report(wild, NS), report(wilder, NS))[0]
        expect(change.percent > 15, f"{change.percent} %")
        expect_equal(change.verdict, "noise", "verdict")
    with tap.case("one run against one can never count"):
        expect_equal(verdicts(report([1e6], NS), report([9e6], NS))["path.proxy.rate"], "noise",
                     "verdict")


def program(tap):
    with tap.case("the table names each quantity with its verdict"):
        code, text = run_main(report(SLOW, NS), report(FAST, NS))
        expect_equal(code, 0, "exit code")
        line = next(line for line in text.splitlines() if line.startswith("path.proxy.rate"))
        expect("+10.0 %" in line and line.endswith("better"), line)
    with tap.case("--fail-above ends with 1 only for what became worse by more"):
        expect_equal(run_main(report(FAST, NS), report(SLOW, NS), "--fail-above", "5")[0], 1,
                     "9 % worse")
        expect_equal(run_main(report(FAST, NS), report(SLOW, NS), "--fail-above", "20")[0], 0,
                     "9 % worse, 20 allowed")
        expect_equal(run_main(report(SLOW, NS), report(FAST, NS), "--fail-above", "5")[0], 0,
                     "10 % better")
    with tap.case("reports of different machines are compared with a warning"):
        other = report(FAST, NS)
        other["cpu"]["model"] = "another"
        expect("careful: cpu.model differs" in run_main(report(FAST, NS), other)[1], "no warning")
    with tap.case("quantities of one report alone are named"):
        more = report(FAST, NS, tables={"build": metric([1, 2], "ms", LOWER)})
        expect("in one report only: tables.build" in run_main(report(FAST, NS), more)[1],
               "not named")
    with tap.case("nothing in common ends with 2"):
        expect_equal(run_main({"path": {}}, report(FAST, NS))[0], 2, "exit code")


with Tap() as TAP:
    metrics(TAP)
    statistics(TAP)
    verdict_cases(TAP)
    program(TAP)
