# SPDX-License-Identifier: BSD-3-Clause
"""/metrics as Prometheus reads it, on the HTTP port, and what that port does not do."""

import os
import re
import shutil
import subprocess

from rig import PATIENCE_S, ROOT, expect, expect_equal, free_port, run_suites, until
from support.tap import Skip

SAMPLE = re.compile(r'^([a-z_:]+)(?:\{(.*)\})? ([-+0-9.eEInf]+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def scrape(r):
    """{(name, sorted labels): value}; every line must be a comment or a sample."""
    status, headers, text = r.fetch("/metrics")
    expect_equal(status, 200, "status")
    expect(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers)
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        expect(match, f"not a sample: {line}")
        key = (match.group(1), tuple(sorted(LABEL.findall(match.group(2) or ""))))
        expect(key not in found, f"twice: {line}")
        found[key] = float(match.group(3))
    return text, found


def value(found, name, **labels):
    key = (name, tuple(sorted(labels.items())))
    expect(key in found, f"no {key}")
    return found[key]


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def every_member_is_there_without_a_data_plane(r):
    _, found = scrape(r)
    expect_equal(value(found, "strowger_dataplane_connected"), 0, "connected")
    for name, address, _ in (("k1", "198.51.100.11:5060", 10), ("k2", "198.51.100.12:5060", 10)):
        expect_equal(value(found, "strowger_member_requests_total", member=name, address=address), 0,
                     name)
        expect_equal(value(found, "strowger_pool_member_share_ratio", pool="farm", member=name),
                     0.5, "share")
    expect_equal(value(found, "strowger_listener_info", listener="edge", address="192.0.2.1:5060",
                       transport="udp", pool="farm"), 1, "listener")


def each_counter_of_each_worker(r):
    _, found = scrape(r)
    expect_equal(value(found, "strowger_dataplane_connected"), 1, "connected")
    expect_equal(value(found, "strowger_tables_generation"), r.linked(), "generation")
    digest = r.show("status")["tables"]["digest"]
    expect_equal(value(found, "strowger_tables_info", digest=digest), 1, "digest")
    counters = r.show("counters")["workers"]
    for row in counters:
        worker = str(row["worker"])
        expect_equal(value(found, "strowger_packets_dropped_total", worker=worker,
                           reason="malformed"), row["counters"]["malformed"], "malformed")
        expect_equal(value(found, "strowger_packets_ended_total", worker=worker, end="sent"),
                     row["counters"]["sent"], "sent")
        expect_equal(value(found, "strowger_worker_received_total", worker=worker),
                     row["counters"]["received"], "received")
        expect_equal(value(found, "strowger_stage_duration_seconds_bucket", worker=worker,
                           stage="parse", le="+Inf"),
                     value(found, "strowger_stage_duration_seconds_count", worker=worker,
                           stage="parse"), "the last bucket holds all")
    expect(len(counters) > 0, "no workers")


def histograms_are_whole(r):
    """Each has buckets that only grow, the last of them all, and a sum that fits them."""
    number = r.members()["k2"]["number"]
    for _ in range(3):
        r.tell_fake(f"count {number}")  # each first answer after 1.5 ms
    text, found = scrape(r)
    names = re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE)
    expect("strowger_member_first_answer_seconds" in names, names)
    for name in names:
        for (metric, labels), count in list(found.items()):
            if metric != name + "_count":
                continue
            buckets = sorted((float(dict(other)["le"]), n) for (m, other), n in found.items()
                             if m == name + "_bucket" and "le" in dict(other)
                             and {k: v for k, v in other if k != "le"} == dict(labels))
            counts = [n for _, n in buckets]
            expect_equal(counts, sorted(counts), f"buckets of {name} {labels}")
            expect_equal((buckets[-1][0], buckets[-1][1]), (float("inf"), count), f"{name} {labels}")
            expect((found[name + "_sum", labels] > 0) == (count > 0), f"sum of {name} {labels}")
    family = "strowger_member_first_answer_seconds"
    expect_equal(value(found, family + "_count", member="k2"), 3, "first answers")
    expect(abs(value(found, family + "_sum", member="k2") - 0.0045) < 1e-9, "sum of 3 of 1.5 ms")


def listeners_are_counted(r):
    _, found = scrape(r)
    before = value(found, "strowger_listener_requests_total", listener="edge")
    number = r.members()["k1"]["number"]
    for _ in range(4):
        r.tell_fake(f"count {number}")
    _, found = scrape(r)
    expect_equal(value(found, "strowger_listener_requests_total", listener="edge") - before, 4,
                 "requests at edge")
    expect_equal(value(found, "strowger_listener_responses_total", listener="edge"), 0,
                 "responses at edge")
    row = r.show("listeners")["listeners"][0]
    expect_equal(row["counters"]["new_calls"], before + 4, "new calls in show listeners")
    until(lambda: r.show("listeners")["listeners"][0]["rate_10s"]["requests"], "a rate of edge")
    shown = r.good("show", "listeners").splitlines()
    expect_equal(shown[0].split()[4:], ["REQ/S", "REQUESTS", "RESPONSES", "CALLS", "ANSWERED"],
                 "headings")
    expect_equal(shown[1].split()[5], str(int(before) + 4), shown)


def a_drain_is_seen(r):
    r.good("drain", "k1")
    _, found = scrape(r)
    expect_equal(value(found, "strowger_pool_member_asked_up", pool="farm", member="k1"), 0, "k1")
    expect_equal(value(found, "strowger_pool_member_share_ratio", pool="farm", member="k2"), 1, "k2")
    r.good("undrain", "k1")


def promtool_finds_nothing_wrong(r):
    need("promtool")
    text, _ = scrape(r)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          text=True, check=False, timeout=PATIENCE_S)
    expect_equal((done.returncode, done.stderr), (0, ""), "promtool check metrics")


def alert_rules_are_rules_about_what_is_there(r):
    need("promtool")
    rules = os.path.join(ROOT, "docs", "monitoring", "alerts.yml")
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True,
                          check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 0, f"promtool check rules: {done.stdout}{done.stderr}")
    names = families(scrape(r)[0])
    for path in (rules, os.path.join(ROOT, "docs", "monitoring", "grafana.json")):
        with open(path, encoding="utf-8") as f:
            used = set(re.findall(r"strowger_[a-z0-9_]+", f.read()))
        expect(used, f"{path} uses no metric")
        unknown = {name for name in used
                   if name not in names and re.sub("_(bucket|sum|count)$", "", name) not in names}
        expect(not unknown, f"{path}: no such metrics: {sorted(unknown)}")


def families(text):
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def the_port_reads_only(r):
    for method, path in (("POST", "/v1/reload"), ("POST", "/v1/members/k1/drain"),
                         ("GET", "/v1/config"), ("POST", "/v1/check")):
        status, _, text = r.fetch(path, method)
        expect_equal(status, 403, f"{method} {path}")
        expect("api.token_file" in text, text)
    for path in ("/v1/status", "/v1/members", "/v1/counters", "/v1"):
        expect_equal(r.fetch(path)[0], 200, path)
    expect_equal(r.members()["k1"]["pools"][0]["asked"], "up", "asked")


def the_unix_socket_does_more(r):
    expect_equal(r.call("GET", "/v1/config")[0], 200, "config")
    expect_equal(r.show("status")["http"], r.http_at, "http in status")


def a_token_opens_the_port(r):
    token = "0123456789abcdef0123"
    path = os.path.join(r.dir, "token")
    with open(path, "w", encoding="utf-8") as f:
        f.write(token + "\n")
    r.api_extra = [f"  token_file: {path}"]
    r.write()
    os.chmod(path, 0o644)
    r.stop()
    expect("others may read it" in refused_start(r), "a token that all may read was taken")
    os.chmod(path, 0o600)
    r.start()
    until(r.linked, "the tables")
    for headers in ({}, {"Authorization": "Bearer wrong-wrong-wrong-wrong"},
                    {"Authorization": token}, {"Authorization": "Bearer " + token[:-1]},
                    {"Authorization": "Basic " + token}):
        status, answered, _ = r.fetch("/v1/members/k1/drain", "POST", headers)
        expect_equal((status, answered["WWW-Authenticate"]), (401, "Bearer"), f"with {headers}")
    status, _, text = r.fetch("/v1/members/k1/drain", "POST", {"Authorization": "Bearer " + token})
    expect_equal(status, 200, text)
    expect_equal(r.members()["k1"]["pools"][0]["asked"], "drain", "asked")


def refused_start(r):
    done = subprocess.run([r.control_program, "--config", r.config], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    expect_equal(done.returncode, 1, "exit code of control")
    return done.stderr


def a_port_in_use_is_told_and_calls_go_on(r):
    r.stop()
    with open(r.log, "w", encoding="utf-8"):
        pass
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        r.http_at = f"127.0.0.1:{taken.getsockname()[1]}"
        r.write()
        r.start()
        expect("no HTTP on " + r.http_at in r.log_text(), r.log_text())
        expect_equal(r.show("status")["http"], None, "http in status")


def prometheus_scrapes_it(r):
    need("prometheus")
    config = os.path.join(r.dir, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as f:
        f.write("global: {scrape_interval: 250ms, scrape_timeout: 250ms}\n"
                "scrape_configs:\n  - job_name: strowger\n    static_configs:\n"
                f"      - targets: ['{r.http_at}']\n")
    import json
    import urllib.parse
    import urllib.request
    at = f"127.0.0.1:{free_port()}"
    log = open(os.path.join(r.dir, "prometheus.log"), "w", encoding="utf-8")
    with log, subprocess.Popen(["prometheus", f"--config.file={config}",
                                f"--storage.tsdb.path={r.dir}/tsdb",
                                f"--web.listen-address={at}"],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log) as prometheus:

        def query(text):
            expect(prometheus.poll() is None, "prometheus ended")
            url = f"http://{at}/api/v1/query?" + urllib.parse.urlencode({"query": text})
            try:
                with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                    return json.load(answer)["data"]["result"]
            except OSError:
                return None

        try:
            rows = until(lambda: query("strowger_tables_generation"), "the first scrape")
            expect_equal(rows[0]["value"][1], str(r.linked()), "generation")
            expect_equal(query("up")[0]["value"][1], "1", "up")
            expect_equal(len(query("strowger_member_new_calls_total")), 2, "members")
        finally:
            prometheus.terminate()
            prometheus.wait(PATIENCE_S)


if __name__ == "__main__":
    run_suites(({"port": True}, (every_member_is_there_without_a_data_plane,)),
               ({"fake": True, "port": True},
                (each_counter_of_each_worker, histograms_are_whole, listeners_are_counted, a_drain_is_seen, promtool_finds_nothing_wrong,
                 alert_rules_are_rules_about_what_is_there, the_port_reads_only,
                 the_unix_socket_does_more, prometheus_scrapes_it, a_token_opens_the_port,
                 a_port_in_use_is_told_and_calls_go_on)))
