# SPDX-License-Identifier: BSD-3-Clause
"""Which plots a report has, one function each; a report without the figures has no such plot."""

from measure import is_metric
from report import svg

SYSTEMS = {"strowger": 0, "testpmd": 2, "kamailio": 1}


def path_rates(report):
    path = report["path"]
    rows = [("strowger, " + name, found["rate"], 0) for name, found in path["mixes"].items()] \
        if "mixes" in path else []
    rows.insert(0, ("strowger, proxy", path["proxy"]["rate"], 0))
    return svg.bars("The whole path from memory, one core", "messages a second", rows)


def path_floor(report):
    path = report["path"]
    return svg.bars("The floor: testpmd on the same file and core", "packets a second",
                    [(f"testpmd {mode}", found, 2) for mode, found in path["floor"].items()])


def path_stages(report):
    stages = report["path"]["stages"]["ns_per_message"]
    return svg.bars("Where the time goes, stage by stage, in one process", "ns a message",
                    [(name, found, 3 if name == "all" else 0) for name, found in stages.items()])


def path_worker_stages(report):
    stages = report["path"]["worker_stages_ns"]
    return svg.bars("Where the worker's time goes, by its own clock", "ns a message",
                    [(name, found, 0) for name, found in stages.items()])


def path_bursts(report):
    return svg.lines("Burst size", "messages a burst at most", "messages a second",
                     {"strowger, proxy": points(report["path"]["bursts"])}, log_x=True)


def parse(report):
    rows = []
    for name, found in report["micro"]["parse"].items():
        kernel, _, stage = name.partition("_")
        for order in ("sorted", "shuffled"):
            rows.append((f"{name.replace('_', ' ')}, {order}", found["ns_per_msg"][order],
                         1 if kernel not in ("avx512", "avx2", "sse", "scalar") else
                         2 if stage else 0))
    return svg.bars("Parsers on one corpus", "ns a message", rows)


def micro_pieces(report):
    rows = [(name.replace("_", " "), found, 0) for name, found in
            report.get("path", {}).get("pieces", {}).items()]
    rows += [(f"recent call: {name}", found, 3) for name, found in
             report.get("micro", {}).get("recent", {}).items() if is_metric(found)]
    return svg.bars("Single pieces of work", "ns each", rows)


def points(table):
    """{x: metric} as points."""
    return [(float(x), found["median"], found["min"], found["max"]) for x, found in table.items()]


def _rates(report, level, title):
    rows = []
    for name, found in report[level]["systems"].items():
        rows.append((f"{name}, no loss", found["no_loss_per_s"], SYSTEMS[name]))
        rows.append((f"{name}, flooded", found["flooded_per_s"], SYSTEMS[name]))
    return svg.bars(title, "messages a second", rows)


def _latency(report, level, title):
    series = {}
    for name, found in report[level]["systems"].items():
        for p in ("p50", "p99"):
            series[f"{name} {p}"] = points(
                {share: row[p] for share, row in found["latency_us"].items()})
    return svg.lines(title, "percent of the rate at no loss", "microseconds from the due moment",
                     series, log_y=True)


def _curve(report, level, title):
    series = {}
    for name, found in report[level]["systems"].items():
        curve = found["latency_us"]["90"]["curve_us"]
        series[name] = [(100 / (100 - float(p[1:])), us, us, us) for p, us in curve.items()
                        if p[0] == "p" and p != "p100" and us > 0]
    return svg.lines(title, "one in so many is slower (2: median, 1000: p99.9)",
                     "microseconds from the due moment", series, log_x=True, log_y=True)


def memif_rates(report):
    return _rates(report, "memif", "Over memif, one core for the system")


def memif_latency(report):
    return _latency(report, "memif", "Latency over memif")


def memif_curve(report):
    return _curve(report, "memif", "Latency over memif at 90 %, by rank")


def veth_rates(report):
    return _rates(report, "veth", "Over a veth, one core for the system")


def veth_latency(report):
    return _latency(report, "veth", "Latency over a veth")


def veth_children(report):
    swept = report["veth"]["systems"]["kamailio"]["flooded_by_children"]
    return svg.bars("Kamailio flooded, by its children", "messages a second",
                    [(f"{n} children", {"median": rate, "min": rate, "max": rate}, 1)
                     for n, rate in swept.items()])


def tables(report):
    return svg.lines("A change of configuration under full load", "members", "microseconds",
                     {name: points({m: row[key] for m, row in report["tables"].items()})
                      for name, key in (("until visible", "visible_us"),
                                        ("longest turn, with a swap", "pause_us"),
                                        ("without", "quiet_us"))}, log_x=True)


def _growth(report, name):
    found = report["growth"][name]
    series = {stage: points(row) for stage, row in found["series"].items()}
    return svg.lines(f"Cost a message against {found['what']}", found["what"], found["unit"],
                     series, log_x=found.get("log", True))


def growth_plots(report):
    return {f"growth-{name}": _growth(report, name) for name, found in
            report.get("growth", {}).items() if isinstance(found, dict) and "series" in found}


PLOTS = {
    "path-rates": path_rates, "path-floor": path_floor, "path-stages": path_stages,
    "path-worker-stages": path_worker_stages, "path-bursts": path_bursts,
    "memif-rates": memif_rates, "memif-latency": memif_latency, "memif-curve": memif_curve,
    "veth-rates": veth_rates, "veth-latency": veth_latency, "veth-children": veth_children,
    "parse": parse, "micro-pieces": micro_pieces, "tables": tables,
}


def draw(report):
    """{name: SVG text}, in the order of a page."""
    found = {}
    for name, plot in PLOTS.items():
        try:
            found[name] = plot(report)
        except (KeyError, ValueError):
            continue  # the report was made without this part
    found.update(growth_plots(report))
    return found
