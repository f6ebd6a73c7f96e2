# SPDX-License-Identifier: BSD-3-Clause
"""The status page in a real browser."""

import html.parser
import os
import re
import shutil
import struct
import subprocess

from rig import PATIENCE_S, expect, expect_equal, run_suites, until
from support.tap import Skip

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Dom(html.parser.HTMLParser):
    """Text and class of each element with an id, and the rows of tables."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.classes, self.rows, self.body = [], {}, {}, {}, {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "body":
            self.body = attrs
        if "id" in attrs:
            self.text[attrs["id"]] = ""
            self.classes[attrs["id"]] = attrs.get("class", "")
        if tag not in VOID:
            self.open.append((tag, attrs.get("id")))
        table = next((i for t, i in self.open if t == "table"), None)
        if tag == "tr" and table:
            self.rows.setdefault(table, []).append([])
        if tag in ("td", "th") and table:
            self.rows[table][-1].append("")

    def handle_endtag(self, tag):
        while self.open:
            if self.open.pop()[0] == tag:
                return

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.text[name] += data
        table = next((i for t, i in self.open if t == "table"), None)
        if table and self.open[-1][0] in ("td", "th"):
            self.rows[table][-1][-1] += data


def browse(r, *options):
    if not shutil.which("chromium"):
        raise Skip("chromium is not installed")
    return subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                           "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
                           f"--user-data-dir={r.dir}/browser", "--virtual-time-budget=4000",
                           *options, f"http://{r.http_at}/"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=4 * PATIENCE_S)


def dom(r):
    done = browse(r, "--dump-dom")
    expect_equal(done.returncode, 0, f"chromium: {done.stderr[-500:]}")
    return Dom(done.stdout)


def nothing_comes_from_elsewhere(r):
    status, headers, text = r.fetch("/")
    expect_equal((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"), "page")
    expect("default-src 'none'" in headers["Content-Security-Policy"], headers)
    expect_equal(re.findall(r"(?:src|href)=\"(?!data:|/metrics)[^\"]*", text), [], "outside resources")
    expect(not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "a URL of elsewhere")
    expect("innerHTML" not in text and "eval(" not in text, "text that could become a program")


def members_workers_and_ledger_are_there(r):
    number = r.members()["k1"]["number"]
    for _ in range(3):
        r.tell_fake(f"count {number}")
    page = dom(r)
    expect(int(page.body.get("data-turns", 0)) >= 1, "the page never asked")
    expect("data plane connected" in page.text["dataplane"], page.text["dataplane"])
    expect_equal((page.classes["dataplane"], page.text["trouble"]), ("good", ""), "state")
    rows = {row[0]: row for row in page.rows["members"][1:]}
    expect_equal(sorted(rows), ["k1", "k2"], "members")
    expect_equal((rows["k1"][1], rows["k1"][2]), ("farm", "up"), "pool and asked of k1")
    edge = dict(zip(page.rows["listeners"][0], page.rows["listeners"][1]))
    expect_equal((edge["Listener"], edge["Requests"], edge["Pool"]), ("edge", "3", "farm"), "listener")
    expect_equal(len(page.rows["workers"]) - 1, len(r.show("workers")["workers"]), "workers")
    ledger = dict(page.rows["ledger"][1:])
    expect_equal(ledger.get("sent"), "3", f"sent in the ledger {ledger}")
    expect("received 3" in page.text["identity"], page.text["identity"])


def a_drain_is_seen(r):
    r.good("drain", "k1")
    rows = {row[0]: row for row in dom(r).rows["members"][1:]}
    expect_equal(rows["k1"][2], "drain*", "asked of k1")
    r.good("undrain", "k1")


def size_of(path):
    with open(path, "rb") as f:
        head = f.read(24)
    expect_equal(head[:8], b"\x89PNG\r\n\x1a\n", "a PNG")
    return struct.unpack("!II", head[16:24])


def it_can_be_read_on_a_phone_and_in_the_dark(r):
    for name, options in (("desk", ["--window-size=1200,900"]),
                          ("phone", ["--window-size=500,900"]),
                          ("dark", ["--window-size=1200,900", "--force-dark-mode",
                                    "--blink-settings=preferredColorScheme=0"])):
        path = os.path.join(r.dir, f"{name}.png")
        done = browse(r, f"--screenshot={path}", *options)
        expect_equal(done.returncode, 0, f"chromium: {done.stderr[-500:]}")
        width = int(options[0].split("=")[1].split(",")[0])
        expect_equal(size_of(path)[0], width, f"width of {name}")
        expect(os.path.getsize(path) > 5000, f"{name} shows nothing")
        keep = os.environ.get("STW_KEEP_SCREENSHOTS")
        if keep:
            shutil.copy(path, keep)


def without_a_data_plane_it_says_so(r):
    r.stop_fake()
    until(lambda: r.show("status")["dataplane"] == "waiting", "the link to be gone")
    page = dom(r)
    expect("data plane waiting" in page.text["dataplane"], page.text["dataplane"])
    expect_equal(page.classes["dataplane"], "bad", "state")
    expect(page.text["trouble"] != "", "no reason is shown")
    expect_equal(len(page.rows["members"]) - 1, 2, "members without a data plane")


if __name__ == "__main__":
    run_suites(({"fake": True, "port": True},
                (nothing_comes_from_elsewhere, members_workers_and_ledger_are_there,
                 a_drain_is_seen, it_can_be_read_on_a_phone_and_in_the_dark,
                 without_a_data_plane_it_says_so)))
