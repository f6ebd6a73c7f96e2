#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Puts a report of `make bench` into the documents: bench/publish.py [REPORT.json]

The report, without what only its maker needs, becomes docs/performance/report.json, its plots docs/performance/*.svg,
and what stands between <!-- report NAME: begin --> and <!-- report NAME: end --> in docs/performance.md and
README.md is written anew from it. Nobody writes figures there by hand, so they cannot drift; a test
holds the documents against the kept report.
"""

import argparse
import json
import pathlib
import re
import sys

from environment import ROOT
from measure import is_metric, quantity, to_json
from report import plots, targets

KEPT = ROOT / "docs" / "performance"
DOCUMENTS = (ROOT / "docs" / "performance.md", ROOT / "README.md")
LEFT_OUT = ("raw", "steps", "profile", "runs_of_stages", "counters")

# (what, dotted paths in the report, unit of what is no metric)
FIGURES = (
    ("whole path, proxy mode, one core, from memory", ("path.proxy.rate",), ""),
    ("the same, a message", ("path.proxy.ns_per_message",), ""),
    ("requests only; responses only", ("path.mixes.requests.rate", "path.mixes.responses.rate"), ""),
    ("requests, with rules and a hosted domain that are not theirs", ("path.mixes.unconcerned.rate",), ""),
    ("INVITEs redirected; located", ("path.mixes.redirect.rate", "path.mixes.located.rate"), ""),
    ("two workers, times one's rate", ("path.workers.times",), ""),
    ("one queue, two workers; two with a queue each: times one's rate; these when they might steer",
     ("path.steering.times", "path.steering.apart_times", "path.steering.auto_times"), ""),
    ("a cache line from one core to the other meanwhile", ("path.steering.hop_ns",), ""),
    ("floor: testpmd `io`; `rxonly`, same file, device and core",
     ("path.floor.io", "path.floor.rxonly"), ""),
    ("in one process: parse; route; rewrite; checksum",
     tuple(f"path.stages.ns_per_message.{s}" for s in ("parse", "route", "rewrite", "checksum")), ""),
    ("the same, cycles of the TSC",
     tuple(f"path.stages.cycles_per_message.{s}" for s in ("parse", "route", "rewrite", "checksum")), ""),
    ("hash of a Call-ID; MAC of a cookie; Maglev; checksum",
     tuple(f"path.pieces.{p}" for p in ("call_id_hash", "cookie_mac", "maglev", "checksum")), ""),
    ("recent call: hit; cold; miss; insert",
     tuple(f"micro.recent.{p}" for p in ("hit", "cold", "miss", "insert")), ""),
    *((f"parse, sorted; shuffled: {name}",
       tuple(f"micro.parse.{key}.ns_per_msg.{order}" for order in ("sorted", "shuffled")), "")
      for name, key in (("AVX-512", "avx512"), ("AVX-512, headers located only", "avx512_located"),
                        ("AVX2", "avx2"), ("AVX2, headers located only", "avx2_located"),
                        ("SSE", "sse"), ("SSE, headers located only", "sse_located"),
                        ("scalar", "scalar"), ("scalar, headers located only", "scalar_located"),
                        ("osip2", "osip2"), ("Sofia-SIP", "sofia"), ("libre", "re"))),
    ("memif, at no loss: Strowger; testpmd",
     tuple(f"memif.systems.{s}.no_loss_per_s" for s in ("strowger", "testpmd")), ""),
    *((f"memif, p50; p99; p99.9 at {share} %",
       tuple(f"memif.systems.strowger.latency_us.{share}.{p}" for p in ("p50", "p99", "p99_9")), "")
      for share in (10, 50, 90)),
    ("memif, added to testpmd's p99 at 10; 50; 90 %",
     tuple(f"memif.added_us.{share}.p99" for share in (10, 50, 90)), ""),
    ("veth, at no loss: Strowger; testpmd; Kamailio",
     tuple(f"veth.systems.{s}.no_loss_per_s" for s in ("strowger", "testpmd", "kamailio")), ""),
    *((f"{wire}, at most 0.1 % lost: " + "; ".join(systems),
       tuple(f"{wire}.systems.{s.lower()}.low_loss_per_s" for s in systems), "")
      for wire, systems in (("memif", ("Strowger", "testpmd")),
                            ("veth", ("Strowger", "testpmd", "Kamailio")))),
    ("sipp: whole calls", ("sipp.calls_per_s",), ""),
    ("idle worker, of a core; p50; p99 over memif at 1000 messages a second, between which it sleeps",
     ("memif.idle_cpu_percent", "memif.seldom_us.p50", "memif.seldom_us.p99"), ""),
    ("location table of 100 k; 1 M; 10 M bindings: memory of one",
     tuple(f"location.{n}.bytes_a_binding" for n in (100000, 1000000, 10000000)), ""),
    ("the same: a look-up of a user there is",
     tuple(f"location.{n}.hit_ns" for n in (100000, 1000000, 10000000)), ""),
    ("the same: of one there is not",
     tuple(f"location.{n}.miss_ns" for n in (100000, 1000000, 10000000)), ""),
    *((f"REGISTERs, {keeps}, {auth}: Strowger; Kamailio",
       tuple(f"registrar.{keeps}.{auth}.{system}" for system in ("strowger", "kamailio")), "")
      for keeps, auth in (("memory", "none"), ("memory", "md5"), ("memory", "sha-256"),
                          ("disk", "none"))),
    *((f"the whole balancer on one core, memory, {auth}: REGISTERs; times Kamailio's",
       (f"registrar.memory.{auth}.lane", f"registrar.memory.{auth}.lane_times_kamailio"), "times")
      for auth in ("none", "md5", "sha-256")),
    ("table image of 10; 100; 1000 members: build",
     tuple(f"tables.{n}.build_ms" for n in (10, 100, 1000)), ""),
    ("the same: check and copy", tuple(f"tables.{n}.check_ms" for n in (10, 100, 1000)), ""),
    ("the same, at full load: until all workers have it",
     tuple(f"tables.{n}.visible_us" for n in (10, 100, 1000)), ""),
    ("the same: messages lost", tuple(f"tables.{n}.lost" for n in (10, 100, 1000)), ""),
    ("the same: a worker's longest turn around a swap",
     tuple(f"tables.{n}.pause_us" for n in (10, 100, 1000)), ""),
    ("without a swap", tuple(f"tables.{n}.quiet_us" for n in (10, 100, 1000)), ""),
)


def node(report, path):
    """What stands at a dotted path; p99_9 is the key p99.9. None: nothing."""
    for key in path.split("."):
        key = key.replace("_9", ".9") if key == "p99_9" else key
        if not isinstance(report, dict) or key not in report:
            return None
        report = report[key]
    return report


def shown(found, unit):
    if found is None:
        return "\u2013"
    if not is_metric(found):
        return quantity(found, unit)
    text = quantity(found["median"], found["unit"])
    if len(found["runs"]) > 1 and found["max"] > found["min"]:
        low, high = (quantity(found[end], found["unit"]) for end in ("min", "max"))
        text += f" ({low} to {high})"
    return text


def figures(report):
    yield "| what | median (all runs) | where in the report |"
    yield "|---|---|---|"
    for what, paths, unit in FIGURES:
        found = [node(report, path) for path in paths]
        if any(one is not None for one in found):
            names = ", ".join(f"`{path.replace('p99_9', 'p99.9')}`" for path in paths[:1]) + \
                (", \u2026" if len(paths) > 1 else "")
            yield f"| {what} | {'; '.join(shown(one, unit) for one in found)} | {names} |"


def target_rows(report):
    yield "| target | bound | measured | |"
    yield "|---|---|---|---|"
    for target, value, holds in targets.judge(report):
        measured = "\u2013" if value is None else quantity(value, target.unit)
        verdict = targets.verdict(target, value, holds)
        yield f"| {target.name} | {target.text()} | {measured} | " \
              f"{verdict if holds is not False else f'**{verdict}**'} |"


def origin(report):
    cpu = report["cpu"]
    quick = " QUICK=1" if report["quick"] else ""
    yield (f"From `sudo make bench{quick}` on {report['date'][:10]}, commit {report['commit'][:12]}"
           f"{' with changes' if report['dirty'] else ''}: {cpu['model']}, {cpu['count']} cores"
           f"{', virtual' if cpu['hypervisor'] else ''}, Linux {report['kernel']}, DPDK "
           f"{report['dpdk']}; load average at the start {report['load_average'][0]:.2f}.")


def pictures(report):
    for name in plots.draw(report):
        yield f"![{name.replace('-', ' ')}](performance/{name}.svg)"
        yield ""


def readme(report):
    yield from origin(report)
    yield ""
    yield "| what | figure |"
    yield "|---|---|"
    for what, path, unit in (
            ("whole data-plane path, proxy mode, from memory, on one core", "path.proxy.rate", ""),
            ("parse alone, AVX-512, shuffled headers, every routing header judged",
             "micro.parse.avx512.ns_per_msg.shuffled", ""),
            ("the same, every routing header located, nothing judged",
             "micro.parse.avx512_located.ns_per_msg.shuffled", ""),
            ("two workers, times one's rate", "path.workers.times", ""),
            ("over memif between two processes, no message lost",
             "memif.systems.strowger.no_loss_per_s", ""),
            ("over a veth with the kernel in between, at most 0.1 % lost",
             "veth.systems.strowger.low_loss_per_s", ""),
            ("the same: testpmd, looking at nothing", "veth.systems.testpmd.low_loss_per_s", ""),
            ("the same: Kamailio, stateless dispatcher, best tuning",
             "veth.systems.kamailio.low_loss_per_s", ""),
            ("change of tables of 1000 members at full load, until seen", "tables.1000.visible_us",
             "")):
        found = node(report, path)
        if found is not None:
            yield f"| {what} | {shown(found, unit)} |"


BLOCKS = {"origin": origin, "targets": target_rows, "figures": figures, "plots": pictures,
          "readme": readme}


def fill(text, report):
    """@text with every block written anew."""
    def block(match):
        lines = "\n".join(BLOCKS[match.group(1)](report)).rstrip("\n")
        return f"<!-- report {match.group(1)}: begin -->\n{lines}\n" \
               f"<!-- report {match.group(1)}: end -->"
    return re.sub(r"<!-- report (\w+): begin -->\n.*?<!-- report \1: end -->", block, text,
                  flags=re.DOTALL)


def slim(tree):
    """A report without what only its maker needs."""
    if isinstance(tree, dict):
        return {key: slim(value) for key, value in tree.items() if key not in LEFT_OUT}
    return [slim(value) for value in tree] if isinstance(tree, list) else tree


def publish(report, kept=KEPT, documents=DOCUMENTS):
    report = slim(report)
    kept.mkdir(exist_ok=True)
    for old in kept.glob("*.svg"):
        old.unlink()
    for name, plot in plots.draw(report).items():
        (kept / f"{name}.svg").write_text(plot + "\n")
    (kept / "report.json").write_text(to_json(report) + "\n")
    for document in documents:
        document.write_text(fill(document.read_text(), report))


def main():
    parser = argparse.ArgumentParser(description="put a report into the documents")
    parser.add_argument("report", type=pathlib.Path, nargs="?",
                        default=ROOT / "build" / "bench" / "report.json")
    args = parser.parse_args()
    report = json.loads(args.report.read_text())
    if "failed" in report:
        print(f"{args.report}: these parts failed: {', '.join(report['failed'])}; it is not "
              "published: run `make bench` again", file=sys.stderr)
        return 1
    publish(report)
    print(f"written: {', '.join(str(path.relative_to(ROOT)) for path in DOCUMENTS)}, "
          f"{KEPT.relative_to(ROOT)}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
