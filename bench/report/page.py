# SPDX-License-Identifier: BSD-3-Clause
"""The report as one page that needs nothing else, and its plots as files."""

import html

from measure import quantity, walk
from report import plots, targets

STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#60666e;--back:#fff;--line:#dde1e6;--good:#137a4f;
--bad:#b3261e;--panel:#f6f7f9}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa2ab;--back:#16181b;--line:#383d44;
--good:#5ccf9a;--bad:#ff8a80;--panel:#1f2226}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:60rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem} h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%;font-size:.92rem} .scroll{overflow-x:auto}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.held{color:var(--good)} .missed{color:var(--bad);font-weight:600} .none,.soft{color:var(--soft)}
.plots{display:grid;gap:1.6rem} .plots svg{max-width:100%;height:auto;background:var(--panel);
border-radius:6px;padding:12px;box-sizing:border-box}
"""


def _row(cells, tag="td"):
    return "<tr>" + "".join(
        f"<{tag}{f' class={kind}' if kind else ''}>{html.escape(str(text))}</{tag}>"
        for text, kind in cells) + "</tr>"


def _table(headings, rows):
    return ('<div class="scroll"><table>' + _row([(h, "") for h in headings], "th") +
            "".join(_row(row) for row in rows) + "</table></div>")


def target_table(report):
    rows = []
    for target, value, holds in targets.judge(report):
        shown = "\u2013" if value is None else quantity(value, target.unit)
        kind = {True: "held", False: "missed", None: "none"}[holds]
        rows.append([(target.name, ""), (target.text(), "n"), (shown, "n"),
                     (targets.verdict(target, value, holds), kind),
                     (target.hindrance if holds is False else "", "soft")])
    return _table(("target", "bound", "measured", "", "what stands in the way"), rows)


def environment_table(report):
    cpu, compiler = report["cpu"], report["compiler"]
    rows = (("commit", f"{report['commit']}{' (with changes)' if report['dirty'] else ''}"),
            ("date", report["date"]), ("how", "quick" if report["quick"] else "complete"),
            ("took", f"{report.get('duration_s', 0):.0f} s"),
            ("CPU", f"{cpu['model']}, {cpu['count']} cores, {cpu['mhz']:.0f} MHz, "
                    f"cache {cpu['cache']}, {' '.join(cpu['flags'])}"
                    f"{', virtual machine' if cpu['hypervisor'] else ''}"),
            ("governor", cpu["governor"] or "none to be seen"), ("kernel", report["kernel"]),
            ("compiler", f"{compiler['version']}, {compiler['buildtype']}, "
                         f"{' '.join(compiler['flags'])}"),
            ("DPDK", report["dpdk"]),
            ("hugepages", ", ".join(f"{k} {v}" for k, v in report["hugepages"].items())),
            ("load average at the start", " ".join(f"{v:.2f}" for v in report["load_average"])))
    return _table(("", ""), [[(name, ""), (value, "")] for name, value in rows])


def figures_table(report):
    rows = []
    for name, found in walk(report):
        if ".raw" in name:
            continue
        rows.append([(name, ""), (quantity(found["median"], found["unit"]), "n"),
                     (f"{quantity(found['min'], found['unit'])} to "
                      f"{quantity(found['max'], found['unit'])}", "n"),
                     (len(found["runs"]), "n")])
    return _table(("figure", "median", "all runs", "runs"), rows)


def failures(report):
    if "failed" not in report:
        return ""
    return "<h2>What failed</h2>" + _table(
        ("part", "why"), [[(name, ""), (why, "missed")] for name, why in report["failed"].items()])


def render(report, drawn):
    when = html.escape(report["date"])
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Strowger: benchmarks of {when}</title><style>{STYLE}</style></head><body>"
        f"<h1>Strowger: benchmarks</h1><p class=soft>{when}, commit "
        f"{html.escape(str(report['commit'])[:12])}. How each figure comes about: "
        "docs/performance.md, and more of what stands in the way. Every run is in report.json "
        "beside this page.</p>"
        f"<h2>Targets</h2>{target_table(report)}{failures(report)}"
        f'<h2>Plots</h2><div class="plots">{"".join(drawn.values())}</div>'
        f"<h2>Surroundings</h2>{environment_table(report)}"
        f"<h2>All figures</h2>{figures_table(report)}</body></html>\n")


def write(report, output):
    """report.html beside @output and plots/NAME.svg; returns the page's path."""
    drawn = plots.draw(report)
    directory = output.parent / "plots"
    directory.mkdir(exist_ok=True)
    for old in directory.glob("*.svg"):
        old.unlink()
    for name, text in drawn.items():
        (directory / f"{name}.svg").write_text(text + "\n")
    path = output.with_suffix(".html")
    path.write_text(render(report, drawn))
    return path
